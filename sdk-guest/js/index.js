// What a plugin author imports: answers made in one line, and what the host lends. `component.js` puts the plugin behind the
// component's exports, and `testing.js` stands in for the host where a plugin runs in Node.

export { HeadgateError, fail } from "./errors.js";
export { call, clock, http, log, secrets, state } from "./host.js";
export { addresses, failure, lookups, resource, shown } from "./answers.js";
export { metadataType, object } from "./metadata_type.js";
export { differences, steps } from "./strategy.js";
