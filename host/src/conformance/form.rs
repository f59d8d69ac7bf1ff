//! A connection form that leads to an address of ours: the person's, or the smallest that the schema takes.

use serde_json::{Map, Value, json};

use crate::domain::contract::{Description, Grant};
use crate::domain::{fields, schema};

/// Begins a grant for the addresses of a field of the form.
const CONNECTION: &str = "${connection.";

/// Levels of a form that are filled in.
const LEVELS_MAX: usize = 8;

/// Pointers of the form's fields that hold addresses: those that the grants name.
pub(super) fn address_fields(description: &Description) -> Vec<String> {
    let field = |grant: &Grant| match grant {
        Grant::Network { host, .. } => Some(host.strip_prefix(CONNECTION)?.strip_suffix('}')?.to_owned()),
        Grant::SecretsReveal | Grant::Wasi(_) => None,
    };
    description.grants.iter().filter_map(field).collect()
}

/// Names of the form's fields that hold secrets.
pub(super) fn secret_fields(schema: &Value) -> Vec<String> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let is_secret = |field: &Value| field.get("x-headgate-secret").is_some();
    let named = properties.into_iter().flatten().filter(|(_, field)| is_secret(field));
    named.map(|(name, _)| name.clone()).collect()
}

/// `base`, or what the schema demands, leading to `address`. The error says why there is none.
pub(super) fn aimed(description: &Description, base: Option<&Value>, address: &str) -> Result<Value, String> {
    let pointers = address_fields(description);
    if pointers.is_empty() {
        return Err(
            "its manifest asks for no address of the connection form (`${connection./FIELD}`)".to_owned()
        );
    }
    let schema = &description.connection;
    let mut form = base.cloned().unwrap_or_else(|| filled(schema, 0));
    for pointer in &pointers {
        let shape =
            pointer.split('/').skip(1).try_fold(schema, |schema, key| schema.get("properties")?.get(key));
        let is_list = shape.is_some_and(|shape| shape.get("type") == Some(&json!("array")));
        // Of several fields only those that are needed or given lead anywhere.
        if pointers.len() == 1 || fields::at(&form, pointer).is_some() {
            fields::set(&mut form, pointer, if is_list { json!([address]) } else { json!(address) });
        }
    }
    let validator = schema::validator(schema)?;
    match validator.validate(&form) {
        Ok(()) => Ok(form),
        Err(error) => Err(format!(
            "the connection form wants more than can be guessed ({error}); give --connection, whose other fields are taken"
        )),
    }
}

/// The smallest value that a schema seems to take.
fn filled(schema: &Value, level: usize) -> Value {
    for known in ["const", "default"] {
        if let Some(value) = schema.get(known) {
            return value.clone();
        }
    }
    for several in ["enum", "examples"] {
        if let Some(first) = schema.get(several).and_then(Value::as_array).and_then(|values| values.first()) {
            return first.clone();
        }
    }
    let kind = schema.get("type").and_then(Value::as_str).unwrap_or("object");
    let minimum = |name: &str| schema.get(name).and_then(Value::as_u64);
    match kind {
        "string" => {
            let length = minimum("minLength").and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
            Value::String(format!("{:x<length$}", "conformance"))
        }
        "integer" | "number" => json!(minimum("minimum").unwrap_or(1)),
        "boolean" => json!(false),
        "array" => Value::Array(Vec::new()),
        _ if level < LEVELS_MAX => {
            let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
            let field = |name: &Value| {
                let name = name.as_str()?;
                let inner = schema.get("properties")?.get(name)?;
                Some((name.to_owned(), filled(inner, level + 1)))
            };
            Value::Object(required.filter_map(field).collect::<Map<_, _>>())
        }
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::shape::tests::description;

    #[test]
    fn a_form_is_filled_in_as_far_as_the_schema_says_and_aimed() {
        let mut description = description();
        description.connection = json!({
            "type": "object",
            "required": ["bootstrap", "security", "retries"],
            "properties": {
                "bootstrap": {"type": "string"},
                "security": {"enum": ["PLAIN", "TLS"]},
                "retries": {"type": "integer", "minimum": 2},
                "password": {"type": "string", "x-headgate-secret": ["send"]},
            },
        });
        let form = aimed(&description, None, "127.0.0.1:7").unwrap();
        assert_eq!(form, json!({"bootstrap": "127.0.0.1:7", "security": "PLAIN", "retries": 2}));
        assert_eq!(secret_fields(&description.connection), ["password"]);
        let given = json!({"bootstrap": "a:1,b:2", "security": "TLS", "retries": 9});
        let form = aimed(&description, Some(&given), "127.0.0.1:7").unwrap();
        assert_eq!(form, json!({"bootstrap": "127.0.0.1:7", "security": "TLS", "retries": 9}));
    }

    #[test]
    fn a_list_of_addresses_stays_one_and_what_cannot_be_guessed_is_said() {
        let mut description = description();
        description.connection = json!({"properties": {"bootstrap": {"type": "array"}}});
        assert_eq!(aimed(&description, None, "a:1").unwrap(), json!({"bootstrap": ["a:1"]}));
        description.connection["required"] = json!(["name"]);
        description.connection["properties"]["name"] = json!({"type": "string", "pattern": "^[0-9]+$"});
        let told = aimed(&description, None, "a:1").unwrap_err();
        assert!(told.contains("give --connection"), "{told}");
        description.grants.clear();
        assert!(aimed(&description, None, "a:1").unwrap_err().contains("no address"));
    }
}
