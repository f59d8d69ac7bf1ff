// A registry in memory that speaks the v3 API as Nacos 3 documents it, and what the tests ask of the plugin.

import { host } from "headgate/testing";
import plugin from "../src/plugin.js";

const CLUSTER = { tag: "cluster" };
export const key = (metadataType, id) => ({ metadataType, id, place: CLUSTER });

const ok = (data) => ({ status: 200, headers: { "content-type": "application/json" }, json: { code: 0, message: "success", data } });
const refused = (status, code, message, data = null) => ({ status, headers: { "content-type": "application/json" }, json: { code, message, data } });

export class Registry {
  namespaces = new Map([["public", { namespace: "public", namespaceShowName: "public", namespaceDesc: "", configCount: 0 }]]);
  configs = new Map();
  services = new Map();
  /** `METHOD /path?query`, as they came. */
  asked = [];

  answer({ method, url, headers, body }) {
    const { pathname, searchParams } = new URL(url);
    const path = pathname.replace("/nacos", "");
    this.asked.push(`${method} ${path}`);
    const given = Object.fromEntries([...searchParams, ...new URLSearchParams(body)]);
    if (path === "/v3/admin/core/state") return ok({ version: "3.1.0", startup_mode: "cluster" });
    if (path === "/v3/admin/core/cluster/node/list") {
      return ok([{ address: "10.0.0.1:8848", state: "UP", extendInfo: { version: "3.1.0" } }, { address: "10.0.0.2:8848", state: "DOWN" }]);
    }
    if (path.startsWith("/v3/admin/core/namespace")) return this.namespace(method, path, given);
    if (path.startsWith("/v3/admin/cs/config")) return this.config(method, path, given, headers);
    if (path.startsWith("/v3/admin/ns/service")) return this.service(method, path, given);
    if (path === "/v3/admin/ns/instance/list") return ok([{ ip: "10.1.0.1", port: 80, healthy: true, enabled: true, weight: 1, ephemeral: true, clusterName: "DEFAULT" }]);
    return { status: 404, text: "" };
  }

  namespace(method, path, { namespaceId, namespaceName, namespaceDesc }) {
    if (path.endsWith("/list")) return ok([...this.namespaces.values()]);
    if (method === "POST" && this.namespaces.has(namespaceId)) return refused(400, 22002, "namespace already exist", namespaceId);
    if (method === "DELETE") return ok(this.namespaces.delete(namespaceId));
    this.namespaces.set(namespaceId, { namespace: namespaceId, namespaceShowName: namespaceName, namespaceDesc, configCount: 0 });
    return ok(true);
  }

  config(method, path, { namespaceId, groupName, dataId, content, type, desc, pageNo, pageSize }, headers) {
    const id = `${namespaceId}/${groupName}/${dataId}`;
    if (path.endsWith("/list")) {
      const all = [...this.configs].filter(([one]) => one.startsWith(`${namespaceId}/`)).map(([, { content: _, ...basic }]) => basic);
      return ok(page(all, pageNo, pageSize));
    }
    const known = this.configs.get(id);
    if (method === "GET") return known ? ok(known) : refused(404, 20004, "resource not found", "Config not exist, please publish Config first.");
    if (method === "DELETE") return ok(this.configs.delete(id) || true);
    if (headers.casMd5 && headers.casMd5 !== known?.md5) return refused(409, 20005, "resource conflict", "Cas publish fail, server md5 may have changed.");
    this.configs.set(id, { groupName, dataId, content, type, desc, md5: `md5 of ${content}` });
    return ok(true);
  }

  service(method, path, { namespaceId, groupName, serviceName, protectThreshold, metadata, pageNo, pageSize }) {
    const id = `${namespaceId}/${groupName}/${serviceName}`;
    if (path.endsWith("/list")) {
      const all = [...this.services.values()].filter((one) => one.namespaceId === namespaceId);
      return ok(page(all.map(({ serviceName: name, groupName: group }) => ({ name, groupName: group, ipCount: 1 })), pageNo, pageSize));
    }
    if (method === "GET") return this.services.has(id) ? ok(this.services.get(id)) : refused(404, 21008, "service not exist");
    if (method === "DELETE") return ok(this.services.delete(id) && "ok");
    // As Java writes a float that was made a double.
    this.services.set(id, { namespaceId, groupName, serviceName, protectThreshold: Math.fround(Number(protectThreshold)), metadata: JSON.parse(metadata) });
    return ok("ok");
  }
}

function page(all, pageNo, pageSize) {
  const [number, size] = [Number(pageNo), Number(pageSize)];
  return { totalCount: all.length, pageNumber: number, pagesAvailable: Math.ceil(all.length / size), pageItems: all.slice((number - 1) * size, number * size) };
}

/** The plugin, opened over something that answers requests. */
export function opened(http, form = {}, secrets = {}, nodes = []) {
  const made = host(plugin, { http, secrets });
  made.storageDriver.open({ id: "1", name: "reg", connection: JSON.stringify({ addresses: "10.0.0.1,10.0.0.2", ...form }), nodes });
  return made;
}

/** What a listing shows: specs by id. */
export function listed({ storageDriver }, metadataType, limit = 1000) {
  const seen = {};
  for (let cursor = null; ;) {
    const { resources, failures, next } = storageDriver.listResources({ metadataType, place: CLUSTER, brief: false, fields: [], since: null, cursor, limit, extra: null });
    for (const one of resources) seen[one.key.id] = JSON.parse(one.spec);
    if (failures.length) return failures;
    if (next === null) return seen;
    cursor = next;
  }
}

/** Plans a change as the host does, and writes its steps: an outcome each, or the refusal. */
export function carryOut({ configStrategy, storageDriver }, metadataType, id, was, wish, revision = null) {
  const before = was && JSON.stringify(was);
  const after = wish && JSON.stringify(wish);
  const [{ tag, val }] = configStrategy.steps([{ key: key(metadataType, id), before, after, revision }], "{}");
  return tag === "err" ? [val] : storageDriver.writeResources(val.map((step) => step.write), false);
}
