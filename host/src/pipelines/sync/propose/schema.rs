//! Wishes against the type's JSON Schema: text where text is asked for, and an issue at the place that is wrong.

use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

/// What is wrong, at a JSON Pointer into the spec.
pub(in crate::pipelines::sync) struct SchemaIssue {
    pub(in crate::pipelines::sync) pointer: String,
    pub(in crate::pipelines::sync) message: String,
}

/// Numbers and booleans become text where the schema takes text and not them: YAML reads `604800000` as a number, and
/// the backend's own tools take it as text.
pub(in crate::pipelines::sync) fn as_text(schema: &Value, value: &mut Value) {
    match value {
        Value::Number(number) if takes_only_text(schema) => *value = Value::String(number.to_string()),
        Value::Bool(flag) if takes_only_text(schema) => *value = Value::String(flag.to_string()),
        Value::Object(fields) => {
            for (key, field) in fields {
                if let Some(schema) = schema_of_key(schema, key) {
                    as_text(schema, field);
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.get("items") {
                items.iter_mut().for_each(|item| as_text(schema, item));
            }
        }
        Value::Number(_) | Value::Bool(_) | Value::String(_) | Value::Null => {}
    }
}

fn schema_of_key<'a>(schema: &'a Value, key: &str) -> Option<&'a Value> {
    let named = schema.get("properties").and_then(|properties| properties.get(key));
    named.or_else(|| schema.get("additionalProperties").filter(|rest| rest.is_object()))
}

fn takes_only_text(schema: &Value) -> bool {
    let is = |wanted: &str| match schema.get("type") {
        Some(Value::String(only)) => only == wanted,
        Some(Value::Array(several)) => several.iter().any(|one| one == wanted),
        Some(_) | None => false,
    };
    is("string") && !is("number") && !is("integer") && !is("boolean")
}

/// The type's schema, compiled once for all its documents.
pub(in crate::pipelines::sync) struct SpecSchema(jsonschema::Validator);

impl SpecSchema {
    pub(in crate::pipelines::sync) fn new(schema: &Value) -> Result<Self, String> {
        crate::domain::schema::validator(schema).map(Self)
    }

    pub(in crate::pipelines::sync) fn issues(&self, spec: &Value) -> Vec<SchemaIssue> {
        self.0.iter_errors(spec).flat_map(|error| issues_of(&error)).collect()
    }
}

fn issues_of(error: &jsonschema::ValidationError<'_>) -> Vec<SchemaIssue> {
    let pointer = error.instance_path().to_string();
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            unexpected.iter().map(|key| unknown_key(&pointer, key)).collect()
        }
        _ => vec![SchemaIssue { pointer, message: error.to_string() }],
    }
}

fn unknown_key(pointer: &str, key: &str) -> SchemaIssue {
    let escaped = key.replace('~', "~0").replace('/', "~1");
    SchemaIssue { pointer: format!("{pointer}/{escaped}"), message: format!("there is no field `{key}`") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn topic() -> Value {
        json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "partitions": {"type": "integer", "minimum": 1},
                "config": {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
            },
        })
    }

    #[test]
    fn numbers_and_booleans_become_text_where_the_schema_says_text() {
        let mut spec =
            json!({"partitions": 3, "config": {"retention.ms": 100, "preallocate": true, "x": null}});
        as_text(&topic(), &mut spec);
        let text =
            json!({"partitions": 3, "config": {"retention.ms": "100", "preallocate": "true", "x": null}});
        assert_eq!(spec, text);
    }

    #[test]
    fn null_for_an_object_or_for_what_has_no_default_is_an_error_at_its_pointer() {
        let schema = SpecSchema::new(&topic()).unwrap();
        let issues = schema.issues(&json!({"partitions": null, "config": {"x": null}}));
        assert_eq!(issues.iter().map(|issue| issue.pointer.as_str()).collect::<Vec<_>>(), ["/partitions"]);
        let issues = schema.issues(&json!({"config": null}));
        assert_eq!(issues.iter().map(|issue| issue.pointer.as_str()).collect::<Vec<_>>(), ["/config"]);
    }

    #[test]
    fn an_unknown_key_is_reported_at_its_own_pointer() {
        let schema = SpecSchema::new(&topic()).unwrap();
        let issues = schema.issues(&json!({"partition/s": 3, "partitions": 0}));
        let mut pointers: Vec<&str> = issues.iter().map(|issue| issue.pointer.as_str()).collect();
        pointers.sort_unstable();
        assert_eq!(pointers, ["/partitions", "/partition~1s"]);
    }
}
