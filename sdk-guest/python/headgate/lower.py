"""The SDK's records as the contract's, in the classes that componentize-py made of the world."""

import importlib
from json import dumps

from headgate.errors import HeadgateError
from headgate.host import Secret
from headgate.types import Finished, Running, Written


def module(name):
    """An interface's classes: those of the plugin's own interfaces, and of the types that they share."""
    return importlib.import_module(f"wit_world.{'imports' if name == 'types' else 'exports'}.{name}")


def text(value):
    return dumps(value, ensure_ascii=False, separators=(",", ":"))


def optional(value):
    return None if value is None else text(value)


def enum(name):
    return name.upper().replace("-", "_")


# What the host lends.


def request(one, http, secrets):
    pieces = [piece(part, secrets) for part in one["body"]]
    tls = one["tls"] and secrets.Tls(*(one["tls"].get(name) for name in ("server_name", "trust", "identity")))
    return http.Request(
        one["method"], one["url"], one["headers"], pieces, auth(one["auth"], http), tls, one["timeout_ms"],
        one["response_bytes_max"], None,
    )


def piece(part, secrets):
    if isinstance(part, Secret):
        return secrets.Piece_Secret((part.handle, secrets.Encoding[enum(part.encoding)]))
    return secrets.Piece_Bytes(part)


def auth(wanted, http):
    match wanted:
        case None:
            return http.Auth_None_()
        case ("bearer", handle):
            return http.Auth_Bearer(handle)
        case ("basic", user, handle):
            return http.Auth_Basic((user, handle))
        case ("header", name, handle):
            return http.Auth_Header((name, handle))
    raise HeadgateError("internal", f"{wanted!r} is no way to log in: bearer, basic or header")


# Keys and writes.


def place(one):
    types = module("types")
    match one.scope:
        case "group":
            return types.Place_Group(one.name)
        case "node":
            return types.Place_Node(one.name)
    return types.Place_Cluster()


def key(one):
    return module("types").ResourceKey(one.metadata_type, one.id, place(one.place))


def resource(one):
    return module("types").Resource(
        key(one.key), one.revision, one.incarnation, text(one.spec), optional(one.effective), text(one.status),
        one.internal, one.partial, None,
    )


def action(one):
    types = module("types")
    match one.kind:
        case "create":
            return types.Action_Create(text(one.value))
        case "replace":
            return types.Action_Replace(text(one.value))
        case "edit":
            return types.Action_Edit([types.Edit(path, optional(value)) for path, value in one.value])
        case "run":
            name, given = one.value
            return types.Action_Run((name, text(given)))
    return types.Action_Delete()


def write(one):
    return module("types").Write(key(one.key), action(one.action), one.revision, one.incarnation, None)


# What the plugin says of itself.


def description(one):
    manifest = module("manifest")
    roles = [manifest.Role(role.name, role.title, role.count_min, role.count_max) for role in one.roles]
    grants = [manifest.Grant_Network(manifest.Network(host, ports)) for host, ports in one.network]
    return manifest.Description(
        one.kind, one.title, one.version, one.vendor, one.documentation, text(one.connection), roles, one.grouped,
        one.relations, grants, one.protocols, None,
    )


def metadata_type(one):
    types = module("metadata_types")
    fields = [
        types.Field(**{**field, "edits": types.EditRule[enum(field["edits"])], "divergence": types.Divergence[enum(field["divergence"])]})
        for field in one["fields"]
    ]
    return types.MetadataType(**{
        **one,
        "scope": module("types").Scope[enum(one["scope"])],
        "verbs": types.Verbs(**one["verbs"]),
        "granularity": types.Granularity[enum(one["granularity"])],
        "divergence": types.Divergence[enum(one["divergence"])],
        "fields": fields,
    })


# What decides.


def issue(one):
    strategy = module("config_strategy")
    return strategy.Issue(strategy.Severity[enum(one.severity)], one.path, one.message)


def issue_of(error):
    strategy = module("config_strategy")
    return strategy.Issue(strategy.Severity.ERROR, "", error.message)


def step(one):
    undo = write(one.undo) if one.undo else None
    return module("config_strategy").Step(write(one.write), one.summary, one.destructive, undo, one.restart, None)


# What talks.


def health(name):
    return module("storage_driver").Health[enum(name)]


def check(one):
    return module("storage_driver").Check(one.name, place(one.place), health(one.health), one.latency_us, one.message)


def cluster(one):
    driver = module("storage_driver")
    nodes = [
        driver.Node(
            node.id, node.roles, node.group, node.rank, node.addresses, node.version, node.rack, health(node.health),
            text(node.facts),
        )
        for node in one.nodes
    ]
    relations = None
    if one.relations is not None:
        relations = [driver.Relation(each.name, each.kind, each.addresses) for each in one.relations]
    return driver.Cluster(one.identity, one.version, text(one.facts), nodes, relations)


def page(one, record):
    driver = module("storage_driver")
    failures = [driver.Failure(each.metadata_type, each.id, place(each.place), record(each.error)) for each in one.failures]
    return driver.Page([resource(each) for each in one.resources], failures, one.next, one.version, None)


def lookup(found, record):
    driver = module("storage_driver")
    if found is None:
        return driver.Lookup_Absent()
    if isinstance(found, Exception):
        return driver.Lookup_Failed(record(found))
    return driver.Lookup_Found(resource(found))


def written(answer):
    driver = module("storage_driver")
    done = answer or Written()
    if done.started is not None:
        return driver.Outcome_Started(done.started)
    told = driver.Written(done.id, done.revision, done.incarnation)
    return driver.Outcome_Done(told) if done.lag_ms is None else driver.Outcome_Accepted((told, done.lag_ms))


def failed(record, is_unknown):
    driver = module("storage_driver")
    return driver.Outcome_Unknown(record) if is_unknown else driver.Outcome_Failed(record)


# Actions that are no edit.


def operation(one):
    return module("operations").Operation(
        one.name, one.title, one.metadata_type, module("types").Scope[enum(one.scope)], one.roles, text(one.input),
        text(one.output), one.destructive, one.previewed, None,
    )


def forecast(one):
    return module("operations").Forecast(one.lines, one.warnings, text(one.document))


def progress(one, record):
    operations = module("operations")
    if isinstance(one, Running):
        return operations.Progress_Running((one.handle, one.share))
    if not isinstance(one, Finished):
        raise HeadgateError("internal", f"an operation answers with Finished or Running, not with {type(one).__name__}")
    failures = [(part, record(error)) for part, error in one.failures]
    return operations.Progress_Done(operations.Finished(one.summary, text(one.output), failures, optional(one.undo)))


def unknown(record):
    return module("operations").Progress_Unknown(record)
