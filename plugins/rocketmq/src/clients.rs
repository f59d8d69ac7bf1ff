//! Clients as they are connected: producers and consumers, each once for its role, whichever brokers it is connected to.
//! They are read, never written.

use headgate_sdk::json::{self, Map, Value, json};
use headgate_sdk::{Place, Resource, ResourceKey};

use crate::types::CLIENT;

pub(crate) mod list;
mod merge;

/// A process that produces and consumes has one client id for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Consumer,
    Producer,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Consumer => "consumer",
            Self::Producer => "producer",
        }
    }

    /// `consumer:192.0.2.2@app#1`
    fn id(self, client: &str) -> String {
        format!("{}:{client}", self.name())
    }
}

fn resource(id: String, status: Map<String, Value>, internal: bool) -> Resource {
    Resource {
        key: ResourceKey { metadata_type: CLIENT.to_owned(), id, place: Place::Cluster },
        revision: None,
        incarnation: None,
        spec: "{}".to_owned(),
        effective: None,
        status: json::text(&Value::Object(status)),
        internal,
        partial: false,
        extra: None,
    }
}

pub(crate) fn status_schema() -> Value {
    let text = |title: &str, description: &str| json!({"type": ["string", "null"], "title": title, "description": description});
    let list =
        |title: &str, description: &str| json!({"type": "array", "title": title, "description": description});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "role": {"type": "string", "title": "Role", "enum": ["consumer", "producer"]},
            "client_id": text("Client", "As it calls itself: address, process, instance"),
            "groups": list("Groups", "Of consumers or of producers, by its role"),
            "address": text("Address", "Without the port, which changes with every connection"),
            "language": text("Language", "That its library is written in"),
            "version": text("Version", "Of RocketMQ, that its library says it speaks"),
            "brokers": list("Brokers", "Whose masters it is connected to"),
            "connections": list(
                "Connections",
                "When one client is asked for: broker, group and address of each; of producers also when they called last"
            ),
            "unreachable": list("Unreachable", "Brokers that did not answer: connections to them are not known"),
            "slaves": list("Slaves", "That answered because their master is down: producers connect to masters only")
        }
    })
}
