//! The plugin: what it says of itself. `types` and `strategy` decide, and only `session` talks to a backend.

mod session;
mod strategy;
mod types;

use headgate_sdk::json::{self, Value, json};
use headgate_sdk::{Description, Grant, Manifest, Network, Role};

pub use session::MyKind;

headgate_sdk::export!(MyKind);

impl Manifest for MyKind {
    fn describe() -> Description {
        let role = Role { name: "server".to_owned(), title: "Server".to_owned(), count_min: 1, count_max: 0 };
        Description {
            kind: "my-kind".to_owned(),
            title: "My kind".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            vendor: "me".to_owned(),
            documentation: None,
            connection: json::text(&connection()),
            roles: vec![role],
            grouped: false,
            relations: Vec::new(),
            // Asked here, given by the operator: without both, nothing is reached.
            grants: vec![Grant::Network(Network {
                host: "${connection./address}".to_owned(),
                ports: "1-65535".to_owned(),
            })],
            protocols: Vec::new(),
            extra: None,
        }
    }
}

/// What `headgate cluster add` asks for, as JSON Schema; the `x-headgate-…` hints tell a console how to show it.
fn connection() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["address"],
        "additionalProperties": false,
        "properties": {
            "address": {
                "type": "string", "title": "Address", "minLength": 1, "x-headgate-order": 1,
                "description": "HOST:PORT of the server", "examples": ["notes.example:8080"]
            },
            // The value stays in the host: a plugin holds its name, and asks for it to be put into what is sent.
            "token": {
                "type": "string", "title": "Token", "writeOnly": true, "x-headgate-order": 2,
                "x-headgate-secret": ["send"],
                "description": "Sent with each request; none where the server asks for none"
            }
        }
    })
}
