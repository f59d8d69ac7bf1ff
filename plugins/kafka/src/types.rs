//! The types of metadata that a Kafka cluster holds, with their schemas and their rules of editing.

use headgate_sdk::json::{self, Map, Value, json};
use headgate_sdk::{Divergence, EditRule, Field, Granularity, MetadataType, MetadataTypes, Scope, Verbs};

use crate::topic_keys::{self, Kind};
use crate::{Kafka, acls, groups, log_dirs, quorum, quotas, users};

pub(crate) const TOPIC: &str = "topic";
pub(crate) const BROKER_CONFIG: &str = "broker-config";
pub(crate) const CONSUMER_GROUP: &str = "consumer-group";
pub(crate) const ACL: &str = "acl";
pub(crate) const QUOTA: &str = "quota";
pub(crate) const LOG_DIR: &str = "log-dir";

pub(crate) const QUORUM: &str = "quorum";

pub(crate) const SHARE_GROUP: &str = "share-group";

pub(crate) const USER: &str = "user";

pub(crate) const NAMES: [&str; 9] =
    [TOPIC, BROKER_CONFIG, CONSUMER_GROUP, ACL, QUOTA, LOG_DIR, QUORUM, SHARE_GROUP, USER];

impl MetadataTypes for Kafka {
    fn list_types(facts: Option<&Value>) -> Vec<MetadataType> {
        let release = facts.and_then(|facts| facts.get("version")).and_then(Value::as_str);
        let types = [
            topic(facts.unwrap_or(&Value::Null)),
            broker_config(),
            consumer_group(),
            acl(),
            quota(),
            log_dir(),
            quorum(),
            share_group(),
            user(),
        ];
        types.into_iter().filter_map(|metadata_type| metadata_type.on(release)).collect()
    }
}

fn topic(facts: &Value) -> MetadataType {
    MetadataType {
        name: TOPIC.to_owned(),
        plural: "topics".to_owned(),
        title: "Topic".to_owned(),
        scope: Scope::Cluster,
        roles: Vec::new(),
        identity: Vec::new(),
        tells_defaults: true,
        verbs: Verbs { create: true, update: true, delete: true },
        granularity: Granularity::PerKey,
        divergence: Divergence::Single,
        spec: json::text(&topic_schema(facts)),
        status: json::text(&topic_status_schema()),
        fields: topic_fields(),
        after: Vec::new(),
        since: None,
        until: None,
        extra: None,
    }
}

fn topic_fields() -> Vec<Field> {
    let gone = topic_keys::gone().map(|(name, until)| Field {
        until: Some(until.to_string()),
        ..Field::new(format!("/config/{name}"), EditRule::Free)
    });
    [Field::new("/partitions", EditRule::GrowOnly)].into_iter().chain(gone).collect()
}

fn topic_schema(facts: &Value) -> Value {
    let keys: Map<String, Value> =
        topic_keys::known(facts).map(|key| (key.name.to_owned(), key_schema(key.kind))).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "partitions": {
                "type": "integer", "minimum": 1, "maximum": i32::MAX, "title": "Partitions",
                "description": "Can only grow; the broker's default where absent when the topic is made"
            },
            "replication_factor": {
                "type": "integer", "minimum": 1, "maximum": i16::MAX, "title": "Replication factor",
                "description": "Copies of each partition; another number moves replicas"
            },
            "config": {
                "type": "object", "title": "Configuration",
                "description": "By Kafka's own key names, values as text; null is the broker's default",
                "properties": keys,
                "additionalProperties": {"type": ["string", "null"]}
            }
        }
    })
}

fn key_schema(kind: Kind) -> Value {
    json!({"type": ["string", "null"], "description": kind.to_string()})
}

fn topic_status_schema() -> Value {
    let count = |title: &str| json!({"type": "integer", "title": title});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "partitions": count("Partitions"),
            "replication_factor": count("Replication factor"),
            "under_replicated": count("Under-replicated partitions"),
            "leaderless": count("Partitions without a leader"),
            "assignment": {
                "type": "array",
                "description": "Of each partition, when one topic is asked for: leader, replicas, those in sync"
            }
        }
    })
}

