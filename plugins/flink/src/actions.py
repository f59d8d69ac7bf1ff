"""The actions on a job: what each takes, and what it tells beforehand."""

from headgate import Operation, object_schema

TARGET = {
    "type": "string", "title": "Directory", "minLength": 1, "examples": ["s3://state/savepoints"],
    "description": "Where it is put; the cluster's own directory (execution.checkpointing.savepoint-dir) where none is named",
}
FORMAT = {
    "type": "string", "title": "Format", "enum": ["CANONICAL", "NATIVE"], "default": "CANONICAL",
    "description": "Canonical fits every state backend, native is faster",
}
LOCATION = object_schema({"location": {"type": "string", "title": "Where the savepoint is"}})

SAVEPOINT = "take-savepoint"
STOP = "stop-job"
CANCEL = "cancel-job"

OPERATIONS = [
    Operation(
        SAVEPOINT, "Take a savepoint", metadata_type="job", previewed=True,
        input=object_schema({"target_directory": TARGET, "format": FORMAT}), output=LOCATION,
    ),
    Operation(
        STOP, "Stop with a savepoint", metadata_type="job", previewed=True, destructive=True,
        input=object_schema({
            "target_directory": TARGET, "format": FORMAT,
            "drain": {
                "type": "boolean", "title": "Drain", "default": False,
                "description": "All windows fire and the sources end for good: the job cannot go on from this savepoint",
            },
        }),
        output=LOCATION,
    ),
    Operation(
        CANCEL, "Cancel without a savepoint", metadata_type="job", previewed=True, destructive=True,
        input=object_schema({}), output=object_schema({"state": {"type": "string", "title": "State"}}),
    ),
]
