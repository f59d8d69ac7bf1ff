// The administrators' API of Nacos 3: every answer is `{code, message, data}`, and code 0 is success.

import { HeadgateError } from "headgate";

const CORE = "/v3/admin/core";
const CONFIG = "/v3/admin/cs/config";
const SERVICE = "/v3/admin/ns/service";

/** Rows of a page of the servers' listings. */
const PAGE = 200;

/** Codes that say more than the status: kind by code. */
const KINDS = {
  10001: "permission-denied", 20004: "not-found", 20005: "conflict", 21007: "already-exists", 21008: "not-found",
  22001: "not-found", 22002: "already-exists", 5031: "exhausted", 5032: "exhausted", 5033: "exhausted", 5034: "exhausted",
};

export class V3 {
  name = "v3";

  constructor(gateway) {
    this.gateway = gateway;
    /** Specs by id and digest: a listing tells digests, and only what has changed is read again. */
    this.read = new Map();
  }

  /** What a server says of itself, or null where it does not have this API. */
  static state(gateway) {
    const answer = gateway.ask({ path: `${CORE}/state` });
    return [404, 405, 410, 501].includes(answer.status) ? null : data(answer, "read the state");
  }

  nodes() {
    const members = this.get(`${CORE}/cluster/node/list`, {}, "list the servers");
    return members.map(({ address, state, extendInfo = {} }) => ({ address, state, version: extendInfo.version ?? null }));
  }

  namespaces() {
    const all = this.get(`${CORE}/namespace/list`, {}, "list the namespaces");
    return all.map((one) => ({
      id: one.namespace,
      spec: { name: one.namespaceShowName, ...(one.namespaceDesc ? { description: one.namespaceDesc } : {}) },
      configs: one.configCount,
    }));
  }

  putNamespace(namespaceId, { name, description = "" }, isNew) {
    const form = { namespaceId, namespaceName: name, namespaceDesc: description };
    this.send(isNew ? "POST" : "PUT", `${CORE}/namespace`, { form }, `write the namespace ${namespaceId}`);
  }

  deleteNamespace(namespaceId) {
    this.send("DELETE", `${CORE}/namespace`, { query: { namespaceId } }, `delete the namespace ${namespaceId}`);
  }

  configs(namespaceId) {
    const query = { namespaceId, dataId: "", groupName: "", search: "accurate" };
    const listed = this.pages(`${CONFIG}/list`, query, `list the configurations of ${namespaceId}`);
    const keyed = listed.map((one) => ({ ...one, key: `${namespaceId}/${one.groupName}/${one.dataId}/${one.md5}` }));
    const unread = keyed.filter(({ key }) => !this.read.has(key));
    const answers = this.gateway.askAll(unread.map(({ groupName, dataId }) => ({ path: CONFIG, query: { namespaceId, groupName, dataId } })));
    const failed = new Map();
    unread.forEach(({ key }, index) => {
      try {
        this.read.set(key, configSpec(data(answers[index], "read the configuration")));
      } catch (error) {
        failed.set(key, error);
      }
    });
    return keyed.map(({ groupName, dataId, md5, key }) => ({ group: groupName, name: dataId, md5, spec: this.read.get(key), error: failed.get(key) }));
  }

  config({ namespace, group, name }) {
    const found = this.find(CONFIG, { namespaceId: namespace, groupName: group, dataId: name }, "read the configuration");
    return found && { spec: configSpec(found), md5: found.md5 };
  }

  putConfig({ namespace, group, name }, { content, type, description }, md5) {
    const form = { namespaceId: namespace, groupName: group, dataId: name, content, type, desc: description };
    // Nacos writes only where the digest is still this one.
    const headers = md5 === null ? {} : { casMd5: md5 };
    this.send("POST", CONFIG, { form, headers }, `publish ${name}`);
  }

