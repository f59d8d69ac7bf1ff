//! What is wrong with a wish, with what to do about it.

use headgate_sdk::json::{Map, Value, pointer};
use headgate_sdk::{Issue, release};

use super::{issue, warning};
use crate::copies::Kind;
use crate::fields::{self, ATTRIBUTES, FieldDef, Shape, permission};
use crate::node_configs::{self, keys};
use crate::types;

mod nearest;

pub(crate) use nearest::did_you_mean;

/// RocketMQ's own limits.
const TOPIC_NAME_BYTES_MAX: usize = 127;
const GROUP_NAME_BYTES_MAX: usize = 255;

const TOPIC_ATTRIBUTES: [&str; 6] =
    ["cleanup.policy", "lite.topic.expiration", "message.type", "priority", "queue.type", "reserve.time"];

const MESSAGE_TYPES: [&str; 8] =
    ["DELAY", "FIFO", "LITE", "MIXED", "NORMAL", "PRIORITY", "TRANSACTION", "UNSPECIFIED"];

pub(super) fn copy(kind: &'static Kind, spec: &Value, facts: &Value) -> Vec<Issue> {
    let Some(spec) = spec.as_object() else { return vec![issue("", "a spec is an object of fields")] };
    let mut issues = Vec::new();
    for (name, value) in spec {
        match fields::find(kind.fields, name) {
            Some(field) => {
                issues.extend(too_new(field, value, facts));
                issues.extend(scalar(field, value));
            }
            None => {
                let names = kind.fields.iter().map(|field| field.name);
                let hint = did_you_mean(name, names);
                let message = format!("a {} has no field {name}{hint}", kind.noun);
                issues.push(issue(&pointer([name.as_str()]), &message));
            }
        }
    }
    issues.extend(attributes(kind, spec));
    issues.extend(unread_queues(spec));
    issues
}

pub(super) fn node_config(kind: &node_configs::Kind, spec: &Value) -> Vec<Issue> {
    let Some(spec) = spec.as_object() else { return vec![issue("", "a spec is an object of fields")] };
    let mut issues = Vec::new();
    for (name, value) in spec {
        match value {
            Value::Object(config) if name == "config" => {
                issues.extend(config.iter().filter_map(|(key, value)| setting(key, value)));
            }
            Value::Null if name == "config" => {}
            _ if name == "config" => issues.push(issue("/config", "config is an object of keys and values")),
            _ => {
                let message = format!("a {}'s configuration has one field, config", kind.noun);
                issues.push(issue(&pointer([name.as_str()]), &message));
            }
        }
    }
    issues
}

fn setting(key: &str, value: &Value) -> Option<Issue> {
    let fault = keys::fault(key).or_else(|| match value {
        Value::String(_) => None,
        Value::Null => Some(format!("{key} cannot go back to its default by itself: give the value")),
        _ => Some("a value is a text".to_owned()),
    });
    fault.map(|message| issue(&pointer(["config", key]), &message))
}

fn scalar(field: &FieldDef, value: &Value) -> Option<Issue> {
    if value.is_null() {
        return None;
    }
    let name = field.name;
    let message = match (field.shape, value) {
        (Shape::Count { min, max, .. }, value) => match value.as_i64() {
            Some(count) if (min..=max).contains(&count) => return None,
            Some(count) => format!("{name} is {count}, it can be {min} to {max}"),
            None => format!("{name} is no whole number"),
        },
        (Shape::Flag { .. }, Value::Bool(_)) | (Shape::Attributes, Value::Object(_)) => return None,
        (Shape::Flag { .. }, _) => format!("{name} is neither true nor false"),
        (Shape::Permission, Value::String(text)) if permission::bits(text).is_some() => return None,
        (Shape::Permission, value) => {
            format!("{name} is {value}, it can be {}", permission::NAMES.join(", "))
        }
        (Shape::Attributes, _) => format!("{name} is an object of names and values"),
    };
    Some(issue(&pointer([name]), &message))
}

fn too_new(field: &FieldDef, value: &Value, facts: &Value) -> Option<Issue> {
    let is_left_out = value.is_null() || value.as_object().is_some_and(Map::is_empty);
    let (since, version) = (field.since?, facts.get("version").and_then(Value::as_str)?);
    if is_left_out || release::has(version, Some(since), None) {
        return None;
    }
    let name = field.name;
    let message = format!("{name} came with RocketMQ {since}, and this cluster has {version}: leave it out");
    Some(issue(&pointer([name]), &message))
}

fn attributes(kind: &Kind, spec: &Map<String, Value>) -> Vec<Issue> {
    let Some(attributes) = spec.get(ATTRIBUTES).and_then(Value::as_object) else { return Vec::new() };
    let mut issues = Vec::new();
    for (name, value) in attributes {
        let path = pointer([ATTRIBUTES, name.as_str()]);
        match value {
            Value::Null => {}
            Value::String(text) if text.contains([',', '=']) || text.is_empty() => {
                issues.push(issue(
                    &path,
                    "an attribute's value is a text without `,` and `=`; null takes it away",
                ));
            }
            Value::String(text) => issues.extend(attribute(kind, name, text, &path)),
            _ => issues.push(issue(&path, "an attribute's value is a text, or null")),
        }
    }
    issues
}

