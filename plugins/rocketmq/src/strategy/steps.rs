//! The writes that lead from what is to what is wished. An object is written whole: however many fields change, it is one
//! write, with one inverse.

use headgate_sdk::json::{self, Map, Value, pointer};
use headgate_sdk::{Action, Change, Edit, Error, Result, Step, Write};

use super::validate::name_fault;
use crate::copies::Kind;
use crate::fields::{self, FieldDef, Shape};
use crate::node_configs;
use crate::types;

pub(super) fn copy(kind: &'static Kind, change: &Change) -> Result<Vec<Step>> {
    let (before, after) = (document(change.before.as_deref())?, document(change.after.as_deref())?);
    match (before, after) {
        (None, None) => Ok(Vec::new()),
        (None, Some(after)) => Ok(vec![create(kind, change, &after)?]),
        (Some(_), None) => Ok(vec![delete(kind, change)]),
        (Some(before), Some(after)) => Ok(edit(kind, change, &before, &after).into_iter().collect()),
    }
}

/// A server's configuration is always there.
pub(super) fn node_config(kind: &node_configs::Kind, change: &Change) -> Result<Vec<Step>> {
    let before = document(change.before.as_deref())?.unwrap_or_default();
    let Some(after) = document(change.after.as_deref())? else {
        let message = format!("a {}'s configuration cannot be deleted", kind.noun);
        return Err(Error::unsupported(message));
    };
    let there = before.get("config").and_then(Value::as_object);
    let difference = |(key, wish)| {
        let was = there.and_then(|there| there.get(key));
        let path = pointer(["config", key]);
        (was != Some(wish)).then(|| Difference { path, name: format!("config.{key}"), was, wish: Some(wish) })
    };
    let wishes = after.get("config").and_then(Value::as_object).into_iter().flatten();
    let wishes = wishes.filter(|(_, wish)| !wish.is_null()).map(|(key, wish)| (key.as_str(), wish));
    let differences: Vec<Difference<'_>> = wishes.filter_map(difference).collect();
    if differences.is_empty() {
        return Ok(Vec::new());
    }
    let edits = differences.iter().map(|one| edited(&one.path, one.wish)).collect();
    let undo: Vec<Edit> =
        differences.iter().filter(|one| one.was.is_some()).map(|one| edited(&one.path, one.was)).collect();
    let summary = differences.iter().map(line).collect::<Vec<_>>().join(", ");
    let write = write(change, Action::Edit(edits));
    let undo = (!undo.is_empty()).then(|| Write { action: Action::Edit(undo), ..write.clone() });
    Ok(vec![step(write, summary, undo)])
}

fn create(kind: &Kind, change: &Change, after: &Map<String, Value>) -> Result<Step> {
    if let Some(fault) = name_fault(kind, &change.key.id) {
        return Err(Error::invalid_argument(fault).code("INVALID_PARAMETER"));
    }
    let spec = without_nulls(after);
    let mut parts = Vec::new();
    for (name, value) in &spec {
        match value {
            Value::Object(values) => {
                parts.extend(values.iter().map(|(key, value)| format!("{name}.{key}={}", shown(value))));
            }
            value => parts.push(format!("{name}={}", shown(value))),
        }
    }
    let summary = if parts.is_empty() { "with the defaults".to_owned() } else { parts.join(", ") };
    let write = write(change, Action::Create(json::text(&Value::Object(spec))));
    let undo = Write { action: Action::Delete, ..write.clone() };
    Ok(step(write, summary, Some(undo)))
}

pub(super) fn without_nulls(spec: &Map<String, Value>) -> Map<String, Value> {
    let mut spec = spec.clone();
    spec.retain(|_, value| !value.is_null());
    for value in spec.values_mut() {
        if let Value::Object(values) = value {
            values.retain(|_, value| !value.is_null());
        }
    }
    spec
}

/// A topic's messages go with it, and a group's offsets: nothing brings them back.
fn delete(kind: &Kind, change: &Change) -> Step {
    let lost = if kind.metadata_type == types::TOPIC {
        "its messages on this group of brokers are lost"
    } else {
        "its offsets on this group of brokers are lost"
    };
    Step { destructive: true, ..step(write(change, Action::Delete), lost.to_owned(), None) }
}

/// One field, or one attribute, that changes.
struct Difference<'a> {
    path: String,
    name: String,
    was: Option<&'a Value>,
    wish: Option<&'a Value>,
}

