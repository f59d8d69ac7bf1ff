"""The contract's records with Python's own values in them: JSON is parsed, what is usual is the default."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Place:
    """`cluster`, or a `group` or `node` with its name."""

    scope: str = "cluster"
    name: str | None = None


CLUSTER = Place()


@dataclass(frozen=True)
class ResourceKey:
    metadata_type: str
    id: str
    place: Place = CLUSTER


@dataclass
class Resource:
    key: ResourceKey
    spec: dict
    status: dict = field(default_factory=dict)
    revision: str | None = None
    incarnation: str | None = None
    effective: dict | None = None
    internal: bool = False
    partial: bool = False


@dataclass
class Action:
    """`create` and `replace` hold a spec, `edit` a list of (path, value), `run` a name and its input, `delete` nothing."""

    kind: str
    value: Any = None


@dataclass
class Write:
    key: ResourceKey
    action: Action
    revision: str | None = None
    incarnation: str | None = None


# What the plugin says of itself.


@dataclass
class Role:
    name: str
    title: str
    count_min: int = 0
    count_max: int = 0


@dataclass
class Description:
    kind: str
    title: str
    version: str
    vendor: str
    connection: dict
    documentation: str | None = None
    roles: list[Role] = field(default_factory=list)
    grouped: bool = False
    relations: list[tuple[str, str]] = field(default_factory=list)
    #: (host, ports): `("${connection./address}", "1-65535")`
    network: list[tuple[str, str]] = field(default_factory=list)
    protocols: list[str] = field(default_factory=list)


# What decides.


@dataclass
class Issue:
    message: str
    path: str = ""
    severity: str = "error"


@dataclass
class Change:
    key: ResourceKey
    before: dict | None
    after: dict | None
    status: dict | None = None
    effective: dict | None = None
    revision: str | None = None
    incarnation: str | None = None


@dataclass
class Step:
    write: Write
    summary: str
    destructive: bool = False
    undo: Write | None = None
    restart: list[str] = field(default_factory=list)


# What talks.


@dataclass
class NamedNode:
    """A node that a person named beside the form: its id, and `HOST:PORT`."""

    id: str
    address: str
    roles: list[str] = field(default_factory=list)


@dataclass
class Target:
    id: str
    name: str
    connection: dict
    nodes: list[NamedNode] = field(default_factory=list)


@dataclass
class Check:
    name: str
    health: str
    place: Place = CLUSTER
    latency_us: int | None = None
    message: str | None = None


@dataclass
class Node:
    id: str
    health: str
    roles: list[str] = field(default_factory=list)
    group: str | None = None
    rank: int = 0
    addresses: list[tuple[str, str]] = field(default_factory=list)
    version: str | None = None
    rack: str | None = None
    facts: dict = field(default_factory=dict)


@dataclass
class Relation:
    """Another cluster that this one's own configuration names, by the manifest's relation and `HOST:PORT` of its nodes."""

    name: str
    kind: str
    addresses: list[str]


@dataclass
class Cluster:
    """`relations` is None where they cannot be told now."""

    nodes: list[Node]
    identity: str | None = None
    version: str | None = None
    facts: dict = field(default_factory=dict)
    relations: list[Relation] | None = field(default_factory=list)


@dataclass
class Query:
    metadata_type: str
    place: Place = CLUSTER
    brief: bool = False
    fields: list[str] = field(default_factory=list)
    since: str | None = None
    cursor: str | None = None
    limit: int = 1_000


@dataclass
class Failure:
    metadata_type: str
    id: str | None
    error: Exception
    place: Place = CLUSTER


@dataclass
class Page:
    """With `next` it is one page of many; without, it is the whole listing, in any order."""

    resources: list[Resource]
    failures: list[Failure] = field(default_factory=list)
    next: str | None = None
    version: str | None = None


@dataclass
class Written:
    """`started` is the handle of work that goes on in the backend; `lag_ms`: a listing may lag behind for so long."""

    id: str | None = None
    revision: str | None = None
    incarnation: str | None = None
    lag_ms: int | None = None
    started: str | None = None


# Actions that are no edit.


@dataclass
class Operation:
    name: str
    title: str
    input: dict
    output: dict
    metadata_type: str | None = None
    scope: str = "cluster"
    roles: list[str] = field(default_factory=list)
    destructive: bool = False
    previewed: bool = False


@dataclass
class Subject:
    """A resource's key, or a place."""

    key: ResourceKey | None = None
    place: Place | None = None


@dataclass
class Forecast:
    lines: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    document: dict = field(default_factory=dict)


@dataclass
class Finished:
    summary: str
    output: dict = field(default_factory=dict)
    failures: list[tuple[str, Exception]] = field(default_factory=list)
    undo: dict | None = None


@dataclass
class Running:
    """`handle` is what `poll` and `cancel` get; `share` is 0 to 1 where the backend tells."""

    handle: str
    share: float | None = None
