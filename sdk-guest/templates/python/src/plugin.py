"""The plugin: what it says of itself, which types it has, and how to open a session. Only `session.py` talks to a backend."""

from headgate import Description, Issue, Plugin, Role, field, metadata_type, object_schema
from session import Notes

#: What `headgate cluster add` asks for, as JSON Schema; the `x-headgate-…` hints tell a console how to show it.
CONNECTION = object_schema(
    {
        "address": {
            "type": "string", "title": "Address", "minLength": 1, "examples": ["notes.example:8080"], "x-headgate-order": 1,
            "description": "HOST:PORT of the server",
        },
        "token": {
            "type": "string", "title": "Token", "writeOnly": True, "x-headgate-order": 2,
            "description": "Sent with each request; none where the server asks for none",
            # The value stays in the host: a plugin holds its name, and asks for it to be put into what is sent.
            "x-headgate-secret": ["send"],
        },
    },
    required=["address"],
)

NOTE = metadata_type(
    "note",
    "Note",
    {
        **object_schema(
            {
                "text": {"type": "string", "title": "Text"},
                "tags": {"type": "array", "title": "Tags", "items": {"type": "string"}},
            },
            required=["text"],
        ),
        # `headgate plugin test` and people begin with these.
        "examples": [{"text": "milk", "tags": ["home"]}, {"text": "bread"}],
    },
    status=object_schema({"modified_at": {"type": "string", "title": "Written last"}}),
    verbs=["create", "update", "delete"],
    # The order of tags means nothing, and none is the same as an empty list.
    fields=[field("/tags", unordered=True, default=[])],
)


class MyKind(Plugin):
    def describe(self):
        return Description(
            kind="my-kind",
            title="My kind",
            version="0.1.0",
            vendor="me",
            connection=CONNECTION,
            roles=[Role("server", "Server", count_min=1)],
            # Asked here, given by the operator: without both, nothing is reached.
            network=[("${connection./address}", "1-65535")],
        )

    def types(self, facts):
        return [NOTE]

    # Decides, and never talks. Without `steps` a wish is carried out as usual: made, written whole, deleted.

    def normalize(self, metadata_type, spec, facts):
        """One way to write the same wish, so that equal ones are equal."""
        return {**spec, "tags": sorted(set(spec["tags"]))} if spec.get("tags") else spec

    def validate(self, metadata_type, spec, facts):
        if spec.get("text", "x").strip():
            return []
        return [Issue("a note without a text says nothing: give it one, or delete it", "/text")]

    def open(self, target):
        return Notes(target.connection)


plugin = MyKind()
