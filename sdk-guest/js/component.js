// Puts a plugin behind the component's exports: JSON texts become values, one driver is kept between calls, and what is thrown
// becomes the contract's error, with its stack in the host's log.

import { isLost, page } from "./answers.js";
import { HeadgateError, fail, toRecord } from "./errors.js";
import { log } from "./host.js";
import { steps } from "./strategy.js";

export { bind } from "./host.js";

/** Of a page that names no limit, and of any. */
const PAGE_MAX = 1_000;

/** The contract's interfaces, for the plugin that `src/plugin.js` exports by default. */
export function component(plugin) {
  const opened = {};
  const driver = () => opened.driver ?? fail("internal", "the driver was called before `open`");
  return {
    manifest: { describe: told(() => describe(plugin.describe())) },
    metadataTypes: { listTypes: told((facts) => plugin.types(parse(facts))) },
    configStrategy: strategy(plugin.strategy ?? {}),
    storageDriver: storageDriver(plugin, opened, driver),
    operations: operations(plugin, driver),
  };
}

/** A function that cannot answer with an error: what it throws ends the instance, and the log says why. */
function told(ask) {
  return (...given) => {
    try {
      return ask(...given);
    } catch (error) {
      log.error(`${error?.message ?? error}`, { stack: error?.stack ?? "" });
      throw error;
    }
  };
}

/** A function whose errors are answers. */
function answered(ask) {
  return (...given) => {
    try {
      return ask(...given);
    } catch (error) {
      throw recorded(error);
    }
  };
}

function recorded(error) {
  // Whoever throws something else did not mean to: only the stack says where.
  if (!(error instanceof HeadgateError)) log.error(`${error?.message ?? error}`, { stack: error?.stack ?? "" });
  return toRecord(error);
}

function attempt(ask) {
  try {
    return { tag: "ok", val: ask() };
  } catch (error) {
    return { tag: "err", val: recorded(error) };
  }
}

function describe(description) {
  const network = (description.network ?? []).map(({ host, ports }) => ({ tag: "network", val: { host, ports } }));
  return {
    kind: description.kind,
    title: description.title,
    version: description.version,
    vendor: description.vendor,
    documentation: description.documentation ?? null,
    connection: JSON.stringify(description.connection),
    roles: (description.roles ?? []).map(({ name, title, countMin = 0, countMax = 0 }) => ({ name, title, countMin, countMax })),
    grouped: description.grouped ?? false,
    relations: description.relations ?? [],
    grants: [...network, ...(description.grants ?? [])],
    protocols: description.protocols ?? [],
    extra: null,
  };
}

// What decides.

function strategy({ normalize = (_, spec) => spec, validate = () => [], steps: decide = (change) => steps(change) }) {
  return {
    normalize: told((type, specs, facts) => specs.map((spec) => normalized(() => normalize(type, JSON.parse(spec), parse(facts))))),
    validate: told((type, specs, facts) => specs.map((spec) => validate(type, JSON.parse(spec), parse(facts)).map(issue))),
    steps: told((changes, facts) => changes.map((change) => attempt(() => decide(raised(change), parse(facts)).map(lowerStep)))),
  };
}

/** A wish that cannot be read is refused by throwing: its message is the issue. */
function normalized(ask) {
  try {
    return { tag: "ok", val: JSON.stringify(ask()) };
  } catch (error) {
    if (!(error instanceof HeadgateError)) throw error;
    return { tag: "err", val: [issue(error)] };
  }
}

function issue({ severity = "error", path = "", message }) {
  return { severity, path, message };
}

function raised(change) {
  const { before, after, status, effective } = change;
  return { ...change, before: parse(before), after: parse(after), status: parse(status), effective: parse(effective) };
}

function lowerStep(step) {
  const { summary, destructive = false, restart = [] } = step;
  return { write: lowerWrite(step.write), summary, destructive, undo: step.undo ? lowerWrite(step.undo) : null, restart, extra: null };
}

function lowerWrite({ key, action, revision = null, incarnation = null }) {
  return { key, action: lowerAction(action), revision, incarnation, extra: null };
}

function lowerAction({ tag, val }) {
  switch (tag) {
    case "create":
    case "replace":
      return { tag, val: JSON.stringify(val) };
    case "edit":
      return { tag, val: val.map(({ path, value }) => ({ path, value: value == null ? null : JSON.stringify(value) })) };
    case "run":
      return { tag, val: [val[0], JSON.stringify(val[1])] };
    default:
      return { tag };
  }
}

// What talks.

function storageDriver(plugin, opened, driver) {
  return {
    open: answered((target) => {
      if (opened.target === target.id) return;
      if (opened.target) fail("invalid-argument", "this instance is bound to another cluster already");
      opened.driver = plugin.open({ ...target, connection: JSON.parse(target.connection) });
      opened.target = target.id;
    }),
    probe: answered(() => driver().probe().map(check)),
    discover: answered(() => discovered(driver().discover())),
    listResources: answered((query) => listed(driver(), query)),
    getResources: answered((keys) => looked(driver(), keys)),
    writeResources: answered((writes, dryRun) => writes.map((write) => outcome(driver(), write, dryRun))),
    close: told(() => opened.driver?.close?.()),
  };
}

