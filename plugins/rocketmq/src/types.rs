//! The types of metadata that a RocketMQ cluster holds, with their schemas and their rules of editing.

use headgate_sdk::json::{self, Map, Value, json};
use headgate_sdk::{Divergence, EditRule, Field, Granularity, MetadataType, MetadataTypes, Scope, Verbs};

use crate::copies::{self, Kind};
use crate::fields::{FieldDef, Shape, permission};
use crate::manifest::{BROKER, NAME_SERVER};
use crate::node_configs::keys::FIXED;
use crate::{RocketMq, access, clients, groups};

pub(crate) const TOPIC: &str = "topic";
pub(crate) const CONSUMER_GROUP_CONFIG: &str = "consumer-group-config";
pub(crate) const CONSUMER_GROUP: &str = "consumer-group";
pub(crate) const CLIENT: &str = "client";
pub(crate) const USER: &str = "user";
pub(crate) const ACL: &str = "acl";
pub(crate) const BROKER_CONFIG: &str = "broker-config";
pub(crate) const NAME_SERVER_CONFIG: &str = "name-server-config";

pub(crate) const NAMES: [&str; 8] =
    [TOPIC, CONSUMER_GROUP_CONFIG, CONSUMER_GROUP, CLIENT, USER, ACL, BROKER_CONFIG, NAME_SERVER_CONFIG];

impl MetadataTypes for RocketMq {
    fn list_types(facts: Option<&Value>) -> Vec<MetadataType> {
        let release = facts.and_then(|facts| facts.get("version")).and_then(Value::as_str);
        let types = [
            copied(&copies::TOPIC, "topics", "Topic"),
            copied(&copies::GROUP_CONFIG, "consumer-group-configs", "Consumer group configuration"),
            seen(CONSUMER_GROUP, "consumer-groups", "Consumer group", &groups::status_schema()),
            seen(CLIENT, "clients", "Client", &clients::status_schema()),
            node_config(BROKER_CONFIG, "broker-configs", "Broker configuration", BROKER),
            node_config(NAME_SERVER_CONFIG, "name-server-configs", "Name server configuration", NAME_SERVER),
            user(),
            acl(),
        ];
        types.into_iter().filter_map(|metadata_type| metadata_type.on(release)).collect()
    }
}

/// A type whose copies lie on the groups. Nothing in RocketMQ keeps them equal, and clients take them for one.
fn copied(kind: &Kind, plural: &str, title: &str) -> MetadataType {
    MetadataType {
        name: kind.metadata_type.to_owned(),
        plural: plural.to_owned(),
        title: title.to_owned(),
        scope: Scope::Group,
        roles: vec![BROKER.to_owned()],
        identity: Vec::new(),
        tells_defaults: false,
        verbs: Verbs { create: true, update: true, delete: true },
        granularity: Granularity::Whole,
        divergence: Divergence::Forbidden,
        spec: json::text(&spec_schema(kind.fields)),
        status: json::text(&status_schema(kind)),
        fields: kind.fields.iter().map(field).collect(),
        after: Vec::new(),
        since: None,
        until: None,
        extra: None,
    }
}

fn status_schema(kind: &Kind) -> Value {
    let properties = if kind.metadata_type == TOPIC {
        json!({
            "messages": {"type": "integer", "title": "Messages, when one topic is asked for"},
            "queues": {
                "type": "array",
                "description": "When one topic is asked for: oldest and next offset of each queue, and when it was written"
            }
        })
    } else {
        json!({})
    };
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties
    })
}

fn field(def: &FieldDef) -> Field {
    let attributes = def.shape == Shape::Attributes;
    let path = format!("/{}{}", def.name, if attributes { "/*" } else { "" });
    Field {
        default: (!attributes).then(|| json::text(&def.default())),
        divergence: if def.may_differ { Divergence::Allowed } else { Divergence::Forbidden },
        since: def.since.map(str::to_owned),
        ..Field::new(path, EditRule::Free)
    }
}

fn spec_schema(fields: &[FieldDef]) -> Value {
    let properties: Map<String, Value> =
        fields.iter().map(|field| (field.name.to_owned(), field_schema(field))).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "properties": properties
    })
}

