//! A connection form, filled in: checked against the kind's schema, its secrets taken out. Pure.
//!
//! Invariant: what leaves here as `connection` holds no secret, only the names of those that are set.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::error::ValidationErrorKind;
use serde_json::{Map, Value};

/// The hint by which a form's field is a secret; its value lists the uses.
const SECRET_HINT: &str = "x-headgate-secret";

/// At the root of a form: specs may name further secrets of the cluster, for the uses that it lists.
const NAMED_HINT: &str = "x-headgate-named-secrets";

/// Of the name of such a secret.
const NAME_LENGTH_MAX: usize = 63;

/// A masked value of some screen, handed back: it would overwrite the secret with stars.
const MASK: char = '*';

/// One thing that is wrong with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// JSON Pointer into the body of the request.
    pub pointer: String,
    pub message: String,
}

/// What a person wrote.
#[derive(Default)]
pub struct Filled<'a> {
    /// Merged over what stands; `null` takes a field out.
    pub connection: Option<&'a Value>,
    /// `None` forgets a secret.
    pub secrets: BTreeMap<String, Option<String>>,
}

/// What stands already.
#[derive(Default)]
pub struct Standing<'a> {
    pub connection: Option<&'a Value>,
    pub secrets: BTreeSet<String>,
}

/// What to save.
#[derive(PartialEq)]
pub struct Form {
    pub connection: Value,
    pub save: BTreeMap<String, String>,
    pub forget: BTreeSet<String>,
}

/// Fields of the form that are secrets. Forms are flat: a secret lies at the top.
pub fn secret_fields(schema: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    collect_secrets(schema, &mut names);
    names
}

fn collect_secrets(schema: &Value, names: &mut BTreeSet<String>) {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        names.extend(
            properties
                .iter()
                .filter(|(_, field)| field.get(SECRET_HINT).is_some())
                .map(|(name, _)| name.clone()),
        );
    }
    for part in ["allOf", "anyOf", "oneOf"] {
        for one in schema.get(part).and_then(Value::as_array).into_iter().flatten() {
            collect_secrets(one, names);
        }
    }
    for part in ["then", "else"] {
        if let Some(one) = schema.get(part) {
            collect_secrets(one, names);
        }
    }
}

/// Merges what was filled in over what stands, and checks the whole.
pub fn fill(schema: &Value, filled: Filled<'_>, standing: &Standing<'_>) -> Result<Form, Vec<Wrong>> {
    let fields = secret_fields(schema);
    let mut wrong = Vec::new();
    let mut connection = standing.connection.and_then(Value::as_object).cloned().unwrap_or_default();
    let mut secrets = filled.secrets;
    match filled.connection {
        None => {}
        Some(Value::Object(asked)) => {
            merge(asked, &fields, standing, &mut connection, &mut secrets, &mut wrong);
        }
        Some(_) => wrong.push(Wrong { pointer: "/connection".into(), message: "is no object".into() }),
    }
    let takes_named = schema.get(NAMED_HINT).is_some();
    let is_known = |name: &str| fields.contains(name) || (takes_named && is_free_name(schema, name));
    let (save, forget) = part_secrets(secrets, &fields, &is_known, &mut wrong);
    for name in &fields {
        let set = save.contains_key(name) || (standing.secrets.contains(name) && !forget.contains(name));
        if set {
            connection.insert(name.clone(), Value::String(name.clone()));
        } else {
            connection.remove(name);
        }
    }
    let connection = Value::Object(connection);
    check(schema, &fields, &connection, &mut wrong);
    if wrong.is_empty() { Ok(Form { connection, save, forget }) } else { Err(wrong) }
}

/// Can be named in a spec, and is no field of the form.
fn is_free_name(schema: &Value, name: &str) -> bool {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || ".-_".contains(letter);
    let is_name = (1..=NAME_LENGTH_MAX).contains(&name.len()) && name.chars().all(fits);
    is_name && !properties(schema).contains(name)
}

