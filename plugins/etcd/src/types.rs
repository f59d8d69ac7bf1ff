//! The types of metadata that a cluster holds, with their schemas. All of them are only read.

use headgate_sdk::json::{self, Map, Value, json};
use headgate_sdk::{
    Change, ConfigStrategy, Error, Issue, MetadataType, MetadataTypes, Place, Resource, ResourceKey, Result,
    Severity, Step,
};

use crate::Etcd;

pub(crate) const MEMBER: &str = "member";
pub(crate) const USER: &str = "user";
pub(crate) const ROLE: &str = "role";
pub(crate) const ALARM: &str = "alarm";
pub(crate) const LEASE: &str = "lease";

/// Of each type: etcd gives users, roles and leases in one piece, and more than that are data, not metadata.
pub(crate) const LISTED_MAX: usize = 10_000;

impl MetadataTypes for Etcd {
    fn list_types(_: Option<&Value>) -> Vec<MetadataType> {
        vec![
            only_read(MEMBER, "members", "Member", &member_spec(), &member_status()),
            only_read(USER, "users", "User", &user_spec(), &json!({})),
            only_read(ROLE, "roles", "Role", &role_spec(), &json!({})),
            only_read(ALARM, "alarms", "Alarm", &alarm_spec(), &json!({})),
            only_read(LEASE, "leases", "Lease", &json!({}), &lease_status()),
        ]
    }
}

impl ConfigStrategy for Etcd {
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
        MEMBER | USER | ROLE | ALARM | LEASE => {
            Error::unsupported(format_args!("a {metadata_type} of etcd can only be read"))
        }
        other => unknown_type(other),
    }
}

pub(crate) fn unknown_type(name: &str) -> Error {
    let types = [MEMBER, USER, ROLE, ALARM, LEASE].join(", ");
    Error::invalid_argument(format_args!("etcd has no type {name}: it has {types}"))
}

pub(crate) fn resource(metadata_type: &str, id: &str, spec: &Value, status: Map<String, Value>) -> Resource {
    Resource {
        key: ResourceKey {
            metadata_type: metadata_type.to_owned(),
            id: id.to_owned(),
            place: Place::Cluster,
        },
        revision: None,
        incarnation: None,
        spec: json::text(spec),
        effective: None,
        status: json::text(&Value::Object(status)),
        internal: false,
        partial: false,
        extra: None,
    }
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

fn texts(title: &str) -> Value {
    json!({"type": "array", "title": title, "items": {"type": "string"}})
}

fn member_spec() -> Value {
    json!({
        "name": {"type": ["string", "null"], "title": "Name", "description": "None before its first start"},
        "peer_urls": texts("Where the other members reach it"),
        "client_urls": texts("Where clients reach it"),
        "learner": {"type": "boolean", "title": "Learner", "description": "It follows the log and does not vote"}
    })
}

/// What moves with every write is only told of single ones: a listing that held it would change all the time.
fn member_status() -> Value {
    let number = |title: &str| json!({"type": "integer", "title": format!("{title}, when one is asked for")});
    json!({
        "version": {"type": "string", "title": "Version, when one is asked for"},
        "storage_version": {"type": "string", "title": "Version of its storage, when one is asked for"},
        "leader": {"type": "string", "title": "Whom it follows, when one is asked for"},
        "db_bytes": number("Bytes of its database"),
        "db_used_bytes": number("Bytes of it in use"),
        "db_quota_bytes": number("Bytes at which the alarm NOSPACE is raised"),
        "revision": number("Revision of the keys"),
        "raft_term": number("Term of the consensus"),
        "raft_index": number("Entries in its log"),
        "raft_applied_index": number("Entries applied"),
        "problem": {"type": "string", "title": "Why it tells nothing"}
    })
}

fn user_spec() -> Value {
    json!({"roles": texts("Roles")})
}

fn role_spec() -> Value {
    let permission = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "rights": {"type": "string", "title": "Rights", "examples": ["read", "write", "readwrite"]},
            "scope": {
                "type": "string", "title": "On", "enum": ["key", "prefix", "from-key", "range"],
                "description": "That key alone, all keys that begin with it, all from it on, or up to the end"
            },
            "key": {"type": "string", "title": "Key"},
            "end": {"type": "string", "title": "First key behind the range"}
        }
    });
    json!({"permissions": {"type": "array", "title": "Permissions", "items": permission}})
}

fn alarm_spec() -> Value {
    json!({
        "member": {"type": "string", "title": "Member that raised it"},
        "alarm": {"type": "string", "title": "Alarm", "examples": ["NOSPACE", "CORRUPT"]}
    })
}

fn lease_status() -> Value {
    json!({
        "ttl_s": {"type": "integer", "title": "Seconds left, when one is asked for"},
        "granted_ttl_s": {"type": ["integer", "null"], "title": "Seconds of each renewal, when one is asked for"},
        "keys": {"type": "integer", "title": "Keys that go with it, when one is asked for"}
    })
}
