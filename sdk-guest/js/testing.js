// Stands in for the host where a plugin runs in Node: the same calls, against what a test says or a real server.

import { MessageChannel, Worker, receiveMessageOnPort } from "node:worker_threads";
import { bind, component } from "./component.js";
import { encode } from "./utf8.js";

/**
 * The plugin's exports over a host made of these parts:
 * `http`: a function from the contract's request to `{status, headers, body}`; without it real requests are sent
 * `secrets`: values by name; a handle only ever shows up in what is sent
 * `state`: a Map to look into afterwards
 */
export function host(plugin, { http = live, secrets = {}, state = new Map(), lines = [] } = {}) {
  bind({
    http: { send: (request) => thrown(() => raised(http(clear(request)))), sendAll: (requests) => requests.map((one) => settled(() => raised(http(clear(one))))) },
    secrets: { get: (name) => thrown(() => (name in secrets ? { value: secrets[name] } : refuse("not-found", `no secret is named ${name}`))) },
    state: { get: (key) => state.get(key) ?? null, set: (key, bytes) => void state.set(key, bytes), delete: (key) => void state.delete(key) },
    log: { enabled: () => true, emit: (level, message, fields) => void lines.push({ level, message, fields: Object.fromEntries(fields) }) },
    call: { cancelled: () => false, remainingMs: () => 30_000 },
    clock: { nowMs: () => Date.now() },
  });
  return component(plugin);
}

function refuse(kind, message) {
  throw { kind, code: null, message, retryAfterMs: null, details: [] };
}

/** As the engine in a component throws what the host refuses: an Error, with the contract's record as its payload. */
function thrown(ask) {
  try {
    return ask();
  } catch (payload) {
    throw Object.assign(new Error("refused (see error.payload)"), { payload });
  }
}

function settled(ask) {
  try {
    return { tag: "ok", val: ask() };
  } catch (error) {
    return { tag: "err", val: error };
  }
}

/** An answer in a test's words: `{status, json}` or `{status, text}`. */
function raised({ status = 200, headers = {}, json, text, body }) {
  const content = body ?? encode(json === undefined ? (text ?? "") : JSON.stringify(json));
  return { status, headers: Object.entries(headers), body: content };
}

/** The request as it goes out, with the secrets in it. */
function clear({ method, url, headers, body, auth, timeoutMs }) {
  const parts = body.map(({ tag, val }) => (tag === "bytes" ? Buffer.from(val) : Buffer.from(encoded(val))));
  const sent = Object.fromEntries(headers);
  if (auth.tag === "bearer") sent.authorization = `Bearer ${auth.val.value}`;
  if (auth.tag === "basic") sent.authorization = `Basic ${btoa(`${auth.val[0]}:${auth.val[1].value}`)}`;
  if (auth.tag === "header") sent[auth.val[0]] = auth.val[1].value;
  return { method, url, headers: sent, body: Buffer.concat(parts).toString(), timeoutMs };
}

function encoded([{ value }, encoding]) {
  switch (encoding) {
    case "url": return encodeURIComponent(value);
    case "base64": return btoa(value);
    case "json-string": return JSON.stringify(value);
    default: return value;
  }
}

/** Sends by a thread of its own while this one waits: a plugin's calls wait, as in the host. */
const WORKER = `
import { workerData } from "node:worker_threads";
const { port, signal } = workerData;
port.on("message", async ({ url, timeoutMs, ...init }) => {
  try {
    const body = init.method === "GET" ? undefined : init.body;
    const answer = await fetch(url, { ...init, body, redirect: "manual", signal: AbortSignal.timeout(timeoutMs) });
    port.postMessage({ status: answer.status, headers: Object.fromEntries(answer.headers), body: new Uint8Array(await answer.arrayBuffer()) });
  } catch (error) {
    port.postMessage({ failed: error.cause?.code ?? error.name });
  }
  Atomics.store(signal, 0, 1);
  Atomics.notify(signal, 0);
});`;

let sender;

function live(request) {
  sender ??= startSender();
  Atomics.store(sender.signal, 0, 0);
  sender.port.postMessage(request);
  Atomics.wait(sender.signal, 0, 0);
  const { message } = sender.receive(sender.port);
  if (message.failed) refuse(message.failed === "TimeoutError" ? "timeout" : "unavailable", `${request.method} ${request.url}: ${message.failed}`);
  return message;
}

function startSender() {
  const { port1, port2 } = new MessageChannel();
  const signal = new Int32Array(new SharedArrayBuffer(4));
  const code = new URL(`data:text/javascript,${encodeURIComponent(WORKER)}`);
  new Worker(code, { workerData: { port: port2, signal }, transferList: [port2] }).unref();
  port1.unref();
  return { port: port1, signal, receive: receiveMessageOnPort };
}