/// A secret that was written among the other fields is moved to the secrets, never kept where it stood.
fn merge(
    asked: &Map<String, Value>,
    fields: &BTreeSet<String>,
    standing: &Standing<'_>,
    connection: &mut Map<String, Value>,
    secrets: &mut BTreeMap<String, Option<String>>,
    wrong: &mut Vec<Wrong>,
) {
    for (name, value) in asked {
        let secret = fields.contains(name);
        match value {
            // What a view shows of a secret is its name: handing that back changes nothing.
            Value::String(text) if secret && text == name && known(name, standing, secrets) => {}
            Value::String(text) if secret => drop(secrets.entry(name.clone()).or_insert(Some(text.clone()))),
            Value::Null if secret => drop(secrets.entry(name.clone()).or_insert(None)),
            Value::Null => drop(connection.remove(name)),
            _ if secret => wrong.push(Wrong {
                pointer: pointer("/connection", name),
                message: "is a secret: write a text".into(),
            }),
            _ => drop(connection.insert(name.clone(), value.clone())),
        }
    }
}

fn known(name: &str, standing: &Standing<'_>, secrets: &BTreeMap<String, Option<String>>) -> bool {
    standing.secrets.contains(name) || secrets.contains_key(name)
}

fn part_secrets(
    secrets: BTreeMap<String, Option<String>>,
    fields: &BTreeSet<String>,
    is_known: &dyn Fn(&str) -> bool,
    wrong: &mut Vec<Wrong>,
) -> (BTreeMap<String, String>, BTreeSet<String>) {
    let (mut save, mut forget) = (BTreeMap::new(), BTreeSet::new());
    for (name, value) in secrets {
        let complaint = match &value {
            _ if !is_known(&name) => Some(format!("is no secret of this kind; it has: {}", list(fields))),
            Some(text) if text.is_empty() => Some("is empty".to_owned()),
            Some(text) if text.chars().all(|letter| letter == MASK) => {
                Some("is masked; leave it out to keep the secret that stands".to_owned())
            }
            Some(_) | None => None,
        };
        match (complaint, value) {
            (Some(message), _) => wrong.push(Wrong { pointer: pointer("/secrets", &name), message }),
            (None, Some(text)) => drop(save.insert(name, text)),
            (None, None) => drop(forget.insert(name)),
        }
    }
    (save, forget)
}

fn check(schema: &Value, secrets: &BTreeSet<String>, connection: &Value, wrong: &mut Vec<Wrong>) {
    let validator = match crate::domain::schema::validator(schema) {
        Ok(validator) => validator,
        Err(error) => {
            let message =
                format!("cannot be checked: the plugin's connection form is no JSON Schema: {error}");
            wrong.push(Wrong { pointer: "/connection".into(), message });
            return;
        }
    };
    for error in validator.iter_errors(connection) {
        let at = format!("/connection{}", error.instance_path().as_str());
        match error.kind() {
            // The schema complains at the object; a person looks for the field.
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                let known = list(&properties(schema));
                wrong.extend(unexpected.iter().map(|name| Wrong {
                    pointer: pointer(&at, name),
                    message: format!("is no field of the form; it has: {known}"),
                }));
            }
            ValidationErrorKind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                let root = if secrets.contains(name) { "/secrets" } else { at.as_str() };
                wrong.push(Wrong { pointer: pointer(root, name), message: "is missing".into() });
            }
            _ => wrong.push(Wrong { pointer: at, message: error.to_string() }),
        }
    }
}

fn properties(schema: &Value) -> BTreeSet<String> {
    schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|all| all.keys().cloned())
        .collect()
}

fn list(names: &BTreeSet<String>) -> String {
    if names.is_empty() { "none".to_owned() } else { names.iter().cloned().collect::<Vec<_>>().join(", ") }
}

