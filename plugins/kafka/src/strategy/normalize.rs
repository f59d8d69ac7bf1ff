//! The one way to write the same wish. Every leaf stays; `null` stays `null`.

use headgate_sdk::json::{Map, Value, pointer};
use headgate_sdk::{Issue, Result};

use super::issue;
use crate::topic_keys;

pub(super) fn topic(spec: Value) -> Result<Value, Vec<Issue>> {
    let mut spec = object(spec)?;
    for name in ["partitions", "replication_factor"] {
        if let Some(Value::String(text)) = spec.get(name)
            && let Ok(number) = text.trim().parse::<i64>()
        {
            spec.insert(name.to_owned(), number.into());
        }
    }
    config(&mut spec, topic_keys::normal)?;
    Ok(Value::Object(spec))
}

pub(super) fn broker_config(spec: Value) -> Result<Value, Vec<Issue>> {
    let mut spec = object(spec)?;
    config(&mut spec, |_, value| value.trim().to_owned())?;
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

/// Every value becomes text in its normal form, or stays null.
fn config(spec: &mut Map<String, Value>, normal: impl Fn(&str, &str) -> String) -> Result<(), Vec<Issue>> {
    let config = match spec.get_mut("config") {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Object(config)) => config,
        Some(_) => return Err(vec![issue("/config", "config is an object of keys and values")]),
    };
    let mut issues = Vec::new();
    for (key, value) in config.iter_mut() {
        match text(value) {
            Some(Some(text)) => *value = Value::String(normal(key, &text)),
            Some(None) => {}
            None => issues.push(issue(
                &pointer(["config", key]),
                "a value is a text, a number, true or false, or null",
            )),
        }
    }
    if issues.is_empty() { Ok(()) } else { Err(issues) }
}

/// The value's text; of a list of texts, with commas between. None within for null, none for what has no text.
fn text(value: &Value) -> Option<Option<String>> {
    match value {
        Value::Null => Some(None),
        Value::String(text) => Some(Some(text.clone())),
        Value::Bool(_) | Value::Number(_) => Some(Some(value.to_string())),
        Value::Array(words) => {
            let words: Option<Vec<&str>> = words.iter().map(Value::as_str).collect();
            words.map(|words| Some(words.join(",")))
        }
        Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use headgate_sdk::json::json;

    use super::*;

    fn check(wish: Value, normal: Value) {
        let once = topic(wish).unwrap();
        assert_eq!(once, normal);
        assert_eq!(topic(once).unwrap(), normal, "done twice, it changes nothing");
    }

    #[test]
    fn numbers_and_booleans_become_text() {
        check(
            json!({"partitions": "6", "replication_factor": 3, "config": {
                "retention.ms": 7_200_000, "preallocate": true, "cleanup.policy": " compact, delete",
                "min.cleanable.dirty.ratio": 0.5, "segment.ms": null
            }}),
            json!({"partitions": 6, "replication_factor": 3, "config": {
                "retention.ms": "7200000", "preallocate": "true", "cleanup.policy": "compact,delete",
                "min.cleanable.dirty.ratio": "0.5", "segment.ms": null
            }}),
        );
    }

    #[test]
    fn lists_keep_their_order() {
        check(
            json!({"config": {"cleanup.policy": ["delete", "compact"]}}),
            json!({"config": {"cleanup.policy": "delete,compact"}}),
        );
    }

    #[test]
    fn what_is_not_understood_stays_for_the_check() {
        check(json!({"partitions": "many", "color": [1]}), json!({"partitions": "many", "color": [1]}));
    }

    #[test]
    fn what_has_no_text_is_named() {
        let issues = topic(json!({"config": {"a/b": {"x": 1}}})).unwrap_err();
        assert_eq!(issues[0].path, "/config/a~1b");
        assert!(topic(json!([])).is_err());
        assert!(topic(json!({"config": "x"})).is_err());
    }
}
