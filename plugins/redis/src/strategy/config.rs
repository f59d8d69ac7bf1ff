//! Configurations: what is wrong with a wish, and the one edit that leads to it.

use headgate_sdk::json::{Map, Value, pointer};
use headgate_sdk::{Action, Change, Edit, Error, Issue, Result, Step, Write, release};

use super::{document, edited, forgetful, step, until_restart, write};
use crate::configs::{keys, values};
use crate::info::SEVEN;
use crate::words::{issue, object, warning};

const FIELD: &str = "config";
const FORGETFUL: &str = "settings_forgotten_by";

/// Every value becomes a text in Redis' own form, or stays null.
pub(super) fn normalize(spec: Value) -> Result<Value, Vec<Issue>> {
    let mut spec = object(spec)?;
    let config = match spec.get_mut(FIELD) {
        None | Some(Value::Null) => return Ok(Value::Object(spec)),
        Some(Value::Object(config)) => config,
        Some(_) => return Err(vec![issue("/config", "config is an object of names and values")]),
    };
    let mut issues = Vec::new();
    for (key, value) in config.iter_mut() {
        let text = match &*value {
            Value::Null => continue,
            Value::String(text) => text.clone(),
            Value::Bool(flag) => if *flag { "yes" } else { "no" }.to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Array(_) | Value::Object(_) => {
                let message = "a value is a text, a number, true or false, or null";
                issues.push(issue(&pointer([FIELD, key]), message));
                continue;
            }
        };
        *value = values::normal(key, &text).into();
    }
    if issues.is_empty() { Ok(Value::Object(spec)) } else { Err(issues) }
}

pub(super) fn validate(spec: &Value, facts: &Value) -> Vec<Issue> {
    let Some(spec) = spec.as_object() else { return vec![issue("", "a spec is an object of fields")] };
    let mut issues = Vec::new();
    for (name, value) in spec {
        match value {
            Value::Object(config) if name == FIELD => {
                issues.extend(config.iter().filter_map(|(key, value)| setting(key, value, facts)));
            }
            Value::Null if name == FIELD => {}
            _ if name == FIELD => issues.push(issue("/config", "config is an object of names and values")),
            _ => {
                let path = pointer([name.as_str()]);
                issues.push(issue(&path, "a server's configuration has one field, config"));
            }
        }
    }
    let nodes: Vec<&str> = forgetful(facts, FORGETFUL).collect();
    if !nodes.is_empty() {
        let message = format!(
            "until the next start only on {}: started without a configuration file, nothing is kept there",
            nodes.join(", ")
        );
        issues.push(warning("/config", message));
    }
    issues
}

fn setting(key: &str, value: &Value, facts: &Value) -> Option<Issue> {
    let fault = keys::fault(key).or_else(|| match value {
        Value::String(text) => values::fault(key, text).or_else(|| renamed(key, facts)),
        Value::Null => Some(format!("{key} cannot go back to its default by itself: give the value")),
        _ => Some(format!("{key} is a text")),
    });
    fault.map(|fault| issue(&pointer([FIELD, key]), fault))
}

/// An old name is taken by servers, and never read back.
fn renamed(key: &str, facts: &Value) -> Option<String> {
    let version = facts.get("version").and_then(Value::as_str)?;
    let newer = keys::newer(key).filter(|_| release::has(version, Some(SEVEN), None))?;
    Some(format!("{key} is called {newer} now"))
}

