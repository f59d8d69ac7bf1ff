// Metadata types in the contract's shape, from what differs from the usual.

/** A whole JSON Schema of an object with these properties and no others. */
export function object(properties, required = []) {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object", additionalProperties: false, properties, required,
  };
}

/**
 * A type of resources of the whole cluster. `spec` and `status` are JSON Schemas (`object({…})`); without `verbs` it can only be
 * read. `verbs`: `["create", "update", "delete"]`. `granularity`: `per-key` where the backend takes single fields, `whole`
 * where it takes the object again. `fields`: what differs from free, in order, without a restart. `since` and `until`, of a
 * type or a field: the first release of the backend that has it, and the first that no longer does.
 */
export function metadataType({ name, plural = `${name}s`, title, spec, status = object({}), verbs = [], fields = [], ...more }) {
  const can = (verb) => verbs.includes(verb);
  return {
    name, plural, title,
    scope: more.scope ?? "cluster",
    roles: more.roles ?? [],
    identity: more.identity ?? [],
    tellsDefaults: more.tellsDefaults ?? true,
    verbs: { create: can("create"), update: can("update"), delete: can("delete") },
    granularity: more.granularity ?? (can("update") ? "whole" : "none"),
    divergence: more.divergence ?? "single",
    spec: JSON.stringify(spec),
    status: JSON.stringify(status),
    fields: fields.map((field) => ({
      path: field.path,
      default: field.default === undefined ? null : JSON.stringify(field.default),
      edits: field.edits ?? "free",
      divergence: field.divergence ?? more.divergence ?? "single",
      restart: field.restart ?? false,
      unordered: field.unordered ?? false,
      since: field.since ?? null,
      until: field.until ?? null,
      extra: null,
    })),
    after: more.after ?? [],
    since: more.since ?? null,
    until: more.until ?? null,
    extra: null,
  };
}