const CLUSTER = { tag: "cluster" };

function check({ name, place = CLUSTER, health, latencyUs = null, message = null }) {
  return { name, place, health, latencyUs, message };
}

/** `relations`: other clusters that the backend's configuration names; null where that cannot be told now. */
function discovered({ identity = null, version = null, facts = {}, nodes = [], relations = [] }) {
  return { identity, version, facts: JSON.stringify(facts), nodes: nodes.map(node), relations };
}

function node({ id, roles = [], group = null, rank = 0, addresses = [], version = null, rack = null, health, facts = {} }) {
  return { id, roles, group, rank, addresses, version, rack, health, facts: JSON.stringify(facts) };
}

function listed(driver, query) {
  const limit = query.limit ? Math.min(query.limit, PAGE_MAX) : PAGE_MAX;
  const { resources, failures, next, version } = page(driver.list({ ...query, limit }), { ...query, limit });
  return {
    resources: resources.map(lowerResource),
    failures: failures.map((one) => ({ ...one, id: one.id ?? null, place: one.place ?? CLUSTER, error: recorded(one.error) })),
    next, version, extra: null,
  };
}

function lowerResource({ spec, status, effective, ...rest }) {
  return {
    ...rest,
    spec: JSON.stringify(spec),
    effective: effective == null ? null : JSON.stringify(effective),
    status: JSON.stringify(status),
    extra: null,
  };
}

/** All keys at once where the driver can; then it answers with a list. */
function looked(driver, keys) {
  if (!driver.getAll) return keys.map((key) => lookup(() => driver.get(key)));
  return driver.getAll(keys).map((found) => lookup(() => {
    if (found instanceof Error) throw found;
    return found;
  }));
}

function lookup(ask) {
  const { tag, val } = attempt(ask);
  if (tag === "err") return { tag: "failed", val };
  return val == null ? { tag: "absent" } : { tag: "found", val: lowerResource(val) };
}

function outcome(driver, write, dryRun) {
  try {
    return finished(driver.write({ ...write, action: raisedAction(write.action) }, dryRun));
  } catch (error) {
    return { tag: isLost(error) ? "unknown" : "failed", val: recorded(error) };
  }
}

/** `{started: handle}` goes on in the backend; `{lagMs}` is promised; else it is done. */
function finished(answer) {
  const { id = null, revision = null, incarnation = null, lagMs, started } = answer ?? {};
  if (started !== undefined) return { tag: "started", val: started };
  const written = { id, revision, incarnation };
  return lagMs === undefined ? { tag: "done", val: written } : { tag: "accepted", val: [written, lagMs] };
}

function raisedAction({ tag, val }) {
  switch (tag) {
    case "create":
    case "replace":
      return { tag, val: JSON.parse(val) };
    case "edit":
      return { tag, val: val.map(({ path, value }) => ({ path, value: parse(value) })) };
    case "run":
      return { tag, val: [val[0], JSON.parse(val[1])] };
    default:
      return { tag };
  }
}

// Actions that are no edit.

function operations(plugin, driver) {
  return {
    listOperations: told((facts) => (plugin.operations?.(parse(facts)) ?? []).map(operation)),
    preview: answered((name, subject, input) => {
      const { lines = [], warnings = [], document = {} } = driver().preview(name, subject, JSON.parse(input));
      return { lines, warnings, document: JSON.stringify(document) };
    }),
    run: answered((name, subject, input, id) => started(() => driver().run(name, subject, JSON.parse(input), id))),
    poll: answered((handle) => progress(driver().poll(handle))),
    cancel: answered((handle) => driver().cancel(handle)),
  };
}

function operation({ name, title, metadataType = null, scope = "cluster", roles = [], input, output, ...rest }) {
  return {
    name, title, metadataType, scope, roles,
    input: JSON.stringify(input), output: JSON.stringify(output),
    destructive: rest.destructive ?? false, previewed: rest.previewed ?? false, extra: null,
  };
}

/** A run whose answer was lost is not refused: nobody knows. */
function started(run) {
  try {
    return progress(run());
  } catch (error) {
    if (isLost(error)) return { tag: "unknown", val: recorded(error) };
    throw error;
  }
}

/** `{running: handle, share}` goes on; else `{summary, output, failures, undo}` is the end of it. */
function progress({ running, share = null, summary, output = {}, failures = [], undo }) {
  if (running !== undefined) return { tag: "running", val: [running, share] };
  return {
    tag: "done",
    val: {
      summary,
      output: JSON.stringify(output),
      failures: failures.map(([part, error]) => [part, recorded(error)]),
      undo: undo === undefined ? null : JSON.stringify(undo),
    },
  };
}

function parse(text) {
  return text == null ? null : JSON.parse(text);
}
