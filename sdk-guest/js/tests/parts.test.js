// The parts of the SDK that decide, each by itself.

import assert from "node:assert/strict";
import { test } from "node:test";
import { addresses, compare, page, resource, shown } from "../answers.js";
import { entry } from "../build.js";
import { HeadgateError, toRecord } from "../errors.js";
import { Response, bind } from "../host.js";
import { differences, steps } from "../strategy.js";
import { decode, encode } from "../utf8.js";

test("text is the bytes that everybody else makes of it, and what is none is replaced", () => {
  for (const text of ["", "plain", "Grüße ❄ 𝄞", "\u{10ffff}", "a".repeat(10_000) + "€"]) {
    assert.deepEqual(encode(text), new Uint8Array(new TextEncoder().encode(text)));
    assert.equal(decode(encode(text)), text);
  }
  assert.deepEqual(encode("\ud800"), new Uint8Array([0xef, 0xbf, 0xbd]));
  for (const broken of [[0xff], [0xc3], [0xe2, 0x82], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0x80, 0x41]]) {
    const text = decode(Uint8Array.from(broken));
    assert.ok(text.includes("\ufffd"), `${broken}: ${text}`);
  }
});

test("addresses are read as people write them", () => {
  assert.deepEqual(addresses("a, b.c:12,[::1]:1,a:9,", 9).map(shown), ["a:9", "b.c:12", "[::1]:1"]);
  for (const bad of ["a:b", "a:0", ":9", "http://a:9", "a:70000", "[::1:1"]) {
    assert.throws(() => addresses(bad, 9), { kind: "invalid-argument" }, bad);
  }
});

test("pages follow each other in the order of bytes and end", () => {
  const ids = ["b", "a", "\u{1f600}", "\uff5e", "aa"];
  const listed = () => ids.map((id) => resource("t", id, {}));
  const first = page(listed(), { limit: 3, cursor: null });
  const second = page(listed(), { limit: 3, cursor: first.next });
  const seen = [...first.resources, ...second.resources].map((one) => one.key.id);
  assert.deepEqual(seen, ["a", "aa", "b", "\uff5e", "\u{1f600}"]);
  assert.equal(second.next, null);
  assert.equal(page(listed(), { limit: 5, cursor: null }).next, null);
  assert.deepEqual(page(listed(), { limit: 5, cursor: "\u{1f600}" }).resources, []);
  assert.ok(compare("\uff5e", "\u{1f600}") < 0);
});

test("a change becomes one write with its inverse, and none where nothing differs", () => {
  const change = (before, after) => ({ key: { id: "x" }, before, after, revision: "7", incarnation: null });
  assert.deepEqual(steps(change({ a: { x: 1, y: 2 } }, { a: { y: 2, x: 1 } })), []);
  const [edit] = steps(change({ a: 1, b: 2 }, { a: 1, b: null }));
  assert.equal(edit.summary, "b 2 → default");
  assert.deepEqual([edit.write.action, edit.undo.action], [{ tag: "replace", val: { a: 1 } }, { tag: "replace", val: { a: 1, b: 2 } }]);
  assert.equal(edit.write.revision, "7");
  const [made] = steps(change(null, { a: "one\ntwo", b: null }));
  assert.deepEqual([made.summary, made.write.action.val, made.undo.action.tag], ["a=one⏎two", { a: "one\ntwo" }, "delete"]);
  const [gone] = steps(change({ a: 1 }, null));
  assert.deepEqual([gone.destructive, gone.undo.action.tag, gone.undo.revision], [true, "create", null]);
  assert.equal(steps(change({ a: 1 }, null), { forgets: true })[0].undo, null);
  assert.deepEqual(differences({ "a/b": 1 }, {}).map((one) => one.path), ["/a~1b"]);
});

test("refusals have the kind of their status, and faults of the plugin are internal", () => {
  const answer = (status, text) => new Response({ status, headers: [["Content-Type", "text/plain"]], body: encode(text) });
  assert.equal(answer(204, "").ok("x").headers["content-type"], "text/plain");
  assert.throws(() => answer(403, "\nno\nat all").ok("look"), { kind: "permission-denied", code: "HTTP_403", message: "look: the answer has the status 403: no" });
  assert.throws(() => answer(302, "").ok("look"), { kind: "protocol" });
  assert.throws(() => answer(200, "<html>").json("look"), { kind: "protocol" });
  assert.equal(toRecord(new TypeError("x is not a function")).kind, "internal");
  assert.equal(toRecord(new HeadgateError("nonsense", "x")).kind, "other");
});

test("the component lends what its world imports and exports what it names", () => {
  const world = "world plugin {\n  import headgate:host/errors@0.1.0;\n  import headgate:host/http@0.1.0;\n  // import headgate:host/net@0.1.0;\n  export headgate:plugin/storage-driver@0.1.0;\n}";
  const text = entry(world, "/p/src/plugin.js");
  assert.match(text, /import \* as http from "headgate:host\/http@0\.1\.0"/);
  assert.match(text, /engine\.js"/);
  assert.match(text, /bind\({ http }\)/);
  assert.match(text, /export const storageDriver = made\.storageDriver/);
  assert.ok(!text.includes("net") && !text.includes("errors"), text);
});

test("the clock and the console of a component are the host's", async () => {
  const kept = { console: globalThis.console, Date: globalThis.Date, performance: globalThis.performance };
  const lines = [];
  try {
    bind({ clock: { nowMs: () => 1_000 }, log: { emit: (level, message) => lines.push([level, message]) } });
    await import("../engine.js");
    const { Date: theirs } = globalThis;
    globalThis.console.log("one", 2);
    assert.deepEqual([theirs.now(), new theirs().getTime(), new theirs(5).getTime(), theirs.UTC(1970, 0)], [1_000, 1_000, 5, 0]);
    assert.ok(new theirs() instanceof theirs && theirs().includes("1970"));
    assert.deepEqual(lines, [["info", "one 2"]]);
    bind({});
    assert.throws(() => theirs.now(), /headgate:host\/clock@0\.1\.0/);
  } finally {
    Object.assign(globalThis, kept);
  }
});
