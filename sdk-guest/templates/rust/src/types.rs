//! The types of metadata that a server holds, with their schemas.

use headgate_sdk::json::{self, Value, json};
use headgate_sdk::{EditRule, Field, Granularity, MetadataType, MetadataTypes, Verbs};

use crate::MyKind;

pub(crate) const NOTE: &str = "note";

impl MetadataTypes for MyKind {
    fn list_types(_: Option<&Value>) -> Vec<MetadataType> {
        let spec = json!({"text": {"type": "string", "title": "Text"}, "tags": {
            "type": "array", "title": "Tags", "items": {"type": "string"}
        }});
        let mut spec = object(&spec, &["text"]);
        // `headgate plugin test` and people begin with these.
        spec["examples"] = json!([{"text": "milk", "tags": ["home"]}, {"text": "bread"}]);
        let status = json!({"modified_at": {"type": "string", "title": "Written last"}});
        let note = MetadataType::read_only(NOTE, "notes", "Note", &spec, &object(&status, &[]));
        vec![MetadataType {
            verbs: Verbs { create: true, update: true, delete: true },
            granularity: Granularity::Whole,
            fields: vec![tags()],
            ..note
        }]
    }
}

/// The order of tags means nothing, and none is the same as an empty list.
fn tags() -> Field {
    Field { default: Some(json::text(&json!([]))), unordered: true, ..Field::new("/tags", EditRule::Free) }
}

fn object(properties: &Value, required: &[&str]) -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "required": required
    })
}