fn pointer(root: &str, name: &str) -> String {
    format!("{root}/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({
            "type": "object",
            "required": ["bootstrap"],
            "additionalProperties": false,
            "properties": {
                "bootstrap": {"type": "string", "minLength": 1},
                "tls": {"type": "boolean"},
                "username": {"type": "string"},
                "password": {"type": "string", "x-headgate-secret": ["scram"]},
            },
            "dependentRequired": {"username": ["password"]},
        })
    }

    fn filled(connection: &Value) -> Filled<'_> {
        Filled { connection: Some(connection), secrets: BTreeMap::new() }
    }

    fn complaints(connection: &Value, secrets: &[(&str, Option<&str>)]) -> Vec<(String, String)> {
        let secrets =
            secrets.iter().map(|(name, value)| ((*name).into(), value.map(str::to_owned))).collect();
        let filled = Filled { connection: Some(connection), secrets };
        let Err(wrong) = fill(&schema(), filled, &Standing::default()) else { return Vec::new() };
        wrong.into_iter().map(|wrong| (wrong.pointer, wrong.message)).collect()
    }

    #[test]
    fn a_secret_among_the_fields_is_moved_out() {
        let asked = json!({"bootstrap": "a:1", "password": "hunter2"});
        let Ok(form) = fill(&schema(), filled(&asked), &Standing::default()) else { panic!("refused") };
        assert_eq!(form.connection, json!({"bootstrap": "a:1", "password": "password"}));
        assert_eq!(form.save.get("password").map(String::as_str), Some("hunter2"));
    }

    #[test]
    fn secrets_that_specs_name_are_taken_where_the_form_says_so() {
        let take = |schema: &Value, name: &str| {
            let secrets = BTreeMap::from([(name.to_owned(), Some("hunter2".to_owned()))]);
            let stands = json!({"bootstrap": "a:1"});
            let standing = Standing { connection: Some(&stands), secrets: BTreeSet::new() };
            fill(schema, Filled { connection: None, secrets }, &standing).map(|form| form.save.len())
        };
        let mut named = schema();
        named["x-headgate-named-secrets"] = json!(["send"]);
        assert_eq!(take(&named, "alice.1").ok(), Some(1));
        for (schema, name) in
            [(&schema(), "alice.1"), (&named, "no name"), (&named, "bootstrap"), (&named, "")]
        {
            assert!(take(schema, name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_change_keeps_what_it_does_not_name() {
        let stands = json!({"bootstrap": "a:1", "tls": true, "password": "password"});
        let standing =
            Standing { connection: Some(&stands), secrets: BTreeSet::from(["password".to_owned()]) };
        let asked = json!({"bootstrap": "b:2", "tls": null, "password": "password"});
        let Ok(form) = fill(&schema(), filled(&asked), &standing) else { panic!("refused") };
        assert_eq!(form.connection, json!({"bootstrap": "b:2", "password": "password"}));
        assert!(form.save.is_empty() && form.forget.is_empty());
    }

    #[test]
    fn a_forgotten_secret_leaves_the_form() {
        let stands = json!({"bootstrap": "a:1", "password": "password"});
        let standing =
            Standing { connection: Some(&stands), secrets: BTreeSet::from(["password".to_owned()]) };
        let filled = Filled { connection: None, secrets: BTreeMap::from([("password".to_owned(), None)]) };
        let Ok(form) = fill(&schema(), filled, &standing) else { panic!("refused") };
        assert_eq!(form.connection, json!({"bootstrap": "a:1"}));
        assert!(form.forget.contains("password"));
    }

    #[test]
    fn what_is_wrong_is_named_where_it_stands() {
        let found = complaints(&json!({"bootstrap": 3, "boot/strap": "x"}), &[("password", Some("***"))]);
        let pointers: Vec<_> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert!(pointers.contains(&"/connection/bootstrap"), "{found:?}");
        assert!(pointers.contains(&"/connection/boot~1strap"), "{found:?}");
        assert!(pointers.contains(&"/secrets/password"), "{found:?}");
        assert_eq!(
            complaints(&json!({}), &[]),
            [("/connection/bootstrap".to_owned(), "is missing".to_owned())]
        );
    }

    #[test]
    fn an_unknown_secret_is_refused_with_those_there_are() {
        let found = complaints(&json!({"bootstrap": "a:1"}), &[("pasword", Some("x"))]);
        assert_eq!(found[0].1, "is no secret of this kind; it has: password");
    }
}