fn field_schema(field: &FieldDef) -> Value {
    let mut schema = match field.shape {
        Shape::Count { min, max, .. } => json!({"type": ["integer", "null"], "minimum": min, "maximum": max}),
        Shape::Flag { .. } => json!({"type": ["boolean", "null"]}),
        Shape::Permission => {
            json!({"type": ["string", "null"], "examples": permission::NAMES})
        }
        Shape::Attributes => {
            json!({"type": "object", "additionalProperties": {"type": ["string", "null"]}})
        }
    };
    if let Value::Object(schema) = &mut schema {
        schema.insert("title".to_owned(), field.title.into());
        schema.insert("description".to_owned(), field.description.into());
        if field.shape != Shape::Attributes {
            schema.insert("default".to_owned(), field.default());
        }
    }
    schema
}

/// Nodes differ in their names and paths at least.
fn node_config(name: &str, plural: &str, title: &str, role: &str) -> MetadataType {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "config": {
                "type": "object", "title": "Configuration",
                "description": "By RocketMQ's own names, values as text; all that counts, set or not",
                "additionalProperties": {"type": "string"}
            }
        }
    });
    MetadataType {
        name: name.to_owned(),
        plural: plural.to_owned(),
        title: title.to_owned(),
        scope: Scope::Node,
        roles: vec![role.to_owned()],
        identity: Vec::new(),
        tells_defaults: false,
        verbs: Verbs { create: false, update: true, delete: false },
        granularity: Granularity::PerKey,
        divergence: Divergence::Allowed,
        spec: json::text(&schema),
        status: json::text(&json!({"type": "object"})),
        // Shown with the rest, and no part of what is adopted.
        fields: FIXED.map(|key| fixed(&format!("/config/{key}"))).to_vec(),
        after: Vec::new(),
        since: None,
        until: None,
        extra: None,
    }
}

fn user() -> MetadataType {
    let fields = access::users::FIELDS
        .into_iter()
        .map(|(name, _, [default, _])| kept_field(name, EditRule::Free, Some(json::text(&default))));
    let fields = fields.chain([kept_field(access::users::PASSWORD, EditRule::WriteOnly, None)]).collect();
    let spec = access::users::spec_schema();
    MetadataType { granularity: Granularity::PerKey, fields, ..kept(USER, "users", "User", &spec) }
}

/// A rule about nobody is taken by brokers and not kept, so its user comes first.
fn acl() -> MetadataType {
    let policies = kept_field(access::policies::POLICIES, EditRule::Free, None);
    let spec = access::acls::spec_schema();
    MetadataType {
        fields: vec![Field { unordered: true, ..policies }],
        after: vec![USER.to_owned()],
        ..kept(ACL, "acls", "Access rule", &spec)
    }
}

/// What each broker keeps for itself, and should keep as the others do.
fn kept(name: &str, plural: &str, title: &str, spec: &Value) -> MetadataType {
    MetadataType {
        name: name.to_owned(),
        plural: plural.to_owned(),
        title: title.to_owned(),
        scope: Scope::Group,
        roles: vec![BROKER.to_owned()],
        identity: Vec::new(),
        tells_defaults: false,
        verbs: Verbs { create: true, update: true, delete: true },
        granularity: Granularity::Whole,
        divergence: Divergence::Forbidden,
        spec: json::text(spec),
        status: json::text(&json!({"type": "object"})),
        fields: Vec::new(),
        after: Vec::new(),
        since: Some(access::SINCE.to_owned()),
        until: None,
        extra: None,
    }
}

fn fixed(path: &str) -> Field {
    Field { divergence: Divergence::Allowed, ..Field::new(path, EditRule::ReadOnly) }
}

fn kept_field(name: &str, edits: EditRule, default: Option<String>) -> Field {
    Field { default, divergence: Divergence::Forbidden, ..Field::new(format!("/{name}"), edits) }
}

/// What can only be looked at, one for the whole cluster.
fn seen(name: &str, plural: &str, title: &str, status: &Value) -> MetadataType {
    let spec = json!({"type": "object", "additionalProperties": false});
    MetadataType::read_only(name, plural, title, &spec, status)
}
