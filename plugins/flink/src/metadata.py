"""The types of metadata that a session cluster holds, with their schemas. All of them are only read."""

from headgate import HeadgateError, metadata_type, object_schema

TEXT, INTEGER = {"type": "string"}, {"type": "integer"}

JOB = metadata_type(
    "job", "Job",
    object_schema({
        "name": {**TEXT, "title": "Name"},
        "parallelism": {"type": ["integer", "null"], "title": "Parallelism"},
        "restart_strategy": {"type": ["string", "null"], "title": "Restart strategy"},
    }),
    status=object_schema({
        "state": {**TEXT, "title": "State", "examples": ["RUNNING", "FAILED", "FINISHED"]},
        "started_at_ms": {**INTEGER, "title": "Submitted, Unix time in milliseconds"},
        "ended_at_ms": {**INTEGER, "title": "Ended, Unix time in milliseconds"},
        "vertices": {
            "type": "array", "title": "Tasks, when one job is asked for",
            "items": {"type": "object", "properties": {"name": TEXT, "parallelism": INTEGER, "status": TEXT}},
        },
        "last_checkpoint": {"type": ["object", "null"], "title": "Last completed checkpoint, when one job is asked for"},
        "last_savepoint": {"type": ["object", "null"], "title": "Last completed savepoint, when one job is asked for"},
        "restored_from": {"type": ["string", "null"], "title": "Checkpoint or savepoint it began with, when one job is asked for"},
        "failure": {"type": ["string", "null"], "title": "Why it failed last, when one job is asked for"},
    }),
)

JAR = metadata_type(
    "jar", "Uploaded jar",
    object_schema({
        "name": {**TEXT, "title": "File name"},
        "entry_classes": {"type": "array", "title": "Main classes", "items": TEXT},
    }),
    status=object_schema({"uploaded_at_ms": {**INTEGER, "title": "Uploaded, Unix time in milliseconds"}}),
)

CONFIG = metadata_type(
    "config", "Configuration of the job manager",
    object_schema({"config": {"type": "object", "title": "Configuration", "additionalProperties": TEXT}}),
)

TYPES = [JOB, JAR, CONFIG]
NAMES = [one["name"] for one in TYPES]


def unknown(name):
    return HeadgateError("invalid-argument", f"Flink has no type {name}: it has {', '.join(NAMES)}")