fn attribute(kind: &Kind, name: &str, value: &str, path: &str) -> Option<Issue> {
    if kind.metadata_type != types::TOPIC {
        return None;
    }
    if name == "message.type" && !MESSAGE_TYPES.contains(&value) {
        let hint = did_you_mean(value, MESSAGE_TYPES.into_iter());
        return Some(issue(path, &format!("{value} is no type of messages{hint}")));
    }
    let known = TOPIC_ATTRIBUTES.contains(&name);
    let hint = did_you_mean(name, TOPIC_ATTRIBUTES.into_iter());
    (!known).then(|| warning(path, &format!("{name} is no attribute that this plugin knows{hint}")))
}

fn unread_queues(spec: &Map<String, Value>) -> Option<Issue> {
    let count = |name: &str| spec.get(name)?.as_i64();
    let (read, write) = (count("read_queues")?, count("write_queues")?);
    let message = format!(
        "write_queues is {write}, read_queues {read}: messages in the queues that are not read wait until read_queues grows"
    );
    (write > read).then(|| warning("/read_queues", &message))
}

/// None for a name that RocketMQ takes; else why not.
pub(super) fn name_fault(kind: &Kind, name: &str) -> Option<String> {
    let max = if kind.metadata_type == types::TOPIC { TOPIC_NAME_BYTES_MAX } else { GROUP_NAME_BYTES_MAX };
    let legal = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '-' | '%' | '|');
    if name.is_empty() {
        Some(format!("a {} needs a name", kind.noun))
    } else if name.len() > max {
        Some(format!("the name has {} letters, {max} are allowed", name.len()))
    } else {
        let odd = name.chars().find(|sign| !legal(*sign))?;
        Some(format!("the name {name:?} holds {odd:?}: letters, digits, `_`, `-`, `%` and `|` are allowed"))
    }
}

#[cfg(test)]
mod tests {
    use headgate_sdk::Severity;
    use headgate_sdk::json::json;

    use super::*;
    use crate::copies::{GROUP_CONFIG, TOPIC};

    fn check(kind: &'static Kind, spec: Value, expected: &[(&str, &str)]) {
        let issues = copy(kind, &spec, &json!({"version": "5.5.0"}));
        let found: Vec<(&str, &str)> =
            issues.iter().map(|issue| (issue.path.as_str(), issue.message.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_good_wish_has_nothing_wrong() {
        check(
            &TOPIC,
            json!({"read_queues": 8, "write_queues": null, "permission": "R", "order": true,
                "attributes": {"message.type": "FIFO", "reserve.time": null}}),
            &[],
        );
        check(&GROUP_CONFIG, json!({"consume_enable": false, "retry_max_times": -1}), &[]);
    }

    #[test]
    fn values_have_their_shape() {
        check(
            &TOPIC,
            json!({"read_queues": 0, "write_queues": "x", "permission": "99", "order": "yes", "attributes": 1}),
            &[
                ("/attributes", "attributes is an object of names and values"),
                ("/order", "order is neither true nor false"),
                ("/permission", "permission is \"99\", it can be RW, R, W, NONE, RWX"),
                ("/read_queues", "read_queues is 0, it can be 1 to 65535"),
                ("/write_queues", "write_queues is no whole number"),
            ],
        );
    }

    #[test]
    fn fields_and_attributes_are_known() {
        check(
            &TOPIC,
            json!({"read_queue": 8, "attributes": {"message_type": "FIFO", "message.type": "FIFOO", "queue.type": "a,b"}}),
            &[
                ("/read_queue", "a topic has no field read_queue: did you mean read_queues?"),
                ("/attributes/message.type", "FIFOO is no type of messages: did you mean FIFO?"),
                (
                    "/attributes/message_type",
                    "message_type is no attribute that this plugin knows: did you mean message.type?",
                ),
                (
                    "/attributes/queue.type",
                    "an attribute's value is a text without `,` and `=`; null takes it away",
                ),
            ],
        );
        check(&GROUP_CONFIG, json!({"zzz": 1}), &[("/zzz", "a consumer group has no field zzz")]);
    }

    #[test]
    fn attributes_need_a_cluster_that_has_them() {
        let issues =
            copy(&TOPIC, &json!({"attributes": {"message.type": "FIFO"}}), &json!({"version": "4.9.7"}));
        assert!(issues[0].message.contains("4.9.7"), "{issues:?}");
    }

    #[test]
    fn queues_that_nobody_reads_are_a_warning() {
        let issues = copy(&TOPIC, &json!({"read_queues": 4, "write_queues": 8}), &Value::Null);
        assert_eq!((issues.len(), issues[0].severity), (1, Severity::Warning));
    }

    #[test]
    fn settings_are_texts_that_may_change() {
        let spec = json!({"config": {"flushDiskType": "SYNC_FLUSH", "brokerName": "b", "a": null}, "x": 1});
        let issues = node_config(&node_configs::BROKER, &spec);
        let paths: Vec<&str> = issues.iter().map(|issue| issue.path.as_str()).collect();
        assert_eq!(paths, ["/config/a", "/config/brokerName", "/x"]);
    }

    #[test]
    fn names_are_rocketmqs() {
        assert_eq!(name_fault(&TOPIC, "%RETRY%pay_1-a|b"), None);
        for bad in ["", "a.b", "a b", "ä", "a/b", &"x".repeat(128)] {
            assert!(name_fault(&TOPIC, bad).is_some(), "{bad} was taken");
        }
        assert_eq!(name_fault(&GROUP_CONFIG, &"x".repeat(255)), None);
        assert!(name_fault(&GROUP_CONFIG, &"x".repeat(256)).is_some());
    }
}