fn edit(
    kind: &'static Kind,
    change: &Change,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
) -> Option<Step> {
    let differences: Vec<Difference<'_>> = after
        .iter()
        .flat_map(|(name, wish)| match fields::find(kind.fields, name) {
            Some(field) => differences(field, before.get(name), wish),
            None => Vec::new(),
        })
        .collect();
    if differences.is_empty() {
        return None;
    }
    let edits = differences.iter().map(|one| edited(&one.path, one.wish)).collect();
    let undo = differences.iter().map(|one| edited(&one.path, one.was)).collect();
    let mut summary = differences.iter().map(line).collect::<Vec<_>>().join(", ");
    let destructive = differences.iter().any(|one| hides_messages(kind, change, one));
    if destructive {
        summary.push_str(" (messages in the queues that go are not consumed any more)");
    }
    let write = write(change, Action::Edit(edits));
    let undo = Write { action: Action::Edit(undo), ..write.clone() };
    Some(Step { destructive, ..step(write, summary, Some(undo)) })
}

fn line(one: &Difference<'_>) -> String {
    let default = || "default".to_owned();
    let (was, wish) = (one.was.map_or_else(default, shown), one.wish.map_or_else(default, shown));
    format!("{} {was} → {wish}", one.name)
}

fn differences<'a>(field: &FieldDef, was: Option<&'a Value>, wish: &'a Value) -> Vec<Difference<'a>> {
    if field.shape == Shape::Attributes {
        let there = was.and_then(Value::as_object);
        let difference = |(key, wish): (&'a String, &'a Value)| {
            let was = there.and_then(|there| there.get(key));
            let wish = Some(wish).filter(|wish| !wish.is_null());
            let path = pointer([field.name, key]);
            (was != wish).then(|| Difference { path, name: format!("{}.{key}", field.name), was, wish })
        };
        return wish.as_object().into_iter().flatten().filter_map(difference).collect();
    }
    let default = field.default();
    // An old broker that does not have the field has its default.
    let same = if wish.is_null() { was.is_none_or(|was| *was == default) } else { was == Some(wish) };
    if same {
        return Vec::new();
    }
    let wish = Some(wish).filter(|wish| !wish.is_null());
    vec![Difference { path: pointer([field.name]), name: field.name.to_owned(), was, wish }]
}

/// Whether there are messages in the queues that go. Where the broker did not tell, there may be.
fn hides_messages(kind: &Kind, change: &Change, one: &Difference<'_>) -> bool {
    let default = || fields::find(kind.fields, "read_queues")?.default().as_i64();
    let Some(wish) = one.wish.map_or_else(default, Value::as_i64) else { return false };
    if one.path != "/read_queues" || one.was.and_then(Value::as_i64).is_none_or(|was| was <= wish) {
        return false;
    }
    let status = document(change.status.as_deref()).ok().flatten().unwrap_or_default();
    let Some(queues) = status.get("queues").and_then(Value::as_array) else { return true };
    let number = |queue: &Value, name: &str| queue.get(name).and_then(Value::as_i64).unwrap_or_default();
    queues.iter().any(|queue| number(queue, "queue") >= wish && number(queue, "max") > number(queue, "min"))
}

pub(super) fn edited(path: &str, value: Option<&Value>) -> Edit {
    Edit { path: path.to_owned(), value: value.map(json::text) }
}

