// The plugin against a real server of the API, and against answers that no real one gives on demand.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { host } from "headgate/testing";
import plugin from "../src/plugin.js";

const CLUSTER = { tag: "cluster" };
const key = (id) => ({ metadataType: "note", id, place: CLUSTER });
const query = { metadataType: "note", place: CLUSTER, brief: false, fields: [], since: null, cursor: null, limit: 1000, extra: null };

let server;
let address;

before(async () => {
  server = spawn(process.execPath, [new URL("server.js", import.meta.url).pathname, "0", "s3cret"]);
  [address] = String(await once(server.stdout, "data")).split("\n");
});
after(() => server.kill());

function opened(parts) {
  const made = host(plugin, { secrets: { token: "s3cret" }, ...parts });
  made.storageDriver.open({ id: "1", name: "lab", connection: JSON.stringify({ address, token: "token" }) });
  return made;
}

/** Plans a change as the host does, and writes its steps. */
function carryOut({ configStrategy, storageDriver }, id, was, wish) {
  const [{ tag, val: steps }] = configStrategy.steps([{ key: key(id), before: was && JSON.stringify(was), after: wish && JSON.stringify(wish) }], "{}");
  assert.equal(tag, "ok");
  return { steps, outcomes: storageDriver.writeResources(steps.map((step) => step.write), false) };
}

test("a note is made, changed and deleted", () => {
  const made = opened();
  const { outcomes } = carryOut(made, "groceries", null, { text: "milk", tags: ["home"] });
  assert.deepEqual(outcomes.map(({ tag, val }) => [tag, val.revision]), [["done", "1"]]);
  const [{ tag, val }] = made.storageDriver.getResources([key("groceries")]);
  assert.deepEqual([tag, JSON.parse(val.spec)], ["found", { text: "milk", tags: ["home"] }]);

  const { steps } = carryOut(made, "groceries", { text: "milk", tags: ["home"] }, { text: "milk, bread", tags: ["home"] });
  assert.deepEqual(steps.map((step) => step.summary), ["text milk → milk, bread"]);
  assert.deepEqual(made.storageDriver.listResources(query).resources.map((one) => JSON.parse(one.spec).text), ["milk, bread"]);

  assert.deepEqual(carryOut(made, "groceries", { text: "x" }, null).steps.map((step) => step.destructive), [true]);
  assert.deepEqual(made.storageDriver.getResources([key("groceries")]), [{ tag: "absent" }]);
});

test("a note that somebody else changed is not overwritten", () => {
  const { storageDriver } = opened();
  const write = (revision, text) => storageDriver.writeResources(
    [{ key: key("shared"), action: { tag: "replace", val: JSON.stringify({ text }) }, revision, incarnation: null, extra: null }], false)[0];
  assert.equal(write(null, "one").tag, "done");
  assert.equal(write("1", "two").tag, "done");
  const { tag, val } = write("1", "three");
  assert.deepEqual([tag, val.kind, val.code], ["failed", "conflict", "HTTP_412"]);
});

test("pages end, hold each note once, and are in order", () => {
  const made = opened();
  for (const name of ["c", "a", "b"]) carryOut(made, name, null, { text: name });
  const seen = [];
  for (let cursor = null; ;) {
    const page = made.storageDriver.listResources({ ...query, limit: 2, cursor });
    seen.push(...page.resources.map((one) => one.key.id));
    cursor = page.next;
    if (cursor === null) break;
  }
  assert.deepEqual(seen.filter((name) => name.length === 1), ["a", "b", "c"]);
});

test("a wrong token and a server that is not there are told apart", () => {
  const wrong = opened({ secrets: { token: "guessed" } });
  assert.throws(() => wrong.storageDriver.discover(), { kind: "unauthenticated" });
  const gone = opened({ http: () => { throw { kind: "unavailable", code: null, message: "refused", retryAfterMs: null, details: [] }; } });
  assert.throws(() => gone.storageDriver.probe(), { kind: "unavailable" });
  const [{ tag }] = carryOut(gone, "a", null, { text: "x" }).outcomes;
  assert.equal(tag, "unknown", "nobody knows whether it was written");
});

test("equal wishes are written alike, and an empty text is refused", () => {
  const { configStrategy } = opened();
  const [{ val: once }] = configStrategy.normalize("note", [JSON.stringify({ text: "x", tags: ["b", "a", "b"] })], "{}");
  assert.deepEqual(JSON.parse(once), { text: "x", tags: ["a", "b"] });
  assert.equal(configStrategy.normalize("note", [once], "{}")[0].val, once);
  assert.match(configStrategy.validate("note", [`{"text":" "}`], "{}")[0][0].message, /says nothing/);
});
