// Ids: a namespace's own, and NAMESPACE/GROUP/NAME of what is in one. Nacos allows no slash in any of the three.

import { fail } from "headgate";

/** Whom everything belongs to that names no other. The v1 API of configurations calls it by no name at all. */
export const PUBLIC = "public";

const PART = /^[A-Za-z0-9_.:-]+$/;

/** `{namespace, group, name}`; names that Nacos would refuse are refused before anything is sent. */
export function parse(metadataType, id) {
  const parts = id.split("/");
  if (metadataType === "namespace") {
    if (!/^[\w-]{1,128}$/.test(id)) fail("invalid-argument", `"${id}" is no id of a namespace: letters, digits, _ and -, at most 128`);
    return { namespace: id };
  }
  if (parts.length !== 3 || !parts.every((part) => PART.test(part))) {
    fail("invalid-argument", `"${id}" is no id of a ${metadataType}: it is NAMESPACE/GROUP/NAME, such as ${PUBLIC}/DEFAULT_GROUP/app.yaml`);
  }
  const [namespace, group, name] = parts;
  return { namespace, group, name };
}

export const join = (namespace, group, name) => `${namespace}/${group}/${name}`;
