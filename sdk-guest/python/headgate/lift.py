"""The contract's records as the SDK's. Their classes are told apart by name: the module that has them is the component's."""

from json import loads

from headgate import types
from headgate.errors import HeadgateError


def json(text):
    return None if text is None else loads(text)


def case(value):
    """`Place_Group` is the case `group` of its variant."""
    return type(value).__name__.split("_")[1].lower()


def error(value):
    kind = value.kind.name.lower().replace("_", "-")
    return HeadgateError(kind, value.message, code=value.code, retry_after_ms=value.retry_after_ms, details=value.details)


def place(value):
    return types.Place(case(value), getattr(value, "value", None))


def key(value):
    return types.ResourceKey(value.metadata_type, value.id, place(value.place))


def target(value):
    nodes = [types.NamedNode(node.id, node.address, node.roles) for node in value.nodes]
    return types.Target(value.id, value.name, json(value.connection), nodes)


def query(value):
    limit = min(value.limit or 1_000, 1_000)
    return types.Query(value.metadata_type, place(value.place), value.brief, value.fields, value.since, value.cursor, limit)


def change(value):
    return types.Change(
        key(value.key), json(value.before), json(value.after), json(value.status), json(value.effective),
        value.revision, value.incarnation,
    )


def action(value):
    match case(value):
        case "create" | "replace" as kind:
            return types.Action(kind, json(value.value))
        case "edit":
            return types.Action("edit", [(edit.path, json(edit.value)) for edit in value.value])
        case "run":
            name, text = value.value
            return types.Action("run", (name, json(text)))
        case kind:
            return types.Action(kind)


def write(value):
    return types.Write(key(value.key), action(value.action), value.revision, value.incarnation)


def subject(value):
    if case(value) == "resource":
        return types.Subject(key=key(value.value))
    return types.Subject(place=place(value.value))