  deleteConfig({ namespace, group, name }) {
    this.send("DELETE", CONFIG, { query: { namespaceId: namespace, groupName: group, dataId: name } }, `delete ${name}`);
  }

  services(namespaceId) {
    const listed = this.pages(`${SERVICE}/list`, { namespaceId }, `list the services of ${namespaceId}`);
    const answers = this.gateway.askAll(listed.map(({ groupName, name }) => ({ path: SERVICE, query: { namespaceId, groupName, serviceName: name } })));
    return listed.map(({ groupName, name }, index) => {
      try {
        return { group: groupName, name, spec: serviceSpec(data(answers[index], `read the service ${name}`)) };
      } catch (error) {
        return { group: groupName, name, error };
      }
    });
  }

  service({ namespace, group, name }) {
    const query = { namespaceId: namespace, groupName: group, serviceName: name };
    const found = this.find(SERVICE, query, `read the service ${name}`);
    return found && { spec: serviceSpec(found), instances: this.find("/v3/admin/ns/instance/list", query, "list its instances") ?? [] };
  }

  putService({ namespace, group, name }, { protect_threshold = 0, metadata = {} }, isNew) {
    const form = {
      namespaceId: namespace, groupName: group, serviceName: name,
      protectThreshold: protect_threshold, metadata: JSON.stringify(metadata),
      ...(isNew ? { ephemeral: "false" } : {}),
    };
    this.send(isNew ? "POST" : "PUT", SERVICE, { form }, `write the service ${name}`);
  }

  deleteService({ namespace, group, name }) {
    const query = { namespaceId: namespace, groupName: group, serviceName: name };
    this.send("DELETE", SERVICE, { query }, `delete the service ${name}`);
  }

  get(path, query, what) {
    return data(this.gateway.ask({ path, query }), what);
  }

  find(path, query, what) {
    try {
      return this.get(path, query, what);
    } catch (error) {
      if (error.kind === "not-found") return null;
      throw error;
    }
  }

  send(method, path, more, what) {
    return data(this.gateway.ask({ method, path, ...more }), what);
  }

  pages(path, query, what) {
    const rows = [];
    for (let pageNo = 1; ; pageNo++) {
      const { pageItems, pagesAvailable } = this.get(path, { ...query, pageNo, pageSize: PAGE }, what);
      rows.push(...(pageItems ?? []));
      if (pageNo >= pagesAvailable || !pageItems?.length) return rows;
    }
  }
}

/** What was asked for, or the refusal with Nacos' own code. */
function data(answer, what) {
  if (answer instanceof Error) throw answer;
  const isJson = answer.headers["content-type"]?.includes("json");
  const told = isJson ? answer.json(what) : null;
  if (told && told.code === 0) return told.data;
  const code = told?.code;
  const kind = KINDS[code];
  if (kind) throw new HeadgateError(kind, `${what}: ${told.message}${detail(told.data)}`, { code: String(code) });
  answer.ok(what);
  throw new HeadgateError("protocol", `${what}: ${told ? `code ${code}: ${told.message}` : "the answer is no JSON"}`);
}

const detail = (data) => (typeof data === "string" && data ? `: ${data}` : "");

function configSpec({ content, type, desc }) {
  return { content, ...(type ? { type } : {}), ...(desc ? { description: desc } : {}) };
}

/** What Nacos fills in by itself is left out. */
export function serviceSpec({ protectThreshold, metadata }) {
  // Its thresholds are floats of 32 bits: 0.7 comes back as 0.699999988.
  const threshold = Math.round((protectThreshold ?? 0) * 1e6) / 1e6;
  const kept = typeof metadata === "string" ? JSON.parse(metadata || "{}") : (metadata ?? {});
  return {
    ...(threshold ? { protect_threshold: threshold } : {}),
    ...(Object.keys(kept).length ? { metadata: Object.fromEntries(Object.entries(kept).sort(([one], [other]) => (one < other ? -1 : 1))) } : {}),
  };
}
