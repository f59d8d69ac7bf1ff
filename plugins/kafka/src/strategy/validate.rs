//! What is wrong with a wish, with what to do about it.

use headgate_sdk::Issue;
use headgate_sdk::json::{Map, Value, pointer};

use super::{issue, warning};
use crate::topic_keys::{self, Fault};

const FIELDS: [&str; 3] = ["config", "partitions", "replication_factor"];

/// Longest name that still fits into a folder's name with a partition's number (Kafka's own limit).
const NAME_BYTES_MAX: usize = 249;

pub(super) fn topic(spec: &Value, facts: &Value) -> Vec<Issue> {
    let Some(spec) = spec.as_object() else { return vec![issue("", "a spec is an object of fields")] };
    let mut issues: Vec<Issue> = spec
        .keys()
        .filter(|name| !FIELDS.contains(&name.as_str()))
        .map(|name| {
            let message = format!("a topic has no field {name}: it has {}", FIELDS.join(", "));
            issue(&pointer([name.as_str()]), &message)
        })
        .collect();
    issues.extend(count(spec, "partitions", i64::from(i32::MAX)));
    issues.extend(count(spec, "replication_factor", i64::from(i16::MAX)));
    issues.extend(replicas_on_nodes(spec, facts));
    for (key, value) in config(spec, &mut issues) {
        issues.extend(setting(key, value, facts));
    }
    issues.extend(minimum_in_sync(spec));
    issues
}

pub(super) fn broker_config(spec: &Value) -> Vec<Issue> {
    let Some(spec) = spec.as_object() else { return vec![issue("", "a spec is an object of fields")] };
    let mut issues: Vec<Issue> = spec
        .keys()
        .filter(|name| *name != "config")
        .map(|name| issue(&pointer([name.as_str()]), "a broker's configuration has one field, config"))
        .collect();
    for (key, value) in config(spec, &mut issues) {
        if !value.is_string() && !value.is_null() {
            issues.push(issue(&pointer(["config", key]), "a value is a text, or null"));
        }
    }
    issues
}

/// None for a name that Kafka takes; else why not.
pub(super) fn name_fault(name: &str) -> Option<String> {
    let legal = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '_' | '-');
    if name.is_empty() {
        Some("a topic needs a name".to_owned())
    } else if matches!(name, "." | "..") {
        Some(format!("a topic cannot be called {name:?}"))
    } else if name.len() > NAME_BYTES_MAX {
        Some(format!("the name has {} letters, {NAME_BYTES_MAX} are allowed", name.len()))
    } else {
        let odd = name.chars().find(|sign| !legal(*sign))?;
        Some(format!("the name {name:?} holds {odd:?}: letters, digits, `.`, `_` and `-` are allowed"))
    }
}

fn count(spec: &Map<String, Value>, name: &str, max: i64) -> Option<Issue> {
    let message = match spec.get(name)? {
        Value::Number(number) if number.as_i64().is_some_and(|number| (1..=max).contains(&number)) => {
            return None;
        }
        Value::Number(number) => format!("{name} is {number}, it can be 1 to {max}"),
        Value::Null => format!("{name} has no default to go back to: give a number, or leave it out"),
        Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            format!("{name} is no whole number")
        }
    };
    Some(issue(&pointer([name]), &message))
}

fn replicas_on_nodes(spec: &Map<String, Value>, facts: &Value) -> Option<Issue> {
    let wanted = spec.get("replication_factor")?.as_u64()?;
    let nodes = facts.get("nodes")?.as_u64()?;
    let message =
        format!("replication_factor is {wanted}, the cluster has {nodes} brokers: one copy a broker at most");
    (wanted > nodes && nodes > 0).then(|| issue("/replication_factor", &message))
}

fn config<'a>(
    spec: &'a Map<String, Value>,
    issues: &mut Vec<Issue>,
) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
    let config = match spec.get("config") {
        None => None,
        Some(Value::Object(config)) => Some(config),
        Some(_) => {
            issues.push(issue("/config", "config is an object of keys and values"));
            None
        }
    };
    config.into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

