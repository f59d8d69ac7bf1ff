// The plugin against a registry with the v3 API. No real one can be had here: what Nacos 3 says of its API is played.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Registry, carryOut, key, listed, opened } from "./registry.js";

function registry(form, secrets) {
  const memory = new Registry();
  return { memory, ...opened((request) => memory.answer(request), form, secrets) };
}

test("servers are shown with their health, and the API that was found", () => {
  const { storageDriver } = registry();
  const { version, facts, nodes } = storageDriver.discover();
  assert.deepEqual([version, JSON.parse(facts).api], ["3.1.0", "v3"]);
  assert.deepEqual(nodes.map(({ id, health }) => [id, health]), [["10.0.0.1:8848", "up"], ["10.0.0.2:8848", "down"]]);
});

test("what was made is listed and read as it was wished", () => {
  const made = registry();
  const wishes = {
    namespace: ["team-a", { name: "Team A", description: "first" }],
    config: ["team-a/G/app.yaml", { content: "a: 1\nb: ü", type: "yaml" }],
    service: ["team-a/G/orders", { protect_threshold: 0.7, metadata: { owner: "pay" } }],
  };
  for (const [type, [id, wish]] of Object.entries(wishes)) {
    assert.deepEqual(carryOut(made, type, id, null, wish).map(({ tag }) => tag), ["done"], type);
    assert.deepEqual(listed(made, type)[id], wish);
    const [{ tag, val }] = made.storageDriver.getResources([key(type, id)]);
    assert.deepEqual([tag, JSON.parse(val.spec)], ["found", wish]);
  }
  assert.equal(JSON.parse(made.storageDriver.getResources([key("service", "team-a/G/orders")])[0].val.status).instances[0].address, "10.1.0.1:80");
  for (const [type, [id, wish]] of Object.entries(wishes).reverse()) {
    carryOut(made, type, id, wish, null);
    assert.deepEqual(made.storageDriver.getResources([key(type, id)]), [{ tag: "absent" }]);
  }
});

test("a configuration that somebody else published is not overwritten", () => {
  const made = registry();
  const id = "public/DEFAULT_GROUP/shared";
  carryOut(made, "config", id, null, { content: "one" });
  const [{ val: { revision } }] = made.storageDriver.getResources([key("config", id)]);
  assert.equal(carryOut(made, "config", id, { content: "one" }, { content: "two" }, revision)[0].tag, "done");
  const [{ tag, val }] = carryOut(made, "config", id, { content: "one" }, { content: "three" }, revision);
  assert.deepEqual([tag, val.kind, val.code], ["failed", "conflict", "20005"]);
  const [again] = carryOut(made, "config", id, null, { content: "four" });
  assert.equal(again.val.kind, "already-exists");
});

test("contents are read once as long as their digest stays", () => {
  const made = registry();
  for (const name of ["a", "b"]) carryOut(made, "config", `public/G/${name}`, null, { content: name });
  const reads = () => made.memory.asked.filter((line) => line === "GET /v3/admin/cs/config").length;
  listed(made, "config");
  const before = reads();
  carryOut(made, "config", "public/G/a", { content: "a" }, { content: "A" });
  assert.deepEqual(listed(made, "config"), { "public/G/a": { content: "A" }, "public/G/b": { content: "b" } });
  assert.equal(reads() - before, 1);
});

test("pages of every size hold the same", () => {
  const made = registry();
  for (let count = 0; count < 450; count++) made.memory.config("POST", "/v3/admin/cs/config", { namespaceId: "public", groupName: "G", dataId: `c${count}`, content: "x" }, {});
  const all = listed(made, "config");
  assert.equal(Object.keys(all).length, 450);
  for (const limit of [1, 7, 450]) assert.deepEqual(listed(made, "config", limit), all);
});

test("one that cannot be read is named and hides no other", () => {
  const memory = new Registry();
  const made = opened((request) => (request.url.includes("dataId=broken") ? { status: 500, text: "boom" } : memory.answer(request)));
  for (const dataId of ["broken", "fine"]) memory.config("POST", "/v3/admin/cs/config", { namespaceId: "public", groupName: "G", dataId, content: "x" }, {});
  assert.deepEqual(listed(made, "config").map(({ id, error }) => [id, error.kind]), [["public/G/broken", "internal"]]);
});

test("names that Nacos refuses are refused before anything is sent", () => {
  const made = registry();
  made.storageDriver.probe();
  const before = made.memory.asked.length;
  for (const [type, id] of [["config", "app.yaml"], ["config", "public/G/a b"], ["namespace", "a b"], ["service", "public//x"], ["namespace", "public"]]) {
    const [{ kind }] = carryOut(made, type, id, { name: "x" }, { name: "y" });
    assert.ok(["invalid-argument", "unsupported"].includes(kind), `${type} ${id}: ${kind}`);
  }
  assert.equal(made.memory.asked.length, before);
});