fn broker_config() -> MetadataType {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "config": {
                "type": "object", "title": "Dynamic configuration",
                "description": "By Kafka's own key names, values as text; null is what the broker has without it",
                "additionalProperties": {"type": ["string", "null"]}
            }
        }
    });
    MetadataType {
        name: BROKER_CONFIG.to_owned(),
        plural: "broker-configs".to_owned(),
        title: "Broker configuration".to_owned(),
        scope: Scope::Node,
        roles: vec!["broker".to_owned()],
        identity: Vec::new(),
        tells_defaults: true,
        verbs: Verbs { create: false, update: true, delete: false },
        granularity: Granularity::PerKey,
        divergence: Divergence::Allowed,
        spec: json::text(&schema),
        status: json::text(&json!({"type": "object"})),
        fields: Vec::new(),
        after: Vec::new(),
        since: None,
        until: None,
        extra: None,
    }
}

fn consumer_group() -> MetadataType {
    read_only(CONSUMER_GROUP, "consumer-groups", "Consumer group", &groups::status_schema())
}

fn quorum() -> MetadataType {
    read_only(QUORUM, "quorums", "Controller quorum", &quorum::status_schema())
}

fn share_group() -> MetadataType {
    MetadataType {
        since: Some(groups::share::SINCE.to_owned()),
        ..read_only(SHARE_GROUP, "share-groups", "Share group", &groups::share::status_schema())
    }
}

/// Nothing of it can be wished.
fn read_only(name: &str, plural: &str, title: &str, status: &Value) -> MetadataType {
    let spec = json!({"type": "object", "additionalProperties": false});
    MetadataType::read_only(name, plural, title, &spec, status)
}

/// A rule has no more than its name says, so there is nothing of it to edit: another rule is another resource.
fn acl() -> MetadataType {
    MetadataType {
        name: ACL.to_owned(),
        plural: "acls".to_owned(),
        title: "Access rule".to_owned(),
        scope: Scope::Cluster,
        roles: Vec::new(),
        // The parts make the name as a text, which people can write, not as a JSON array.
        identity: Vec::new(),
        tells_defaults: true,
        verbs: Verbs { create: true, update: false, delete: true },
        granularity: Granularity::None,
        divergence: Divergence::Single,
        spec: json::text(&acls::spec_schema()),
        status: json::text(&json!({"type": "object"})),
        fields: acls::PARTS.iter().map(|part| Field::new(format!("/{part}"), EditRule::Immutable)).collect(),
        after: Vec::new(),
        since: None,
        until: None,
        extra: None,
    }
}

fn quota() -> MetadataType {
    MetadataType {
        name: QUOTA.to_owned(),
        plural: "quotas".to_owned(),
        title: "Client quota".to_owned(),
        scope: Scope::Cluster,
        roles: Vec::new(),
        identity: Vec::new(),
        tells_defaults: true,
        verbs: Verbs { create: true, update: true, delete: true },
        granularity: Granularity::PerKey,
        divergence: Divergence::Single,
        spec: json::text(&quotas::spec_schema()),
        status: json::text(&quotas::status_schema()),
        fields: Vec::new(),
        after: Vec::new(),
        since: None,
        until: None,
        extra: None,
    }
}

/// A user of SCRAM. Its password is written and never seen.
fn user() -> MetadataType {
    MetadataType {
        name: USER.to_owned(),
        plural: "users".to_owned(),
        title: "User".to_owned(),
        scope: Scope::Cluster,
        roles: Vec::new(),
        identity: Vec::new(),
        tells_defaults: true,
        verbs: Verbs { create: true, update: true, delete: true },
        granularity: Granularity::PerKey,
        divergence: Divergence::Single,
        spec: json::text(&users::spec_schema()),
        status: json::text(&users::status_schema()),
        fields: vec![Field::new(format!("/{}", users::PASSWORD), EditRule::WriteOnly)],
        after: Vec::new(),
        since: None,
        until: None,
        extra: None,
    }
}

/// Directories of one path on several brokers are no copies of each other.
fn log_dir() -> MetadataType {
    MetadataType {
        scope: Scope::Node,
        roles: vec!["broker".to_owned()],
        divergence: Divergence::Allowed,
        ..read_only(LOG_DIR, "log-dirs", "Log directory", &log_dirs::status_schema())
    }
}
