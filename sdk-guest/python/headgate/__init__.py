"""What a plugin author imports.

    from headgate import Plugin, Session, resource

    class MyPlugin(Plugin):
        def describe(self): ...
        def types(self, facts): ...
        def open(self, target): return MySession(target.connection)

`headgate.component` puts it behind the component's exports, and `headgate.testing` stands in for the host where a plugin
runs natively.
"""

from headgate.answers import addresses, lookups, resource, shown
from headgate.errors import HeadgateError
from headgate.host import Response, call, clock, http, log, secrets, state
from headgate.plugin import Plugin, Session
from headgate.schema import field, metadata_type, object_schema
from headgate.strategy import differences, steps
from headgate.types import (
    Action, Change, Check, Cluster, Description, Failure, Finished, Forecast, Issue, NamedNode, Node, Operation, Page, Place,
    Query, Relation, Resource, ResourceKey, Role, Running, Step, Subject, Target, Write, Written,
)

__all__ = [
    "Action", "Change", "Check", "Cluster", "Description", "Failure", "Finished", "Forecast", "HeadgateError", "Issue",
    "NamedNode", "Node", "Operation", "Page", "Place", "Plugin", "Query", "Relation", "Resource", "ResourceKey", "Response", "Role", "Running",
    "Session", "Step", "Subject", "Target", "Write", "Written", "addresses", "call", "clock", "differences", "field", "http",
    "log", "lookups", "metadata_type", "object_schema", "resource", "secrets", "shown", "state", "steps",
]
