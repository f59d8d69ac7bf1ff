//! Groups: consumers of the classic and the new protocol, and share groups. They are read, never written.

use headgate_sdk::json::{self, Map, Value, json};
use headgate_sdk::{Place, Resource, ResourceKey};

mod assignment;
pub(crate) mod describe;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod offsets;
pub(crate) mod share;

fn resource(metadata_type: &str, id: &str, status: Map<String, Value>) -> Resource {
    Resource {
        key: ResourceKey {
            metadata_type: metadata_type.to_owned(),
            id: id.to_owned(),
            place: Place::Cluster,
        },
        revision: None,
        incarnation: None,
        spec: "{}".to_owned(),
        effective: None,
        status: json::text(&Value::Object(status)),
        internal: false,
        partial: false,
        extra: None,
    }
}

pub(crate) fn status_schema() -> Value {
    let text = |title: &str| json!({"type": ["string", "null"], "title": title});
    let number = |title: &str| json!({"type": ["integer", "null"], "title": title});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "state": text("State"),
            "type": text("Protocol generation: classic or consumer"),
            "protocol_type": text("Protocol type"),
            "coordinator": number("Coordinating broker"),
            "assignor": text("Assignor"),
            "lag": number("Messages behind, of all partitions"),
            "members": {
                "type": "array",
                "description": "When one group is asked for: id, instance, client and host of each, and its partitions"
            },
            "offsets": {
                "type": "array",
                "description": "When one group is asked for: committed and end offset of each partition, and the lag"
            }
        }
    })
}
