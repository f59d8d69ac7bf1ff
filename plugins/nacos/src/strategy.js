// Decides: whether a wish makes sense for the servers' API, and which writes lead to it.

import { fail, steps } from "headgate";
import { PUBLIC, parse } from "./names.js";
import { ONLY_V3 } from "./types.js";

const LOST = {
  namespace: "whoever is configured for it finds nothing any more",
  config: "clients that listen get nothing in its place",
  service: "its settings are lost; instances that register later make it again without them",
};

export const strategy = {
  /** Line ends as Nacos keeps them: as they are. Metadata in the order of its keys, so that equal wishes are equal texts. */
  normalize(type, spec) {
    if (type !== "service" || !spec.metadata) return spec;
    const sorted = Object.entries(spec.metadata).sort(([one], [other]) => (one < other ? -1 : 1));
    return { ...spec, metadata: Object.fromEntries(sorted) };
  },

  validate(type, spec, facts) {
    if (facts?.api !== "v1") return [];
    const untold = (ONLY_V3[type] ?? []).filter((name) => spec[name] != null);
    return untold.map((name) => ({
      path: `/${name}`,
      message: `these servers have only the v1 API, which does not tell a ${type}'s ${name}: leave it out`,
    }));
  },

  steps(change) {
    const { metadataType, id } = change.key;
    parse(metadataType, id);
    if (metadataType === "namespace" && id === PUBLIC) {
      fail("unsupported", `the namespace ${PUBLIC} is Nacos' own: it can neither be changed nor deleted`);
    }
    return steps(change, { lost: LOST[metadataType] });
  },
};
