//! Consumer groups as they run: who is connected, what they read, how far they are. They are read, never written; what can
//! be set of them is another type.

use headgate_sdk::json::{self, Map, Value, json};
use headgate_sdk::{Place, Resource, ResourceKey};

use crate::copies;
use crate::types::CONSUMER_GROUP;

pub(crate) mod get;
pub(crate) mod list;
mod merge;

fn resource(id: &str, status: Map<String, Value>) -> Resource {
    Resource {
        key: ResourceKey {
            metadata_type: CONSUMER_GROUP.to_owned(),
            id: id.to_owned(),
            place: Place::Cluster,
        },
        revision: None,
        incarnation: None,
        spec: "{}".to_owned(),
        effective: None,
        status: json::text(&Value::Object(status)),
        internal: copies::is_internal_group(id),
        partial: false,
        extra: None,
    }
}

pub(crate) fn status_schema() -> Value {
    let text = |title: &str| json!({"type": ["string", "null"], "title": title});
    let list = |description: &str| json!({"type": "array", "description": description});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "brokers": list("Brokers that have a configuration of the group"),
            "state": text("Online where a member is connected"),
            "consume_type": text("Push or pull"),
            "message_model": text("Clustering or broadcasting"),
            "lag": {"type": ["integer", "null"], "title": "Messages behind, of all queues"},
            "members": list("When one group is asked for: id, address, language and version of each"),
            "subscriptions": list("When one group is asked for: topic and filter of each"),
            "offsets": list("When one group is asked for: committed and end offset of each queue, and the lag"),
            "unreachable": list("Brokers that did not answer: members and offsets there are not known"),
            "slaves": list("Slaves that answered because their master is down: offsets there are old, and the lag is not known")
        }
    })
}
