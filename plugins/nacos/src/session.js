// One session with one registry: finds out which API it has, and sends each question to the type that it concerns.

import { HeadgateError, fail, failure, log, resource } from "headgate";
import { Gateway } from "./gateway.js";
import { PUBLIC, join, parse } from "./names.js";
import { V1 } from "./v1.js";
import { V3 } from "./v3.js";

const HEALTH = { UP: "up", SUSPICIOUS: "degraded", DOWN: "down", ISOLATION: "degraded", STARTING: "degraded" };

/** Of one type: more than that are data, not metadata. */
const LISTED_MAX = 10_000;

export class Session {
  constructor(form, nodes = []) {
    this.gateway = new Gateway(form, nodes);
    this.known = null;
    this.listing = null;
  }

  /** v3 where the servers have it. Asked once a session: an upgrade ends the connections, and sessions are short. */
  get api() {
    if (!this.known) {
      const state = V3.state(this.gateway);
      this.known = state ? new V3(this.gateway) : new V1(this.gateway);
      this.version = state?.version ?? null;
      log.info("the registry's API was found", { api: this.known.name, version: this.version ?? "not told" });
    }
    return this.known;
  }

  probe() {
    return this.api.nodes().map(({ address, state, problem }) => ({
      name: "server", place: { tag: "node", val: address }, health: HEALTH[state] ?? "unknown", message: problem,
    }));
  }

  discover() {
    const { api } = this;
    const nodes = api.nodes().map(({ address, state, version, problem }) => ({
      id: address, roles: ["server"], addresses: [["http", address]], version, health: HEALTH[state] ?? "unknown",
      facts: { state, ...(problem ? { problem } : {}) },
    }));
    return { version: this.version, facts: { nodes: nodes.length, version: this.version, api: api.name }, nodes };
  }

  list({ metadataType, place, cursor }) {
    if (place.tag !== "cluster") fail("invalid-argument", "what a registry holds is the cluster's, not one server's");
    // The pages of one listing are of one moment, and cost the servers one reading.
    if (cursor !== null && this.listing?.metadataType === metadataType) return this.listing.all;
    const all = this.read(metadataType);
    if (all.resources.length > LISTED_MAX) fail("exhausted", `${all.resources.length} resources of the type ${metadataType} are more than the ${LISTED_MAX} that are listed`);
    this.listing = { metadataType, all };
    return all;
  }

  read(metadataType) {
    const namespaces = this.api.namespaces();
    if (metadataType === "namespace") return { resources: namespaces.map((one) => namespaceResource(one)) };
    const each = { config: (id) => this.api.configs(id), service: (id) => this.api.services(id) }[metadataType] ?? unknownType(metadataType);
    const found = namespaces.flatMap(({ id }) => each(id).map((one) => ({ ...one, id: join(id, one.group, one.name) })));
    return {
      resources: found.filter(({ error }) => !error).map((one) => inner(metadataType, one.id, one)),
      failures: found.filter(({ error }) => error).map((one) => failure(metadataType, one.id, one.error)),
    };
  }

  get({ metadataType, id }) {
    const where = parse(metadataType, id);
    if (metadataType === "namespace") {
      const found = this.api.namespaces().find((one) => one.id === id);
      return found ? namespaceResource(found, { configs: found.configs }) : null;
    }
    const ask = { config: () => this.api.config(where), service: () => this.api.service(where) }[metadataType] ?? unknownType(metadataType);
    const found = ask();
    return found && inner(metadataType, id, found, found.instances && { instances: found.instances.map(instance) });
  }

  write({ key: { metadataType, id }, action: { tag, val }, revision }) {
    this.listing = null;
    const where = parse(metadataType, id);
    const isNew = tag === "create";
    const { api } = this;
    const actions = {
      namespace: () => (tag === "delete" ? api.deleteNamespace(id) : api.putNamespace(id, val, isNew)),
      config: () => (tag === "delete" ? api.deleteConfig(where) : this.publish(where, val, isNew, revision)),
      service: () => (tag === "delete" ? api.deleteService(where) : api.putService(where, val, isNew)),
    };
    (actions[metadataType] ?? unknownType(metadataType))();
  }

  /** Publishing overwrites: what is to be new must not be there. */
  publish(where, spec, isNew, revision) {
    if (isNew && this.api.config(where)) {
      throw new HeadgateError("already-exists", `${where.name} is there already in the group ${where.group}`);
    }
    this.api.putConfig(where, spec, revision);
  }
}

function unknownType(name) {
  return fail("invalid-argument", `Nacos has no type ${name}: it has namespace, config, service`);
}

function namespaceResource({ id, spec }, status = {}) {
  return resource("namespace", id, spec, { internal: id === PUBLIC, status });
}

function inner(metadataType, id, { spec, md5 }, more = {}) {
  const status = md5 ? { md5, ...more } : (more ?? {});
  return resource(metadataType, id, spec, { revision: md5 ?? null, status });
}

function instance({ ip, port, healthy, enabled, weight, ephemeral, clusterName, metadata }) {
  return { address: `${ip}:${port}`, healthy, enabled, weight, ephemeral, cluster: clusterName, metadata: metadata ?? {} };
}
