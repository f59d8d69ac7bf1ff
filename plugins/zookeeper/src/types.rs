//! The types of metadata that an ensemble holds, with their schemas. All of them are only read.

use headgate_sdk::json::{Value, json};
use headgate_sdk::{
    Change, ConfigStrategy, Error, Issue, MetadataType, MetadataTypes, Result, Severity, Step,
};

use crate::ZooKeeper;

pub(crate) const ZNODE: &str = "znode";
pub(crate) const QUOTA: &str = "quota";

impl MetadataTypes for ZooKeeper {
    fn list_types(_: Option<&Value>) -> Vec<MetadataType> {
        vec![
            only_read(ZNODE, "znodes", "Znode", &znode_spec(), &znode_status()),
            only_read(QUOTA, "quotas", "Quota of a subtree", &quota_spec(), &quota_status()),
        ]
    }
}

impl ConfigStrategy for ZooKeeper {
    fn normalize(_: &str, spec: Value, _: &Value) -> Result<Value, Vec<Issue>> {
        Ok(spec)
    }

    fn validate(metadata_type: &str, _: &Value, _: &Value) -> Vec<Issue> {
        let message = refusal(metadata_type).message;
        vec![Issue { severity: Severity::Error, path: String::new(), message }]
    }

    fn steps(changes: &[Change], _: &Value) -> Vec<Result<Vec<Step>>> {
        changes.iter().map(|change| Err(refusal(&change.key.metadata_type))).collect()
    }
}

/// Why nothing of the type is written.
pub(crate) fn refusal(metadata_type: &str) -> Error {
    match metadata_type {
        ZNODE | QUOTA => Error::unsupported(format_args!(
            "a {metadata_type} of ZooKeeper can only be read: it belongs to the application that made it"
        )),
        other => unknown_type(other),
    }
}

pub(crate) fn unknown_type(name: &str) -> Error {
    Error::invalid_argument(format_args!("ZooKeeper has no type {name}: it has {ZNODE}, {QUOTA}"))
}

fn only_read(name: &str, plural: &str, title: &str, spec: &Value, status: &Value) -> MetadataType {
    MetadataType::read_only(name, plural, title, &object(spec), &object(status))
}

fn object(properties: &Value) -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "properties": properties
    })
}

fn znode_spec() -> Value {
    json!({
        "ephemeral": {
            "type": "boolean", "title": "Ephemeral",
            "description": "It goes with its session. Of containers and times to live ZooKeeper tells its clients nothing"
        },
        "acl": {
            "type": "array", "title": "Access", "items": {"type": "string"},
            "description": "SCHEME:ID:RIGHTS, the rights being c(reate), d(elete), r(ead), w(rite), a(dminister)"
        }
    })
}

/// What moves with every registration is only told of single ones: a listing that held it would change all the time.
fn znode_status() -> Value {
    json!({
        "created_at_ms": {"type": "integer", "title": "Made, Unix time in milliseconds"},
        "owner_session": {"type": "string", "title": "Session whose end removes it"},
        "not_listed": {
            "type": "string", "title": "Why its children are not listed", "enum": ["too-many", "forbidden"]
        },
        "children": {"type": "integer", "title": "Children, when one is asked for"},
        "descendants": {
            "type": ["integer", "null"], "title": "Znodes below it at any depth, when one is asked for"
        },
        "data_bytes": {"type": "integer", "title": "Bytes of its data, when one is asked for"},
        "data_version": {"type": "integer", "title": "Version of its data, when one is asked for"},
        "modified_at_ms": {"type": "integer", "title": "Data written, when one is asked for"}
    })
}

fn quota_spec() -> Value {
    let soft = "What is above it is only a line in the server's log";
    let hard = "What goes above it is refused by servers with zookeeper.enforceQuota=true";
    json!({
        "znodes_soft": limit("Znodes, soft limit", soft),
        "znodes_hard": limit("Znodes, hard limit", hard),
        "bytes_soft": limit("Bytes of data, soft limit", soft),
        "bytes_hard": limit("Bytes of data, hard limit", hard)
    })
}

fn limit(title: &str, description: &str) -> Value {
    json!({"type": "integer", "minimum": 0, "title": title, "description": description})
}

fn quota_status() -> Value {
    json!({
        "znodes_used": {"type": "integer", "title": "Znodes with the root itself, when one quota is asked for"},
        "bytes_used": {"type": "integer", "title": "Bytes of data, when one quota is asked for"}
    })
}
