//! The writes that lead from what is to what is wished, each with its inverse where it has one.

use headgate_sdk::json::{self, Map, Value, json, pointer};
use headgate_sdk::{Action, Change, Edit, Error, Result, Step, Write};

use super::validate::name_fault;
use crate::operations::reassign;

pub(super) fn topic(change: &Change) -> Result<Vec<Step>> {
    let (before, after) = (document(change.before.as_deref())?, document(change.after.as_deref())?);
    match (before, after) {
        (None, None) => Ok(Vec::new()),
        (None, Some(after)) => create(change, &after),
        (Some(_), None) => Ok(vec![delete(change)]),
        (Some(before), Some(after)) => {
            let mut steps: Vec<Step> = config_step(change, &before, &after)?.into_iter().collect();
            steps.extend(partitions_step(change, &before, &after)?);
            steps.extend(replication_step(change, &before, &after));
            Ok(steps)
        }
    }
}

/// A broker's configuration is always there, be it empty.
pub(super) fn broker_config(change: &Change) -> Result<Vec<Step>> {
    let before = document(change.before.as_deref())?.unwrap_or_default();
    match document(change.after.as_deref())? {
        Some(after) => Ok(config_step(change, &before, &after)?.into_iter().collect()),
        None => Err(Error::unsupported(
            "a broker's configuration cannot be deleted: set its keys to null to go back to the defaults",
        )),
    }
}

fn create(change: &Change, after: &Map<String, Value>) -> Result<Vec<Step>> {
    if let Some(fault) = name_fault(&change.key.id) {
        return Err(Error::invalid_argument(fault).code("INVALID_TOPIC_EXCEPTION"));
    }
    let mut spec = after.clone();
    if let Some(Value::Object(config)) = spec.get_mut("config") {
        config.retain(|_, value| !value.is_null());
    }
    spec.retain(|_, value| !value.is_null());
    let summary = created(&spec);
    let write = write(change, Action::Create(json::text(&Value::Object(spec))));
    let undo = Write { action: Action::Delete, ..write.clone() };
    Ok(vec![step(write, summary, Some(undo))])
}

/// `5 partitions × 3, cleanup.policy=compact,delete, retention.ms=7200000`
fn created(spec: &Map<String, Value>) -> String {
    let partitions = match spec.get("partitions").and_then(Value::as_i64) {
        Some(1) => "1 partition".to_owned(),
        Some(count) => format!("{count} partitions"),
        None => "default partitions".to_owned(),
    };
    let copies = spec.get("replication_factor").and_then(Value::as_i64);
    let copies = copies.map_or_else(|| "default replication".to_owned(), |count| count.to_string());
    let mut parts = vec![format!("{partitions} × {copies}")];
    let config = spec.get("config").and_then(Value::as_object);
    parts.extend(config.into_iter().flatten().map(|(key, value)| format!("{key}={}", shown(value))));
    parts.join(", ")
}

fn delete(change: &Change) -> Step {
    let write = write(change, Action::Delete);
    Step { destructive: true, ..step(write, "its messages are lost".to_owned(), None) }
}

