"""What a driver answers, made in one line each."""

import re

from headgate.errors import HeadgateError
from headgate.types import CLUSTER, Page, Resource, ResourceKey

ADDRESS = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s,:/@\[\]]+))(?::([0-9]{1,5}))?")


def resource(metadata_type, id, spec, *, place=CLUSTER, **more):
    return Resource(ResourceKey(metadata_type, id, place), spec, **more)


def lookups(keys, resources):
    """Answers to `get_all` from a whole listing, for backends that cannot be asked for single ones."""
    known = {one.key.id: one for one in resources}
    return [known.get(key.id) for key in keys]


def addresses(text, port):
    """`host`, `host:1`, `[::1]:1`, with commas between: each once, as (host, port)."""
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = ADDRESS.fullmatch(part)
        number = int(match[3] or port) if match else 0
        if not match or not 0 < number < 65536:
            raise HeadgateError("invalid-argument", f'"{part}" is not HOST:PORT')
        address = (match[1] or match[2], number)
        if address not in found:
            found.append(address)
    return found


def shown(address):
    """`host:1`, `[::1]:1`"""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def page(listed, query):
    """The page of a listing that the query asks for, in the bytewise order of ids that the contract wants."""
    whole = listed if isinstance(listed, Page) else Page(listed)
    if whole.next is not None:
        return whole
    limit = min(query.limit or 1_000, 1_000)
    ordered = sorted(whole.resources, key=lambda one: one.key.id.encode())
    after = [one for one in ordered if query.cursor is None or one.key.id.encode() > query.cursor.encode()]
    rows = after[:limit]
    # Failures belong to the whole listing: they are told once.
    failures = whole.failures if query.cursor is None else []
    return Page(rows, failures, rows[-1].key.id if len(after) > limit else None, whole.version)
