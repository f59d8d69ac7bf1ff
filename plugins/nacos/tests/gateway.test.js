// Which API is spoken, whom it asks, and how users log in.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Registry, carryOut, listed, opened } from "./registry.js";

const NAMESPACES = { status: 200, json: { code: 200, data: [{ namespace: "", namespaceShowName: "public", configCount: 0 }] } };

/** Answers by the path; what is not named does not exist. */
const paths = (answers) => ({ url }) => answers[new URL(url).pathname] ?? { status: 404, text: "" };

test("where there is no v3, v1 is spoken", () => {
  const made = opened(paths({
    "/nacos/v1/console/namespaces": NAMESPACES,
    "/nacos/v1/ns/operator/metrics": { json: { status: "UP" } },
    "/nacos/v1/cs/configs": { json: { pagesAvailable: 1, pageItems: [{ group: "G", dataId: "a", content: "x", md5: "5" }] } },
  }));
  assert.equal(JSON.parse(made.storageDriver.discover().facts).api, "v1");
  assert.deepEqual(listed(made, "config"), { "public/G/a": { content: "x" } });
});

test("what v1 does not tell is refused with advice", () => {
  const { configStrategy } = opened(paths({}));
  const issues = (facts) => configStrategy.validate("config", [JSON.stringify({ content: "x", type: "yaml" })], JSON.stringify(facts))[0];
  assert.match(issues({ api: "v1" })[0].message, /leave it out/);
  assert.deepEqual([issues({ api: "v3" }), issues({})], [[], []]);
});

test("another server is asked where the first is silent, and a write is never sent twice", () => {
  const memory = new Registry();
  const asked = [];
  const made = opened((request) => {
    asked.push(new URL(request.url).host);
    if (asked.at(-1) === "10.0.0.1:8848") throw { kind: "timeout", code: null, message: "no answer", retryAfterMs: null, details: [] };
    return memory.answer(request);
  });
  made.storageDriver.discover();
  assert.deepEqual(asked, ["10.0.0.1:8848", "10.0.0.2:8848", "10.0.0.2:8848"]);

  const silent = opened((request) => {
    if (request.method === "POST") throw { kind: "timeout", code: null, message: "no answer", retryAfterMs: null, details: [] };
    return memory.answer(request);
  });
  const [{ tag }] = carryOut(silent, "service", "public/G/orders", null, {});
  assert.equal(tag, "unknown");
});

test("a node that a person named is asked too", () => {
  const made = opened(paths({ "/nacos/v1/ns/operator/metrics": { json: {} } }), {}, {}, [{ id: "third", roles: [], address: "10.0.0.3:8848" }]);
  const ids = made.storageDriver.discover().nodes.map((node) => node.id);
  assert.deepEqual(ids, ["10.0.0.1:8848", "10.0.0.2:8848", "10.0.0.3:8848"]);
});

test("users log in once, and again when the token has ended", () => {
  const memory = new Registry();
  let logins = 0;
  const http = (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/nacos/v3/auth/user/login") {
      logins += 1;
      return request.body === "username=ops&password=p%26ss" ? { json: { accessToken: `t${logins}`, tokenTtl: 18000 } } : { status: 403, text: "unknown user!" };
    }
    return request.headers.authorization === `Bearer t${logins}` ? memory.answer(request) : { status: 403, text: "token invalid" };
  };
  const login = { username: "ops", password: "pw" };
  const made = opened(http, login, { pw: "p&ss" });
  made.storageDriver.discover();
  assert.equal(logins, 1);
  logins += 1;
  made.storageDriver.discover();
  assert.equal(logins, 3, "the token of before is refused, and another is asked for");
  const wrong = opened(http, login, { pw: "guessed" });
  assert.throws(() => wrong.storageDriver.discover(), { kind: "unauthenticated" });
});

test("v1 says in plain text what it refuses", () => {
  const refusing = (text) => opened((request) => (request.method === "DELETE" ? { status: 500, text } : paths({ "/nacos/v1/console/namespaces": NAMESPACES })(request)));
  const [{ tag, val }] = carryOut(refusing("The service has instances,it can't remove!"), "service", "public/G/orders", {}, null);
  assert.deepEqual([tag, val.kind], ["failed", "other"]);
  assert.match(val.message, /has instances/);
  assert.equal(carryOut(refusing("service not found"), "service", "public/G/orders", {}, null)[0].val.kind, "not-found");
});
