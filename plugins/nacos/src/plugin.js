// The Nacos plugin: namespaces, configurations and services of a Nacos registry, over its HTTP API: v3 where the servers have
// it, else v1. What decides is here and in `types.js`; what talks is `session.js` and below it.

import { object } from "headgate";
import { strategy } from "./strategy.js";
import { Session } from "./session.js";
import { types } from "./types.js";

/** JSON Schema's `pattern` of HOST:PORT,…; the plugin's own words are better, but come later than the form's. */
const HOST = String.raw`(\[[0-9A-Fa-f:.]+\]|[^\s,:/@\[\]]+)(:[0-9]{1,5})?`;

const connection = {
  ...object(
    {
      addresses: {
        type: "string", title: "Addresses", minLength: 1, pattern: String.raw`^\s*${HOST}\s*(,\s*${HOST}\s*)*,?\s*$`, "x-headgate-order": 1,
        description: "HOST:PORT[,HOST:PORT…] of the servers, without http:// before them; the port is 8848 where none is named",
        examples: ["nacos-1:8848,nacos-2:8848,nacos-3:8848"],
      },
      username: {
        type: "string", title: "User name", minLength: 1, "x-headgate-order": 2,
        description: "Whoever lists all namespaces needs the role of an administrator; none where authentication is off",
      },
      password: {
        type: "string", title: "Password", writeOnly: true, "x-headgate-order": 3, "x-headgate-secret": ["send"],
        description: "Sent as it is, for a token: over a network that others can read, use TLS",
      },
      context_path: {
        type: "string", title: "Context path", default: "/nacos", pattern: "^(/[A-Za-z0-9._~-]+)*$", "x-headgate-order": 4,
        description: "Where the servers' API begins (nacos.server.contextPath)", "x-headgate-tier": "advanced",
      },
      security: {
        type: "string", title: "Security", default: "PLAINTEXT", enum: ["PLAINTEXT", "SSL"], "x-headgate-order": 5,
        description: "How the servers' HTTP ports are secured",
      },
      ca: {
        type: "string", title: "Trusted authorities", "x-headgate-order": 6,
        description: "PEM text; the system's authorities where empty",
        "x-headgate-widget": "pem", "x-headgate-tier": "advanced", "x-headgate-when": { security: ["SSL"] },
      },
    },
    ["addresses"],
  ),
  dependentRequired: { username: ["password"], password: ["username"] },
};

export default {
  describe: () => ({
    kind: "nacos",
    title: "Nacos",
    version: "0.1.0",
    vendor: "Headgate",
    documentation: "https://nacos.io/en/docs/",
    connection,
    roles: [{ name: "server", title: "Server", countMin: 1 }],
    network: [{ host: "${connection./addresses}", ports: "1-65535" }],
  }),
  types,
  strategy,
  open: (target) => new Session(target.connection, target.nodes),
};