/// A server's configuration is always there.
pub(super) fn steps(change: &Change, facts: &Value) -> Result<Vec<Step>> {
    let before = document(change.before.as_deref())?.unwrap_or_default();
    let Some(after) = document(change.after.as_deref())? else {
        return Err(Error::unsupported("a server's configuration cannot be deleted"));
    };
    let none = Map::new();
    let of = |spec: &Map<String, Value>| spec.get(FIELD).and_then(Value::as_object).cloned();
    let (there, wishes) = (of(&before).unwrap_or_default(), of(&after).unwrap_or(none));
    let (mut edits, mut undo, mut lines) = (Vec::<Edit>::new(), Vec::<Edit>::new(), Vec::new());
    for (key, wish) in wishes.iter().filter(|(key, wish)| !wish.is_null() && there.get(*key) != Some(wish)) {
        let (path, was) = (pointer([FIELD, key]), there.get(key));
        edits.push(edited(&path, Some(wish)));
        undo.extend(was.map(|was| edited(&path, Some(was))));
        let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), quoted);
        lines.push(format!("{key} {} → {}", was.map_or("unknown".to_owned(), shown), shown(wish)));
    }
    if edits.is_empty() {
        return Ok(Vec::new());
    }
    let write = write(change, Action::Edit(edits));
    let undo = (!undo.is_empty()).then(|| Write { action: Action::Edit(undo), ..write.clone() });
    let summary = lines.join(", ") + until_restart(change, facts, FORGETFUL);
    Ok(vec![step(write, summary, undo)])
}

/// Values may be empty, and hold spaces.
fn quoted(text: &str) -> String {
    if text.is_empty() || text.contains(' ') { format!("{text:?}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use headgate_sdk::json::json;
    use headgate_sdk::{Place, ResourceKey, Severity};

    use super::*;

    fn change(before: &Value, after: &Value) -> Result<Vec<Step>> {
        let place = Place::Node("n".to_owned());
        let change = Change {
            key: ResourceKey { metadata_type: "config".to_owned(), id: "server".to_owned(), place },
            before: Some(json!({"config": before}).to_string()),
            after: Some(json!({"config": after}).to_string()),
            status: None,
            effective: None,
            revision: None,
            incarnation: None,
            extra: None,
        };
        steps(&change, &json!({FORGETFUL: ["n"]}))
    }

    #[test]
    fn settings_are_one_edit_with_its_inverse() {
        let before = json!({"maxmemory": "0", "save": "3600 1", "timeout": "0"});
        let after = json!({"maxmemory": "1048576", "save": "", "timeout": "0", "appendonly": null});
        let [step] = change(&before, &after).unwrap().try_into().unwrap();
        let summary = "maxmemory 0 → 1048576, save \"3600 1\" → \"\"";
        assert_eq!(step.summary, format!("{summary} (until its next start: it has no file to keep it in)"));
        let undo = vec![
            edited("/config/maxmemory", Some(&json!("0"))),
            edited("/config/save", Some(&json!("3600 1"))),
        ];
        assert_eq!(step.undo.unwrap().action, Action::Edit(undo));
        assert!(change(&before, &json!({"timeout": "0"})).unwrap().is_empty());
    }

    #[test]
    fn a_wish_has_one_form() {
        let wish =
            json!({"config": {"maxmemory": "64mb", "activerehashing": true, "timeout": 30, "hz": null}});
        let once = normalize(wish).unwrap();
        let expected =
            json!({"maxmemory": "67108864", "activerehashing": "yes", "timeout": "30", "hz": null});
        assert_eq!(once, json!({"config": expected}));
        assert_eq!(normalize(once.clone()).unwrap(), once);
        let issues = normalize(json!({"config": {"a/b": {"x": 1}}})).unwrap_err();
        assert_eq!(issues[0].path, "/config/a~1b");
        assert!(normalize(json!([])).is_err() && normalize(json!({"config": "x"})).is_err());
    }

    #[test]
    fn what_cannot_be_is_named_with_what_to_do() {
        let facts = json!({"version": "7.0.15"});
        let config = json!({
            "port": "1", "requirepass": "x", "maxmemory": "many", "slave-priority": "1", "hz": null, "hz2": "1"
        });
        let issues = validate(&json!({"config": config, "x": 1}), &facts);
        let paths: Vec<&str> = issues.iter().map(|issue| issue.path.as_str()).collect();
        let expected = [
            "/config/hz",
            "/config/maxmemory",
            "/config/port",
            "/config/requirepass",
            "/config/slave-priority",
        ];
        assert_eq!(paths, [&expected[..], &["/x"]].concat());
        let warned = validate(&json!({"config": {"hz": "10"}}), &json!({FORGETFUL: ["a", "b"]}));
        assert_eq!((warned.len(), warned[0].severity), (1, Severity::Warning));
        assert!(warned[0].message.contains("a, b"));
    }
}
