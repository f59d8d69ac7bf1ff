//! The types of metadata that servers hold, with their schemas and their rules of editing. All of it lies on nodes: Redis
//! replicates data alone.

use headgate_sdk::json::{self, Value, json};
use headgate_sdk::{
    Divergence, EditRule, Error, Field, Granularity, MetadataType, MetadataTypes, Scope, Verbs,
};

use crate::Redis;
use crate::configs::keys::FIXED;
use crate::info::SEVEN;
use crate::manifest::{MASTER, REPLICA};
use crate::users::spec;

pub(crate) const CONFIG: &str = "config";
pub(crate) const USER: &str = "user";
pub(crate) const KEYSPACE: &str = "keyspace";

impl MetadataTypes for Redis {
    fn list_types(facts: Option<&Value>) -> Vec<MetadataType> {
        let release = facts.and_then(|facts| facts.get("version")).and_then(Value::as_str);
        [config(), user(), keyspace()].into_iter().filter_map(|one| one.on(release)).collect()
    }
}

fn on_nodes(name: &str, plural: &str, title: &str, spec: &Value, status: &Value) -> MetadataType {
    MetadataType {
        scope: Scope::Node,
        roles: vec![MASTER.to_owned(), REPLICA.to_owned()],
        tells_defaults: false,
        divergence: Divergence::Allowed,
        ..MetadataType::read_only(name, plural, title, spec, status)
    }
}

/// Nodes differ in their ports and paths at least.
fn config() -> MetadataType {
    let spec = object(&json!({
        "config": {
            "type": "object", "title": "Configuration",
            "description": "By Redis' own names, values as text; all that counts, set or not. Credentials are not shown",
            "additionalProperties": {"type": "string"}
        }
    }));
    let fixed = |key: &str| Field {
        divergence: Divergence::Allowed,
        restart: true,
        ..Field::new(json::pointer(["config", key]), EditRule::ReadOnly)
    };
    MetadataType {
        verbs: Verbs { create: false, update: true, delete: false },
        granularity: Granularity::PerKey,
        // Shown with the rest, and no part of what is adopted.
        fields: FIXED.map(fixed).to_vec(),
        ..on_nodes(CONFIG, "configs", "Configuration", &spec, &object(&json!({})))
    }
}

/// Clients that are led from one node to the next are the same user on all of them. Before Redis 7 rules are told in another form
/// than they were set in.
fn user() -> MetadataType {
    let status = object(&json!({
        "passwords": {"type": "integer", "title": "Passwords that let it in"},
        "checks_payloads": {"type": "boolean", "title": "What it restores is looked at first, unless this is false"}
    }));
    let field = |name: &str| {
        let default = Some(json::text(&spec::default_of(name)));
        let unordered = ["keys", "channels"].contains(&name);
        Field { default, unordered, ..kept(name, EditRule::Free) }
    };
    let fields = spec::FIELDS.map(field).into_iter().chain([kept(spec::PASSWORD, EditRule::WriteOnly)]);
    MetadataType {
        verbs: Verbs { create: true, update: true, delete: true },
        granularity: Granularity::PerKey,
        divergence: Divergence::Forbidden,
        fields: fields.collect(),
        since: Some(SEVEN.to_owned()),
        ..on_nodes(USER, "users", "User", &spec::schema(), &status)
    }
}

fn kept(name: &str, edits: EditRule) -> Field {
    Field { divergence: Divergence::Forbidden, ..Field::new(json::pointer([name]), edits) }
}

fn keyspace() -> MetadataType {
    let status = object(&json!({
        "keys": {"type": "integer", "title": "Keys, when one is asked for"},
        "expires": {"type": "integer", "title": "Keys that expire, when one is asked for"}
    }));
    on_nodes(KEYSPACE, "keyspaces", "Numbered database with keys", &object(&json!({})), &status)
}

fn object(properties: &Value) -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "properties": properties
    })
}

pub(crate) fn unknown_type(name: &str) -> Error {
    Error::invalid_argument(format_args!("Redis has no type {name}: it has {CONFIG}, {USER}, {KEYSPACE}"))
}

pub(crate) fn read_only() -> Error {
    Error::unsupported("a keyspace can only be read: it is there while it holds keys")
}
