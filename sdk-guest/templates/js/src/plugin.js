// The plugin: what it says of itself, which types it has, and how to open a session. Only `session.js` talks to a backend.

import { metadataType, object } from "headgate";
import { Session } from "./session.js";

/** What `headgate cluster add` asks for, as JSON Schema; the `x-headgate-…` hints tell a console how to show it. */
const connection = {
  ...object(
    {
      address: {
        type: "string", title: "Address", minLength: 1, examples: ["notes.example:8080"], "x-headgate-order": 1,
        description: "HOST:PORT of the server",
      },
      token: {
        type: "string", title: "Token", writeOnly: true, "x-headgate-order": 2,
        description: "Sent with each request; none where the server asks for none",
        // The value stays in the host: a plugin holds its name, and asks for it to be put into what is sent.
        "x-headgate-secret": ["send"],
      },
    },
    ["address"],
  ),
};

const note = metadataType({
  name: "note",
  title: "Note",
  verbs: ["create", "update", "delete"],
  spec: {
    ...object(
      {
        text: { type: "string", title: "Text" },
        tags: { type: "array", title: "Tags", items: { type: "string" } },
      },
      ["text"],
    ),
    // `headgate plugin test` and people begin with these.
    examples: [{ text: "milk", tags: ["home"] }, { text: "bread" }],
  },
  status: object({ modified_at: { type: "string", title: "Written last" } }),
  // The order of tags means nothing, and none is the same as an empty list.
  fields: [{ path: "/tags", unordered: true, default: [] }],
});

export default {
  describe: () => ({
    kind: "my-kind",
    title: "My kind",
    version: "0.1.0",
    vendor: "me",
    connection,
    roles: [{ name: "server", title: "Server", countMin: 1 }],
    // Asked here, given by the operator: without both, nothing is reached.
    network: [{ host: "${connection./address}", ports: "1-65535" }],
  }),

  types: () => [note],

  // Decides, and never talks. Without `steps` a wish is carried out as usual: made, written whole, deleted.
  strategy: {
    /** One way to write the same wish, so that equal ones are equal. */
    normalize: (_, spec) => (spec.tags ? { ...spec, tags: [...new Set(spec.tags)].sort() } : spec),

    validate(_, spec) {
      if (spec.text?.trim() !== "") return [];
      return [{ path: "/text", message: "a note without a text says nothing: give it one, or delete it" }];
    },
  },

  open: ({ connection: form }) => new Session(form),
};
