//! Users of SCRAM: their mechanisms and iterations are seen, their password is only written, and the host salts it.

use std::collections::BTreeMap;

use headgate_sdk::json::{self, Map, Value, json};
use headgate_sdk::secrets::Hash;
use headgate_sdk::{Place, Resource, ResourceKey};

use crate::types::USER;

pub(crate) mod list;
mod wish;
pub(crate) mod write;

pub(crate) const PASSWORD: &str = "password";
pub(crate) const MECHANISMS: &str = "mechanisms";
pub(crate) const ITERATIONS: &str = "iterations";

/// Kafka's own bounds: fewer betray the password, more keep its brokers busy.
pub(crate) const ITERATIONS_MIN: i32 = 4_096;
pub(crate) const ITERATIONS_MAX: i32 = 16_384;

/// A way to log in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Mechanism {
    /// On the wire.
    code: i8,
    pub(crate) name: &'static str,
    hash: Hash,
    salted_bytes: u32,
}

pub(crate) const KNOWN: [Mechanism; 2] = [
    Mechanism { code: 1, name: "SCRAM-SHA-256", hash: Hash::Sha256, salted_bytes: 32 },
    Mechanism { code: 2, name: "SCRAM-SHA-512", hash: Hash::Sha512, salted_bytes: 64 },
];

pub(crate) fn mechanism(name: &str) -> Option<Mechanism> {
    KNOWN.into_iter().find(|known| known.name == name)
}

/// `SCRAM-SHA-256 or SCRAM-SHA-512`
pub(crate) fn known_names() -> String {
    KNOWN.map(|known| known.name).join(" or ")
}

/// What a user has: iterations by the mechanism's number. A newer broker may know mechanisms that are not known here.
pub(crate) type Credentials = BTreeMap<i8, i32>;

/// In `status`: what a newer broker lets a user log in with.
pub(crate) const OTHERS: &str = "others";

/// The secret that a wish's password names.
pub(crate) fn secret_name(password: &Value) -> Option<&str> {
    password.get("$secret").and_then(Value::as_str).filter(|name| !name.is_empty())
}

fn resource(name: &str, credentials: &Credentials) -> Resource {
    let (mut mechanisms, mut others) = (Map::new(), Map::new());
    for (code, iterations) in credentials {
        let (place, name) = match KNOWN.into_iter().find(|known| known.code == *code) {
            Some(known) => (&mut mechanisms, known.name.to_owned()),
            None => (&mut others, format!("unknown({code})")),
        };
        place.insert(name, json!({ ITERATIONS: iterations }));
    }
    let status = if others.is_empty() { json!({}) } else { json!({ OTHERS: others }) };
    Resource {
        key: ResourceKey { metadata_type: USER.to_owned(), id: name.to_owned(), place: Place::Cluster },
        revision: None,
        incarnation: None,
        spec: json::text(&json!({ MECHANISMS: mechanisms })),
        effective: None,
        status: json::text(&status),
        internal: false,
        partial: false,
        extra: None,
    }
}

pub(crate) fn status_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            OTHERS: {"type": "object", "title": "Mechanisms of a newer Kafka than this plugin knows"}
        }
    })
}

pub(crate) fn spec_schema() -> Value {
    let one = |known: Mechanism| {
        let schema = json!({
            "type": ["object", "null"], "title": known.name, "additionalProperties": false,
            "required": [ITERATIONS],
            "properties": {ITERATIONS: {
                "type": "integer", "minimum": ITERATIONS_MIN, "maximum": ITERATIONS_MAX, "title": "Iterations",
                "examples": [8192]
            }}
        });
        (known.name.to_owned(), schema)
    };
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            MECHANISMS: {
                "type": "object", "title": "Mechanisms", "additionalProperties": false,
                "description": "What the user can log in with; null takes one away; others need the password",
                "properties": KNOWN.into_iter().map(one).collect::<Map<String, Value>>()
            },
            PASSWORD: {
                "type": "object", "title": "Password", "writeOnly": true, "required": ["$secret"],
                "additionalProperties": false,
                "description": "Names a secret of the host: {\"$secret\": NAME}; needed where the user is made, and where \
                    a mechanism comes or its iterations change. It counts for all mechanisms of the user",
                "properties": {
                    "$secret": {"type": "string", "minLength": 1},
                    "version": {"type": "integer", "description": "Another one means: write the password again"}
                },
                "x-headgate-secret": ["salted", "send"]
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_newer_broker_knows_is_shown_apart() {
        let found = resource("alice", &Credentials::from([(1, 8192), (3, 5000)]));
        assert_eq!(found.spec, r#"{"mechanisms":{"SCRAM-SHA-256":{"iterations":8192}}}"#);
        assert_eq!(found.status, r#"{"others":{"unknown(3)":{"iterations":5000}}}"#);
    }

    #[test]
    fn a_password_is_a_reference() {
        assert_eq!(secret_name(&json!({"$secret": "a", "version": 3})), Some("a"));
        assert_eq!(secret_name(&json!({"$secret": ""})), None);
        assert_eq!(secret_name(&json!("hunter2")), None);
    }
}