pub(super) fn shown(value: &Value) -> String {
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
    use headgate_sdk::json::json;
    use headgate_sdk::{Place, ResourceKey};

    use super::*;
    use crate::copies::{GROUP_CONFIG, TOPIC};

    fn change(id: &str, before: Value, after: Value) -> Change {
        let text = |value: Value| (!value.is_null()).then(|| value.to_string());
        Change {
            key: ResourceKey {
                metadata_type: "topic".to_owned(),
                id: id.to_owned(),
                place: Place::Group("broker-a".to_owned()),
            },
            before: text(before),
            after: text(after),
            status: None,
            effective: None,
            revision: None,
            incarnation: None,
            extra: None,
        }
    }

    fn check(kind: &'static Kind, before: Value, after: Value, expected: &[&str]) -> Vec<Step> {
        let steps = copy(kind, &change("orders", before, after)).unwrap();
        let summaries: Vec<&str> = steps.iter().map(|step| step.summary.as_str()).collect();
        assert_eq!(summaries, expected);
        steps
    }

    #[test]
    fn a_create_reads_like_a_plan_and_is_undone_by_a_delete() {
        let wish =
            json!({"read_queues": 4, "permission": null, "attributes": {"message.type": "FIFO", "a": null}});
        let steps = check(&TOPIC, Value::Null, wish, &["attributes.message.type=FIFO, read_queues=4"]);
        let Action::Create(spec) = &steps[0].write.action else { panic!("not a create") };
        assert_eq!(spec, r#"{"attributes":{"message.type":"FIFO"},"read_queues":4}"#);
        assert_eq!(steps[0].undo.as_ref().unwrap().action, Action::Delete);
        check(&TOPIC, Value::Null, json!({}), &["with the defaults"]);
    }

    #[test]
    fn a_name_that_cannot_be_is_refused() {
        let error = copy(&TOPIC, &change("a b", Value::Null, json!({}))).unwrap_err();
        assert!(error.message.contains("' '"), "{}", error.message);
    }

    #[test]
    fn several_fields_are_one_write_with_one_inverse() {
        let before =
            json!({"read_queues": 4, "write_queues": 4, "permission": "RW", "attributes": {"a": "1"}});
        let after = json!({"read_queues": 8, "write_queues": 8, "permission": "RW", "attributes": {"a": null, "b": "2"}});
        let summary =
            "attributes.a 1 → default, attributes.b default → 2, read_queues 4 → 8, write_queues 4 → 8";
        let steps = check(&TOPIC, before, after, &[summary]);
        let undo = &steps[0].undo.as_ref().unwrap().action;
        let edit =
            |path: &str, value: Option<&str>| Edit { path: path.to_owned(), value: value.map(str::to_owned) };
        assert_eq!(
            *undo,
            Action::Edit(vec![
                edit("/attributes/a", Some("\"1\"")),
                edit("/attributes/b", None),
                edit("/read_queues", Some("4")),
                edit("/write_queues", Some("4")),
            ])
        );
        assert!(!steps[0].destructive);
    }

    #[test]
    fn fewer_read_queues_are_destructive_and_fewer_write_queues_are_not() {
        let before = json!({"read_queues": 16, "write_queues": 16});
        let steps = check(&TOPIC, before.clone(), json!({"write_queues": 4}), &["write_queues 16 → 4"]);
        assert!(!steps[0].destructive);
        let lost = " (messages in the queues that go are not consumed any more)";
        let steps =
            check(&TOPIC, before.clone(), json!({"read_queues": 4}), &[&format!("read_queues 16 → 4{lost}")]);
        assert!(steps[0].destructive);
        let steps = check(
            &TOPIC,
            before,
            json!({"read_queues": null}),
            &[&format!("read_queues 16 → default{lost}")],
        );
        assert!(steps[0].destructive);
    }

    #[test]
    fn queues_that_are_seen_empty_may_go() {
        let fewer = |queue: i64, max: i64| {
            let mut change = change("orders", json!({"read_queues": 8}), json!({"read_queues": 4}));
            let queue = json!({"queue": queue, "min": 2, "max": max});
            change.status = Some(json!({"queues": [queue]}).to_string());
            copy(&TOPIC, &change).unwrap()[0].destructive
        };
        assert!(fewer(4, 3));
        assert!(!fewer(4, 2));
        assert!(!fewer(3, 9));
    }

    #[test]
    fn what_is_as_wished_needs_no_write() {
        let before = json!({"read_queues": 8, "permission": "RW", "order": false});
        check(&TOPIC, before.clone(), json!({"read_queues": null, "permission": "RW"}), &[]);
        check(&TOPIC, before, json!({"attributes": {"a": null}}), &[]);
        check(&TOPIC, Value::Null, Value::Null, &[]);
    }

    #[test]
    fn settings_are_one_edit_with_its_inverse() {
        let change = change(
            "broker",
            json!({"config": {"a": "1", "b": "2"}}),
            json!({"config": {"a": "2", "b": "2"}}),
        );
        let steps = node_config(&node_configs::BROKER, &change).unwrap();
        assert_eq!((steps.len(), steps[0].summary.as_str()), (1, "config.a 1 → 2"));
        assert!(matches!(&steps[0].undo.as_ref().unwrap().action, Action::Edit(edits) if edits.len() == 1));
    }

    #[test]
    fn a_delete_says_what_is_lost() {
        for (kind, lost) in [(&TOPIC, "messages"), (&GROUP_CONFIG, "offsets")] {
            let summary = format!("its {lost} on this group of brokers are lost");
            let steps = check(kind, json!({}), Value::Null, &[&summary]);
            assert!(steps[0].destructive && steps[0].undo.is_none());
        }
    }
}
