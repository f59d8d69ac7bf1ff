// The API of Nacos 1 and 2, which 3 has no more. It answers in plain text or JSON as it pleases, and tells less.

import { HeadgateError } from "headgate";
import { PUBLIC } from "./names.js";
import { serviceSpec } from "./v3.js";

const NAMESPACES = "/v1/console/namespaces";
const CONFIGS = "/v1/cs/configs";
const SERVICE = "/v1/ns/service";

const PAGE = 200;

/** Said with the status 500. */
const ABSENT = /not found|not exist/i;

export class V1 {
  name = "v1";

  constructor(gateway) {
    this.gateway = gateway;
  }

  /** Every server that the form names, asked by itself: older releases tell no list that all of them agree on. */
  nodes() {
    return this.gateway.addresses.map((address) => {
      try {
        this.gateway.askOne(address, { path: "/v1/ns/operator/metrics" }).ok("ask for its health");
        return { address, state: "UP", version: null };
      } catch (error) {
        return { address, state: ["unavailable", "timeout"].includes(error.kind) ? "DOWN" : "UNKNOWN", version: null, problem: error.message };
      }
    });
  }

  namespaces() {
    const { data } = this.get(NAMESPACES, {}, "list the namespaces").json("list the namespaces");
    return data.map((one) => ({ id: one.namespace || PUBLIC, spec: { name: one.namespaceShowName }, configs: one.configCount }));
  }

  putNamespace(id, { name }, isNew) {
    const form = isNew ? { customNamespaceId: id, namespaceName: name } : { namespace: id, namespaceShowName: name };
    this.send(isNew ? "POST" : "PUT", NAMESPACES, { form }, `write the namespace ${id}`);
  }

  deleteNamespace(namespaceId) {
    this.send("DELETE", NAMESPACES, { query: { namespaceId } }, `delete the namespace ${namespaceId}`);
  }

  configs(namespace) {
    const rows = [];
    const what = `list the configurations of ${namespace}`;
    for (let pageNo = 1; ; pageNo++) {
      const query = { search: "accurate", dataId: "", group: "", tenant: tenant(namespace), pageNo, pageSize: PAGE };
      const { pageItems, pagesAvailable } = this.get(CONFIGS, query, what).json(what);
      rows.push(...pageItems.map(({ group, dataId, content, md5 }) => ({ group, name: dataId, md5, spec: { content } })));
      if (pageNo >= pagesAvailable || !pageItems.length) return rows;
    }
  }

  config({ namespace, group, name }) {
    const answer = this.gateway.ask({ path: CONFIGS, query: { dataId: name, group, tenant: tenant(namespace) } });
    if (answer.status === 404) return null;
    return { spec: { content: answer.ok(`read ${name}`).text() }, md5: answer.headers["content-md5"] };
  }

  putConfig({ namespace, group, name }, { content }) {
    this.send("POST", CONFIGS, { form: { dataId: name, group, tenant: tenant(namespace), content } }, `publish ${name}`);
  }

  deleteConfig({ namespace, group, name }) {
    this.send("DELETE", CONFIGS, { query: { dataId: name, group, tenant: tenant(namespace) } }, `delete ${name}`);
  }

  services(namespaceId) {
    const rows = [];
    const what = `list the services of ${namespaceId}`;
    for (let pageNo = 1; ; pageNo++) {
      const query = { withInstances: false, pageNo, pageSize: PAGE, namespaceId };
      const { serviceList = [], count } = this.get("/v1/ns/catalog/services", query, what).json(what);
      rows.push(...serviceList);
      if (rows.length >= count || !serviceList.length) break;
    }
    const wheres = rows.map(({ groupName, name }) => ({ namespace: namespaceId, group: groupName, name }));
    const answers = this.gateway.askAll(wheres.map((where) => ({ path: SERVICE, query: named(where) })));
    const each = wheres.map((where, index) => {
      try {
        return { ...where, ...settings(answers[index], where) };
      } catch (error) {
        return { ...where, error };
      }
    });
    // One that went away meanwhile is neither.
    return each.filter(({ spec, error }) => spec || error);
  }

  service(where) {
    const found = settings(this.gateway.ask({ path: SERVICE, query: named(where) }), where);
    if (!found) return null;
    const answer = this.get("/v1/ns/instance/list", named(where), "list its instances");
    return { ...found, instances: answer.json("list its instances").hosts ?? [] };
  }

  putService(where, { protect_threshold = 0, metadata = {} }, isNew) {
    const form = { ...plain(where), protectThreshold: protect_threshold, metadata: JSON.stringify(metadata) };
    this.send(isNew ? "POST" : "PUT", SERVICE, { form }, `write the service ${where.name}`);
  }

  deleteService(where) {
    this.send("DELETE", SERVICE, { query: plain(where) }, `delete the service ${where.name}`);
  }

  get(path, query, what) {
    return this.gateway.ask({ path, query }).ok(what);
  }

  /** `true` and `ok` are success; `false` is a refusal without a reason. */
  send(method, path, more, what) {
    const answer = this.gateway.ask({ method, path, ...more });
    const text = answer.text().trim();
    if (answer.status === 500 && text && text.length < 500) throw new HeadgateError(ABSENT.test(text) ? "not-found" : "other", `${what}: ${text}`, { code: "HTTP_500" });
    answer.ok(what);
    if (text === "false") throw new HeadgateError("other", `${what}: the servers refused without a reason`);
  }
}

function settings(answer, { name }) {
  if (answer instanceof Error) throw answer;
  if (answer.status === 404 || (answer.status === 500 && ABSENT.test(answer.text()))) return null;
  return { spec: serviceSpec(answer.ok(`read the service ${name}`).json("read the service")) };
}

/** Of configurations: the public namespace has no name there. */
const tenant = (namespace) => (namespace === PUBLIC ? "" : namespace);

const plain = ({ namespace, group, name }) => ({ serviceName: name, groupName: group, namespaceId: namespace });

/** Reads understand the group only before the name. */
const named = ({ namespace, group, name }) => ({ serviceName: `${group}@@${name}`, groupName: group, namespaceId: namespace });
