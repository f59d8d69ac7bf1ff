// What the engine in a component lacks, or has in a way that ends the instance: without WASI its own clock is a trap.
// Only a component imports this, before anything else.

import { clock, log } from "./host.js";

/** What people write there belongs into the host's log. */
globalThis.console = Object.fromEntries(
  ["trace", "debug", "info", "log", "warn", "error"].map((name) => [
    name, (...parts) => log[name === "log" ? "info" : name](parts.map(String).join(" ")),
  ]),
);

/** The time of day is the host's. Where the world does not import the clock, an error says so. */
globalThis.Date = new Proxy(Date, {
  construct: (made, given, target) => Reflect.construct(made, given.length ? given : [clock.nowMs()], target),
  apply: (made) => new made(clock.nowMs()).toString(),
  get: (made, name) => (name === "now" ? () => clock.nowMs() : Reflect.get(made, name)),
});

delete globalThis.performance;
