// The types of metadata that a registry holds, with their schemas.

import { metadataType, object } from "headgate";

const WRITTEN = ["create", "update", "delete"];

/** Only the v3 API tells them: by v1 they could be written, and never be read back. */
export const ONLY_V3 = { namespace: ["description"], config: ["type", "description"], service: [] };

export const types = () => [
  metadataType({
    name: "namespace", title: "Namespace", verbs: WRITTEN,
    spec: object(
      {
        name: { type: "string", title: "Name", minLength: 1, pattern: "^[^@#$%^&*]+$", description: "For people; the id is for programs" },
        description: { type: "string", title: "Description", description: "By servers with the v3 API" },
      },
      ["name"],
    ),
    status: object({ configs: { type: "integer", title: "Configurations, when one is asked for" } }),
  }),
  metadataType({
    name: "config", title: "Configuration", verbs: WRITTEN, after: ["namespace"],
    spec: object(
      {
        content: { type: "string", title: "Content", minLength: 1 },
        type: { type: "string", title: "Format", enum: ["text", "json", "xml", "yaml", "html", "properties", "toml", "unset"], description: "By servers with the v3 API" },
        description: { type: "string", title: "Description", description: "By servers with the v3 API" },
      },
      ["content"],
    ),
    status: object({ md5: { type: "string", title: "Digest of the content" } }),
    fields: [{ path: "/type", default: "text" }],
  }),
  metadataType({
    name: "service", title: "Service", verbs: WRITTEN, after: ["namespace"],
    spec: object({
      protect_threshold: {
        type: "number", minimum: 0, maximum: 1, title: "Protect threshold",
        description: "Below this share of healthy instances all of them are handed out",
      },
      metadata: { type: "object", title: "Metadata", additionalProperties: { type: "string" } },
    }),
    status: object({ instances: { type: "array", title: "Instances, when one is asked for", items: { type: "object" } } }),
    fields: [{ path: "/protect_threshold", default: 0 }, { path: "/metadata", default: {} }],
  }),
];
