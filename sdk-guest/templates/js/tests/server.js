// A server of the notes API that keeps them in memory, for the tests and to try the plugin by hand: node tests/server.js [PORT] [TOKEN]

import { createServer } from "node:http";

const [port = "8080", token] = process.argv.slice(2);
const notes = new Map();

/** [status, answer] */
function answer(method, path, headers, body) {
  if (token && headers.authorization !== `Bearer ${token}`) return [401, { error: "the token is wrong" }];
  if (path === "/about") return [200, { id: "notes-in-memory", version: "1.0.0" }];
  if (path === "/notes") return [200, [...notes.values()]];
  const name = decodeURIComponent(/^\/notes\/([^/]+)$/.exec(path)?.[1] ?? "");
  if (!name) return [404, { error: "no such path" }];
  const known = notes.get(name);
  if (method !== "PUT" && !known) return [404, { error: `no note ${name}` }];
  const expected = headers["if-match"];
  const isTaken = headers["if-none-match"] === "*" && known;
  if (isTaken || (expected && String(known?.version) !== expected)) return [412, { error: `the note ${name} has changed` }];
  if (method === "DELETE") notes.delete(name);
  if (method === "PUT") {
    const { text, tags = [] } = JSON.parse(body);
    notes.set(name, { name, text, tags, version: (known?.version ?? 0) + 1, modified_at: new Date().toISOString() });
  }
  return [200, notes.get(name) ?? {}];
}

const server = createServer(async (request, response) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  const [status, json] = answer(request.method, request.url, request.headers, Buffer.concat(parts).toString());
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(json));
});
server.listen(Number(port), "127.0.0.1", () => console.log(`127.0.0.1:${server.address().port}`));
