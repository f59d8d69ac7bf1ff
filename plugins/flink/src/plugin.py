"""The Flink plugin: jobs, uploaded jars and the configuration of a Flink session cluster, over its REST API. It writes nothing
but what a person runs: a savepoint, and the end of a job with or without one.

What decides is here and in `metadata.py` and `actions.py`; what talks is `session.py` and below it.
"""

from headgate import Description, HeadgateError, Issue, Plugin, Role, object_schema

import actions
import metadata
from session import Flink

HOST = r"(\[[0-9A-Fa-f:.]+\]|[^\s,:/@\[\]]+)(:[0-9]{1,5})?"

CONNECTION = {
    **object_schema(
        {
            "addresses": {
                "type": "string", "title": "Addresses", "minLength": 1, "x-headgate-order": 1,
                "pattern": rf"^\s*{HOST}\s*(,\s*{HOST}\s*)*,?\s*$", "examples": ["flink-jobmanager:8081"],
                "description": "HOST:PORT[,HOST:PORT…] of the job managers' REST ports, without http:// before them; the port is 8081 "
                "where none is named",
            },
            "username": {
                "type": "string", "title": "User name", "minLength": 1, "x-headgate-order": 2,
                "description": "For a proxy in front that asks for one: Flink itself knows no users",
            },
            "password": {
                "type": "string", "title": "Password", "writeOnly": True, "x-headgate-order": 3, "x-headgate-secret": ["send"],
                "description": "Sent as it is (HTTP Basic): over a network that others can read, use TLS",
            },
            "security": {
                "type": "string", "title": "Security", "default": "PLAINTEXT", "enum": ["PLAINTEXT", "SSL"],
                "x-headgate-order": 4, "description": "How the REST ports are secured (security.ssl.rest.enabled)",
            },
            "ca": {
                "type": "string", "title": "Trusted authorities", "x-headgate-order": 5,
                "description": "PEM text; the system's authorities where empty",
                "x-headgate-widget": "pem", "x-headgate-tier": "advanced", "x-headgate-when": {"security": ["SSL"]},
            },
            "identity": {
                "type": "string", "title": "Client certificate and key", "writeOnly": True, "x-headgate-order": 6,
                "description": "PEM text of the certificate and its key, where the REST ports ask for one",
                "x-headgate-secret": ["tls"], "x-headgate-widget": "pem", "x-headgate-tier": "advanced",
                "x-headgate-when": {"security": ["SSL"]},
            },
        },
        required=["addresses"],
    ),
    "dependentRequired": {"username": ["password"], "password": ["username"]},
}


class FlinkPlugin(Plugin):
    def describe(self):
        return Description(
            kind="flink",
            title="Apache Flink",
            version="0.1.0",
            vendor="Headgate",
            documentation="https://nightlies.apache.org/flink/flink-docs-stable/",
            connection=CONNECTION,
            roles=[Role("job-manager", "Job manager", count_min=1), Role("task-manager", "Task manager")],
            network=[("${connection./addresses}", "1-65535")],
        )

    def types(self, facts):
        return metadata.TYPES

    def validate(self, metadata_type, spec, facts):
        return [Issue(refusal(metadata_type).message)]

    def steps(self, change, facts):
        raise refusal(change.key.metadata_type)

    def operations(self, facts):
        return actions.OPERATIONS

    def open(self, target):
        return Flink(target.connection, target.nodes)


def refusal(metadata_type):
    """Why nothing of the type is written."""
    if metadata_type not in metadata.NAMES:
        return metadata.unknown(metadata_type)
    advice = ": submit it with Flink's own tools; it can be stopped here, see `headgate operation types`" if metadata_type == "job" else ""
    return HeadgateError("unsupported", f"a {metadata_type} of Flink can only be read{advice}")


plugin = FlinkPlugin()
