// The usual way from what is to what is wished: a resource is made, rewritten whole, or deleted.

/** What differs, by JSON Pointer of the top-level keys: `[{path, name, was, wish}]`. `null` in a wish is the default. */
export function differences(before, after) {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  const each = names.map((name) => ({
    path: `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`,
    name, was: before[name] ?? null, wish: after[name] ?? null,
  }));
  return each.filter(({ was, wish }) => text(was) !== text(wish));
}

/**
 * The steps of one change of a type whose objects are written whole. `more.lost` says what a delete loses; a delete is always
 * destructive, and is taken back by making the object again unless `more.forgets` says that this would not be the same.
 */
export function steps(change, more = {}) {
  const { before, after } = change;
  if (before === null && after === null) return [];
  if (before === null) return [made(change, after)];
  if (after === null) return [gone(change, before, more)];
  const different = differences(before, after);
  if (!different.length) return [];
  const summary = different.map(({ name, was, wish }) => `${name} ${shown(was)} → ${shown(wish)}`).join(", ");
  return [step(write(change, "replace", present(after)), summary, write(change, "replace", present(before)))];
}

function made(change, after) {
  const spec = present(after);
  const parts = Object.entries(spec).map(([name, value]) => `${name}=${shown(value)}`);
  return step(write(change, "create", spec), parts.join(", ") || "with the defaults", write(change, "delete"));
}

function gone(change, before, { lost = "what it holds is lost", forgets = false }) {
  const undo = forgets ? null : write({ ...change, revision: null, incarnation: null }, "create", present(before));
  return { ...step(write(change, "delete"), lost, undo), destructive: true };
}

function write({ key, revision = null, incarnation = null }, tag, val) {
  return { key, action: val === undefined ? { tag } : { tag, val }, revision, incarnation };
}

function step(what, summary, undo) {
  return { write: what, summary, destructive: false, undo, restart: [] };
}

function present(spec) {
  return Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== null));
}

/** Of a value in a summary: one line is wanted. */
const SHOWN_CHARS_MAX = 60;

function shown(value) {
  if (value === null) return "default";
  const all = typeof value === "string" ? value : text(value);
  const line = all.replaceAll("\n", "⏎");
  return line.length > SHOWN_CHARS_MAX ? `${line.slice(0, SHOWN_CHARS_MAX)}…` : line;
}

/** Keys in order, so that equal values are equal texts. */
function text(value) {
  return JSON.stringify(value, (_, inner) =>
    inner && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)))
      : inner);
}
