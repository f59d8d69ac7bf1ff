// What the host lends, with plain objects for the contract's records. Who builds a component binds what its world imports;
// a test binds what `testing.js` makes.

import { HeadgateError, fail, fromRecord } from "./errors.js";
import { decode, encode } from "./utf8.js";

/** Of a request that names no other: a healthy node answers in a tenth of it, and a call outlives a few that do not. */
const TIMEOUT_MS = 5_000;
/** Of an answer whose request names no other: a page of a listing, with room. */
const RESPONSE_BYTES_MAX = 4 << 20;
/** Of a refusal's first line in an error: one sentence is wanted, not a page. */
const TEXT_CHARS_MAX = 200;

let lent = {};

/** By the names of the contract's interfaces: `http`, `log`, `secrets`, `state`, `call`, `clock`. */
export function bind(interfaces) {
  lent = interfaces;
}

function of(name) {
  return lent[name] ?? fail("internal", `the plugin uses ${name}, which its world.wit does not import: add headgate:host/${name}@0.1.0`);
}

function asking(ask, more) {
  try {
    return ask();
  } catch (error) {
    throw fromRecord(error, more);
  }
}

export const log = {
  /** Whether anybody reads lines of that level: ask before building a long one. */
  enabled: (level) => lent.log?.enabled(level) ?? false,
  trace: (message, fields) => emit("trace", message, fields),
  debug: (message, fields) => emit("debug", message, fields),
  info: (message, fields) => emit("info", message, fields),
  warn: (message, fields) => emit("warn", message, fields),
  error: (message, fields) => emit("error", message, fields),
};

function emit(level, message, fields = {}) {
  lent.log?.emit(level, String(message), Object.entries(fields).map(([key, value]) => [key, String(value)]));
}

export const call = {
  /** The host waits for an end: stop at the next safe point. */
  cancelled: () => of("call").cancelled(),
  /** Wall time left; every host call is cut at it. */
  remainingMs: () => Number(of("call").remainingMs()),
};

export const clock = {
  /** Unix time. */
  nowMs: () => Number(of("clock").nowMs()),
};

export const secrets = {
  /** A handle by its name in the connection form; the value itself stays in the host. */
  get: (name) => asking(() => of("secrets").get(name)),
};

/** A small key-value space of this plugin and cluster. */
export const state = {
  get(key) {
    const bytes = asking(() => of("state").get(key));
    return bytes == null ? null : decode(bytes);
  },
  set: (key, text) => asking(() => of("state").set(key, encode(text))),
  delete: (key) => asking(() => of("state").delete(key)),
};

export const http = {
  /**
   * One request; a refusal is an answer, an exception means that no whole answer came.
   *
   * `{method, url, headers: {name: value}, json, form, body, auth, tls, timeoutMs, responseBytesMax}`: one of `json` (any
   * value), `form` (an object; a value may be `{secret: handle}`) and `body` (text, bytes, or a list of those and of
   * `{secret: handle, encoding}`). `auth`: `{bearer: handle}`, `{basic: [user, handle]}` or `{header: [name, handle]}`.
   */
  send(request) {
    const lowered = lower(request);
    return new Response(asking(() => of("http").send(lowered), { lost: true }));
  },

  /** Many, `atOnce` under way: a Response or a HeadgateError each, in order. */
  sendAll(requests, atOnce = 8) {
    const answers = of("http").sendAll(requests.map(lower), atOnce);
    return answers.map((answer) => (answer.tag === "ok" ? new Response(answer.val) : fromRecord(answer.val, { lost: true })));
  },
};

function lower(request) {
  const { method = "GET", url, headers = {}, auth, tls = null } = request;
  const [type, body] = content(request);
  const named = Object.entries(headers).map(([name, value]) => [name, String(value)]);
  if (type && !named.some(([name]) => name.toLowerCase() === "content-type")) named.push(["content-type", type]);
  return {
    method, url, headers: named, body,
    auth: authorization(auth),
    tls: tls && { serverName: tls.serverName ?? null, trust: tls.trust ?? null, identity: tls.identity ?? null },
    timeoutMs: request.timeoutMs ?? TIMEOUT_MS,
    responseBytesMax: request.responseBytesMax ?? RESPONSE_BYTES_MAX,
    extra: null,
  };
}

function content({ json, form, body }) {
  if (json !== undefined) return ["application/json", [piece(JSON.stringify(json))]];
  if (form !== undefined) return ["application/x-www-form-urlencoded", formPieces(form)];
  if (body == null) return [null, []];
  return [null, (Array.isArray(body) ? body : [body]).map(piece)];
}

function formPieces(form) {
  const present = Object.entries(form).filter(([, value]) => value != null);
  return present.flatMap(([key, value], index) => {
    const before = `${index ? "&" : ""}${encodeURIComponent(key)}=`;
    if (value.secret) return [piece(before), piece({ ...value, encoding: "url" })];
    return [piece(before + encodeURIComponent(value))];
  });
}

function piece(part) {
  if (typeof part === "string") return { tag: "bytes", val: encode(part) };
  if (part.secret) return { tag: "secret", val: [part.secret, part.encoding ?? "raw"] };
  return { tag: "bytes", val: part };
}

function authorization(auth) {
  if (!auth) return { tag: "none" };
  const [[tag, val]] = Object.entries(auth);
  return { tag, val };
}

const KIND_OF_STATUS = {
  400: "invalid-argument", 401: "unauthenticated", 403: "permission-denied", 404: "not-found", 405: "unsupported",
  408: "timeout", 409: "conflict", 412: "conflict", 413: "exhausted", 422: "invalid-argument", 429: "exhausted",
  501: "unsupported", 502: "unavailable", 503: "unavailable", 504: "timeout",
};

export class Response {
  constructor({ status, headers, body }) {
    this.status = status;
    this.headers = Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]));
    this.body = body;
  }

  get isSuccess() {
    return this.status >= 200 && this.status < 300;
  }

  text() {
    return decode(this.body);
  }

  /** What is no JSON is a protocol error that says what was being done. */
  json(what) {
    try {
      return JSON.parse(this.text());
    } catch (error) {
      return fail("protocol", `${what}: the answer is no JSON: ${error.message}`);
    }
  }

  /** Itself; another status than 2xx as an error, for backends whose refusals say no more than their status. */
  ok(what) {
    if (this.isSuccess) return this;
    const line = this.text().split("\n").map((text) => text.trim()).find((text) => text) ?? "";
    const told = line ? `: ${line.slice(0, TEXT_CHARS_MAX)}` : "";
    const kind = KIND_OF_STATUS[this.status] ?? (this.status >= 500 ? "internal" : "protocol");
    throw new HeadgateError(kind, `${what}: the answer has the status ${this.status}${told}`, { code: `HTTP_${this.status}` });
  }
}
