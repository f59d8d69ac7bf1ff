// One session with one server of the notes API:
//   GET /about            {"id": "…", "version": "1.2.3"}
//   GET /notes            [{"name", "text", "tags", "version", "modified_at"}]
//   GET|PUT|DELETE /notes/NAME

import { addresses, fail, http, resource, secrets, shown } from "headgate";

const PORT = 8080;

export class Session {
  constructor({ address, token }) {
    const [server] = addresses(address, PORT);
    this.address = shown(server);
    this.auth = token ? { bearer: secrets.get(token) } : undefined;
  }

  /** Cheap enough for every few seconds. */
  probe() {
    this.ask("GET", "/about");
    return [{ name: "about", health: "up" }];
  }

  discover() {
    const { id, version } = this.ask("GET", "/about");
    const node = { id: this.address, roles: ["server"], addresses: [["http", this.address]], version, health: "up" };
    return { identity: id, version, facts: { nodes: 1, version }, nodes: [node] };
  }

  /** All of a type, in any order: the SDK sorts them and cuts the pages. */
  list() {
    return this.ask("GET", "/notes").map(read);
  }

  /** With everything that can be read of it; null where it does not exist. */
  get(key) {
    const found = this.send("GET", path(key));
    return found.status === 404 ? null : read(found.ok("read the note").json("read the note"));
  }

  /** One write that a plan decided. What is thrown says that it was not carried out, or that nobody knows. */
  write({ key, action, revision }) {
    const headers = revision === null ? {} : { "if-match": revision };
    if (action.tag === "delete") {
      this.send("DELETE", path(key), { headers }).ok(`delete the note ${key.id}`);
      return {};
    }
    if (action.tag === "create") headers["if-none-match"] = "*";
    const { text, tags = [] } = action.val;
    const answer = this.send("PUT", path(key), { headers, json: { text, tags } });
    return { revision: String(answer.ok(`write the note ${key.id}`).json("write the note").version) };
  }

  ask(method, where) {
    return this.send(method, where).ok(`${method} ${where}`).json(`${method} ${where}`);
  }

  send(method, where, more = {}) {
    return http.send({ method, url: `http://${this.address}${where}`, auth: this.auth, ...more });
  }
}

function path({ metadataType, id }) {
  if (metadataType !== "note") fail("invalid-argument", `there is no type ${metadataType}`);
  return `/notes/${encodeURIComponent(id)}`;
}

function read({ name, text, tags, version, modified_at }) {
  return resource("note", name, { text, tags: [...tags].sort() }, { revision: String(version), status: { modified_at } });
}