fn config_step(
    change: &Change,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Result<Option<Step>> {
    let empty = Map::new();
    let old = before.get("config").and_then(Value::as_object).unwrap_or(&empty);
    let effective = document(change.effective.as_deref())?.unwrap_or_default();
    let effective = effective.get("config").and_then(Value::as_object).unwrap_or(&empty);
    let (mut edits, mut undo, mut summary) = (Vec::new(), Vec::new(), Vec::new());
    for (key, value) in after.get("config").and_then(Value::as_object).unwrap_or(&empty) {
        let was = old.get(key).filter(|was| !was.is_null());
        let wish = Some(value).filter(|value| !value.is_null());
        if was == wish {
            continue;
        }
        edits.push(edit(key, wish));
        undo.push(edit(key, was));
        let was = was.or_else(|| effective.get(key)).map_or_else(|| "default".to_owned(), shown);
        summary.push(format!("config.{key} {was} → {}", wish.map_or_else(|| "default".to_owned(), shown)));
    }
    if edits.is_empty() {
        return Ok(None);
    }
    let write = write(change, Action::Edit(edits));
    let undo = Write { action: Action::Edit(undo), ..write.clone() };
    Ok(Some(step(write, summary.join(", "), Some(undo))))
}

fn partitions_step(
    change: &Change,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Result<Option<Step>> {
    let (Some(old), Some(new)) = (count(before, "partitions"), count(after, "partitions")) else {
        return Ok(None);
    };
    if new < old {
        let message = format!(
            "topic {} has {old} partitions and cannot shrink to {new}: raise `partitions` to {old}, or make another topic",
            change.key.id
        );
        return Err(Error::unsupported(message).code("INVALID_PARTITIONS"));
    }
    if new == old {
        return Ok(None);
    }
    let edit = Edit { path: "/partitions".to_owned(), value: Some(new.to_string()) };
    let write = write(change, Action::Edit(vec![edit]));
    Ok(Some(step(write, format!("partitions {old} → {new}"), None)))
}

/// Moves data, and goes on for as long as that takes.
fn replication_step(
    change: &Change,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Option<Step> {
    let (old, new) = (count(before, "replication_factor")?, count(after, "replication_factor")?);
    if old == new {
        return None;
    }
    let run = |copies: i64| {
        let input = json!({"replication_factor": copies});
        Action::Run((reassign::NAME.to_owned(), json::text(&input)))
    };
    let write = write(change, run(new));
    let undo = Write { action: run(old), ..write.clone() };
    Some(step(write, format!("replication_factor {old} → {new}, which moves replicas"), Some(undo)))
}

fn count(spec: &Map<String, Value>, name: &str) -> Option<i64> {
    spec.get(name)?.as_i64()
}

fn edit(key: &str, value: Option<&Value>) -> Edit {
    Edit { path: pointer(["config", key]), value: value.map(json::text) }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// None for an absent resource; `null` says the same.
pub(super) fn document(text: Option<&str>) -> Result<Option<Map<String, Value>>> {
    match text {
        None => Ok(None),
        Some(text) => json::parse(text, "read the change"),
    }
}

pub(super) fn write(change: &Change, action: Action) -> Write {
    Write {
        key: change.key.clone(),
        action,
        revision: change.revision.clone(),
        incarnation: change.incarnation.clone(),
        extra: None,
    }
}

pub(super) fn step(write: Write, summary: String, undo: Option<Write>) -> Step {
    Step { write, summary, destructive: false, undo, restart: Vec::new(), extra: None }
}

#[cfg(test)]
mod tests {
    use headgate_sdk::{Place, ResourceKey};

    use super::*;

    fn change(before: Value, after: Value) -> Change {
        let text = |value: Value| (!value.is_null()).then(|| value.to_string());
        Change {
            key: ResourceKey {
                metadata_type: "topic".to_owned(),
                id: "pay.events".to_owned(),
                place: Place::Cluster,
            },
            before: text(before),
            after: text(after),
            status: None,
            effective: Some(json!({"config": {"min.insync.replicas": "1"}}).to_string()),
            revision: None,
            incarnation: Some("id".to_owned()),
            extra: None,
        }
    }

    fn check(before: Value, after: Value, expected: &[&str]) -> Vec<Step> {
        let steps = topic(&change(before, after)).unwrap();
        let summaries: Vec<&str> = steps.iter().map(|step| step.summary.as_str()).collect();
        assert_eq!(summaries, expected);
        steps
    }

    #[test]
    fn a_create_reads_like_a_plan_and_is_undone_by_a_delete() {
        let wish = json!({"partitions": 5, "replication_factor": 3, "config": {
            "cleanup.policy": "compact,delete", "retention.ms": "7200000", "segment.ms": null
        }});
        let steps = check(
            Value::Null,
            wish,
            &["5 partitions × 3, cleanup.policy=compact,delete, retention.ms=7200000"],
        );
        let Action::Create(spec) = &steps[0].write.action else { panic!("not a create") };
        assert!(!spec.contains("segment.ms"), "the default is not sent: {spec}");
        assert_eq!(steps[0].undo.as_ref().unwrap().action, Action::Delete);
        check(Value::Null, json!({}), &["default partitions × default replication"]);
    }

    #[test]
    fn an_edit_and_a_growth_are_two_steps() {
        let before = json!({"partitions": 3, "replication_factor": 1, "config": {"retention.ms": "1"}});
        let after = json!({"partitions": 6, "config": {"retention.ms": "2", "min.insync.replicas": "2"}});
        let expected = ["config.min.insync.replicas 1 → 2, config.retention.ms 1 → 2", "partitions 3 → 6"];
        let steps = check(before, after, &expected);
        let edit =
            |path: &str, value: Option<&str>| Edit { path: path.to_owned(), value: value.map(str::to_owned) };
        let undo =
            vec![edit("/config/min.insync.replicas", None), edit("/config/retention.ms", Some("\"1\""))];
        assert_eq!(steps[0].undo.as_ref().unwrap().action, Action::Edit(undo));
        assert_eq!(steps[1].undo, None);
        assert!(steps.iter().all(|step| step.write.incarnation.as_deref() == Some("id")));
    }

    #[test]
    fn null_goes_back_to_the_default_once() {
        let set = json!({"config": {"retention.ms": "1"}});
        let null = json!({"config": {"retention.ms": null}});
        check(set, null.clone(), &["config.retention.ms 1 → default"]);
        check(json!({}), null, &[]);
    }

    #[test]
    fn what_the_wish_does_not_name_stays() {
        let before = json!({"partitions": 3, "replication_factor": 2, "config": {"retention.ms": "1"}});
        check(before.clone(), json!({}), &[]);
        check(before.clone(), before, &[]);
    }

    #[test]
    fn shrinking_is_refused() {
        let before = json!({"partitions": 6, "replication_factor": 1});
        assert_eq!(
            topic(&change(before, json!({"partitions": 3}))).unwrap_err().message,
            "topic pay.events has 6 partitions and cannot shrink to 3: raise `partitions` to 6, or make another topic"
        );
    }

    #[test]
    fn another_replication_factor_is_a_reassignment_with_a_way_back() {
        let before = json!({"partitions": 6, "replication_factor": 1});
        let steps = check(
            before,
            json!({"replication_factor": 3}),
            &["replication_factor 1 → 3, which moves replicas"],
        );
        let run = |input: &str| Action::Run(("reassign".to_owned(), input.to_owned()));
        assert_eq!(steps[0].write.action, run(r#"{"replication_factor":3}"#));
        assert_eq!(steps[0].undo.as_ref().unwrap().action, run(r#"{"replication_factor":1}"#));
    }

    #[test]
    fn a_delete_is_destructive_and_final() {
        let steps = check(json!({"partitions": 1}), Value::Null, &["its messages are lost"]);
        assert!(steps[0].destructive && steps[0].undo.is_none());
    }

    #[test]
    fn a_bad_name_is_refused() {
        let mut change = change(Value::Null, json!({}));
        change.key.id = "a b".to_owned();
        assert_eq!(topic(&change).unwrap_err().code.as_deref(), Some("INVALID_TOPIC_EXCEPTION"));
    }
}
