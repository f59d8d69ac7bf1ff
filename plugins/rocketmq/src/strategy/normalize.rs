//! The one way to write the same wish. Every leaf stays; `null` stays `null`.

use headgate_sdk::json::{Map, Value, pointer};
use headgate_sdk::{Issue, Result};

use super::issue;
use crate::copies::Kind;
use crate::fields::{self, ATTRIBUTES, Shape, permission};

pub(super) fn copy(kind: &Kind, spec: Value) -> Result<Value, Vec<Issue>> {
    let mut spec = object(spec)?;
    for (name, value) in &mut spec {
        if let Some(field) = fields::find(kind.fields, name) {
            scalar(field.shape, value);
        }
    }
    texts(&mut spec, ATTRIBUTES)?;
    Ok(Value::Object(spec))
}

pub(super) fn node_config(spec: Value) -> Result<Value, Vec<Issue>> {
    let mut spec = object(spec)?;
    texts(&mut spec, "config")?;
    Ok(Value::Object(spec))
}

pub(super) fn object(spec: Value) -> Result<Map<String, Value>, Vec<Issue>> {
    match spec {
        Value::Object(spec) => Ok(spec),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(vec![issue("", "a spec is an object of fields")])
        }
    }
}

/// What is not understood stays for the check.
fn scalar(shape: Shape, value: &mut Value) {
    let normal = match (shape, &*value) {
        (Shape::Count { .. }, Value::String(text)) => text.trim().parse::<i64>().ok().map(Value::from),
        (Shape::Flag { .. }, Value::String(text)) => {
            text.trim().to_ascii_lowercase().parse::<bool>().ok().map(Value::from)
        }
        (Shape::Permission, Value::String(text)) => permission::normal(text).map(Value::from),
        (Shape::Permission, Value::Number(bits)) => permission::normal(&bits.to_string()).map(Value::from),
        _ => None,
    };
    if let Some(normal) = normal {
        *value = normal;
    }
}

/// Every value of the named object becomes a text, or stays null.
fn texts(spec: &mut Map<String, Value>, name: &str) -> Result<(), Vec<Issue>> {
    let values = match spec.get_mut(name) {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Object(values)) => values,
        Some(_) => {
            let message = format!("{name} is an object of names and values");
            return Err(vec![issue(&pointer([name]), &message)]);
        }
    };
    let mut issues = Vec::new();
    for (key, value) in values.iter_mut() {
        match value {
            Value::Null => {}
            Value::String(text) => *value = text.trim().into(),
            Value::Bool(_) | Value::Number(_) => *value = value.to_string().into(),
            Value::Array(_) | Value::Object(_) => {
                let message = "a value is a text, a number, true or false, or null";
                issues.push(issue(&pointer([name, key]), message));
            }
        }
    }
    if issues.is_empty() { Ok(()) } else { Err(issues) }
}

#[cfg(test)]
mod tests {
    use headgate_sdk::json::json;

    use super::*;
    use crate::copies::{GROUP_CONFIG, TOPIC};

    fn check(kind: &Kind, wish: Value, normal: &Value) {
        let once = copy(kind, wish).unwrap();
        assert_eq!(once, *normal);
        assert_eq!(copy(kind, once).unwrap(), *normal, "done twice, it changes nothing");
    }

    #[test]
    fn texts_become_what_they_mean() {
        check(
            &TOPIC,
            json!({"read_queues": "8", "permission": 6, "order": "True", "attributes": {"reserve.time": 3, "message.type": " FIFO"}}),
            &json!({"read_queues": 8, "permission": "RW", "order": true, "attributes": {"reserve.time": "3", "message.type": "FIFO"}}),
        );
        check(
            &GROUP_CONFIG,
            json!({"consume_enable": "false", "retry_max_times": null}),
            &json!({"consume_enable": false, "retry_max_times": null}),
        );
    }

    #[test]
    fn what_is_not_understood_stays_for_the_check() {
        let odd = json!({"read_queues": "many", "permission": "all", "colour": [1], "order": 2});
        check(&TOPIC, odd.clone(), &odd);
    }

    #[test]
    fn what_has_no_text_is_named() {
        let issues = copy(&TOPIC, json!({"attributes": {"a/b": {"x": 1}}})).unwrap_err();
        assert_eq!(issues[0].path, "/attributes/a~1b");
        assert!(copy(&TOPIC, json!([])).is_err());
        assert!(copy(&TOPIC, json!({"attributes": "x"})).is_err());
    }
}
