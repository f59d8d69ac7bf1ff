"""JSON Schemas and metadata types in the contract's shape, from what differs from the usual."""

import json


def object_schema(properties, required=()):
    """A whole JSON Schema of an object with these properties and no others."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": list(required),
    }


def field(
    path, *, default=None, edits="free", divergence="single", restart=False, unordered=False, since=None, until=None,
):
    """What differs from free, in order, without a restart. `default` is what the backend does not tell.

    `since` and `until` are the first release of the backend that knows it, and the first that no longer does.
    """
    return {
        "path": path, "default": None if default is None else json.dumps(default), "edits": edits, "divergence": divergence,
        "restart": restart, "unordered": unordered, "since": since, "until": until, "extra": None,
    }


def metadata_type(
    name, title, spec, *, plural=None, status=None, verbs=(), scope="cluster", roles=(), identity=(), tells_defaults=True,
    granularity=None, divergence="single", fields=(), after=(), since=None, until=None,
):
    """A type of resources; without `verbs` (of create, update, delete) it can only be read.

    `granularity`: `per-key` where the backend takes single fields, `whole` where it takes the object again.
    """
    unknown = set(verbs) - {"create", "update", "delete"}
    if unknown:
        raise ValueError(f"{name}: {sorted(unknown)} are no verbs")
    return {
        "name": name,
        "plural": plural or f"{name}s",
        "title": title,
        "scope": scope,
        "roles": list(roles),
        "identity": list(identity),
        "tells_defaults": tells_defaults,
        "verbs": {verb: verb in verbs for verb in ("create", "update", "delete")},
        "granularity": granularity or ("whole" if "update" in verbs else "none"),
        "divergence": divergence,
        "spec": json.dumps(spec),
        "status": json.dumps(status or object_schema({})),
        "fields": list(fields),
        "after": list(after),
        "since": since,
        "until": until,
        "extra": None,
    }