fn setting(key: &str, value: &Value, facts: &Value) -> Option<Issue> {
    let path = pointer(["config", key]);
    let text = match value {
        Value::String(text) => text.as_str(),
        // The default is always allowed; of the key nothing but its name can be wrong.
        Value::Null => return null_setting(key, &path, facts),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            return Some(issue(&path, "a value is a text, or null"));
        }
    };
    match topic_keys::check(key, text, facts) {
        Ok(()) => None,
        Err(Fault::Wrong(message)) => Some(issue(&path, &message)),
        Err(Fault::Doubtful(message)) => Some(warning(&path, &message)),
    }
}

fn null_setting(key: &str, path: &str, facts: &Value) -> Option<Issue> {
    if topic_keys::known(facts).any(|known| known.name == key) {
        return None;
    }
    match topic_keys::check(key, "", facts) {
        Err(Fault::Wrong(message)) => Some(issue(path, &message)),
        Err(Fault::Doubtful(message)) => Some(warning(path, &message)),
        Ok(()) => None,
    }
}

fn minimum_in_sync(spec: &Map<String, Value>) -> Option<Issue> {
    let replicas = spec.get("replication_factor")?.as_u64()?;
    let minimum: u64 = spec.get("config")?.get("min.insync.replicas")?.as_str()?.parse().ok()?;
    let message = format!(
        "min.insync.replicas is {minimum} of {replicas} copies: no producer with acks=all could write"
    );
    (minimum > replicas).then(|| warning("/config/min.insync.replicas", &message))
}

#[cfg(test)]
mod tests {
    use headgate_sdk::Severity;
    use headgate_sdk::json::json;

    use super::*;

    fn check(spec: Value, expected: &[(&str, &str)]) {
        let found = topic(&spec, &json!({"nodes": 3, "version": "4.3"}));
        let found: Vec<(&str, &str)> =
            found.iter().map(|issue| (issue.path.as_str(), issue.message.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_good_wish_has_no_issue() {
        check(
            json!({"partitions": 5, "replication_factor": 3, "config": {"retention.ms": "1", "segment.ms": null}}),
            &[],
        );
        check(json!({}), &[]);
    }

    #[test]
    fn more_copies_than_brokers() {
        let message = "replication_factor is 5, the cluster has 3 brokers: one copy a broker at most";
        check(json!({"replication_factor": 5}), &[("/replication_factor", message)]);
    }

    #[test]
    fn counts_are_counts() {
        check(json!({"partitions": 0}), &[("/partitions", "partitions is 0, it can be 1 to 2147483647")]);
        check(json!({"partitions": "x"}), &[("/partitions", "partitions is no whole number")]);
        let message = "partitions has no default to go back to: give a number, or leave it out";
        check(json!({"partitions": null}), &[("/partitions", message)]);
    }

    #[test]
    fn keys_are_known() {
        check(
            json!({"partition": 1, "config": {"retention.mss": "1", "segment_ms": null, "a/b": "x"}}),
            &[
                (
                    "/partition",
                    "a topic has no field partition: it has config, partitions, replication_factor",
                ),
                ("/config/a~1b", "a/b is no configuration key of topics"),
                (
                    "/config/retention.mss",
                    "retention.mss is no configuration key of topics: did you mean retention.ms?",
                ),
                (
                    "/config/segment_ms",
                    "segment_ms is no configuration key of topics: did you mean segment.ms?",
                ),
            ],
        );
    }

    #[test]
    fn an_unwritable_topic_is_a_warning() {
        let spec = json!({"replication_factor": 1, "config": {"min.insync.replicas": "2"}});
        let issues = topic(&spec, &Value::Null);
        assert_eq!(issues.len(), 1);
        assert_eq!(issues[0].severity, Severity::Warning);
    }

    #[test]
    fn names_are_kafkas() {
        assert_eq!(name_fault("pay.events_1-a"), None);
        for bad in ["", ".", "..", "a b", "ä", &"x".repeat(250)] {
            assert!(name_fault(bad).is_some(), "{bad} was taken");
        }
    }
}
