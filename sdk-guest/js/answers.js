// What a driver answers, made in one line each.

import { HeadgateError, fail } from "./errors.js";

/** A resource of the whole cluster: `resource("note", "a", {text: "…"})`. */
export function resource(metadataType, id, spec, more = {}) {
  return {
    key: { metadataType, id, place: more.place ?? { tag: "cluster" } },
    revision: more.revision ?? null,
    incarnation: more.incarnation ?? null,
    spec,
    effective: more.effective ?? null,
    status: more.status ?? {},
    internal: more.internal ?? false,
    partial: more.partial ?? false,
  };
}

/** One that cannot be read, beside those of a listing that can. */
export function failure(metadataType, id, error, place = { tag: "cluster" }) {
  return { metadataType, id, place, error };
}

/** Answers to `get` from a whole listing, for backends that cannot be asked for single ones. */
export function lookups(keys, resources) {
  return keys.map((key) => resources.find((one) => one.key.id === key.id) ?? null);
}

/** `host`, `host:1`, `[::1]:1`; separated by commas. Each once, as `{host, port}`. */
export function addresses(text, port) {
  const found = new Map();
  for (const part of text.split(",").map((one) => one.trim()).filter((one) => one)) {
    const [, bracketed, plain, named] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s,:/@[\]]+))(?::([0-9]{1,5}))?$/.exec(part) ?? [];
    const address = { host: bracketed ?? plain, port: named === undefined ? port : Number(named) };
    if (!address.host || address.port < 1 || address.port > 65535) {
      fail("invalid-argument", `"${part}" is not HOST:PORT`);
    }
    found.set(shown(address), address);
  }
  return [...found.values()];
}

/** `host:1`, `[::1]:1` */
export function shown({ host, port }) {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The page of a listing that the query asks for, in the order of ids that the contract wants. */
export function page(listed, query) {
  const all = Array.isArray(listed) ? { resources: listed } : listed;
  const ordered = all.next === undefined ? sorted(all.resources) : all.resources;
  const start = all.next === undefined ? from(ordered, query.cursor) : 0;
  const end = all.next === undefined ? start + query.limit : ordered.length;
  const resources = ordered.slice(start, end);
  const next = all.next === undefined ? (end < ordered.length ? resources.at(-1).key.id : null) : all.next;
  return {
    resources,
    // They belong to the whole listing: told once.
    failures: start === 0 || all.next !== undefined ? (all.failures ?? []) : [],
    next,
    version: all.version ?? null,
  };
}

function from(ordered, cursor) {
  if (cursor == null) return 0;
  const start = ordered.findIndex((one) => compare(one.key.id, cursor) > 0);
  return start < 0 ? ordered.length : start;
}

function sorted(resources) {
  return [...resources].sort((one, other) => compare(one.key.id, other.key.id));
}

/** Bytewise, as UTF-8 sorts: by code points, where JavaScript's `<` sorts by UTF-16 units. */
export function compare(one, other) {
  const [left, right] = [[...one], [...other]];
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const difference = left[at].codePointAt(0) - right[at].codePointAt(0);
    if (difference) return difference;
  }
  return left.length - right.length;
}

/** Whether a request that failed so may have been carried out. */
export function isLost(error) {
  return error instanceof HeadgateError && error.lost && ["unavailable", "timeout", "cancelled"].includes(error.kind);
}
