//! Decides which writes lead from what is to what is wished. It never talks: the same question has the same answer.

use headgate_sdk::json::{self, Map, Value};
use headgate_sdk::{Action, Change, ConfigStrategy, Issue, Result, Severity, Step, Write};

use crate::MyKind;

impl ConfigStrategy for MyKind {
    /// One way to write the same wish, so that equal ones are equal.
    fn normalize(_: &str, mut spec: Value, _: &Value) -> Result<Value, Vec<Issue>> {
        if let Some(tags) = spec.get_mut("tags").and_then(Value::as_array_mut) {
            tags.sort_by_key(Value::to_string);
            tags.dedup();
        }
        Ok(spec)
    }

    fn validate(_: &str, spec: &Value, _: &Value) -> Vec<Issue> {
        let is_empty = spec.get("text").and_then(Value::as_str).is_some_and(|text| text.trim().is_empty());
        let message = "a note without a text says nothing: give it one, or delete it".to_owned();
        let issue = Issue { severity: Severity::Error, path: "/text".to_owned(), message };
        if is_empty { vec![issue] } else { Vec::new() }
    }

    fn steps(changes: &[Change], _: &Value) -> Vec<Result<Vec<Step>>> {
        changes.iter().map(steps).collect()
    }
}

type Spec = Map<String, Value>;

/// A note is made, written whole, or deleted; each with what takes it back.
fn steps(change: &Change) -> Result<Vec<Step>> {
    let (before, after) = (spec(change.before.as_deref())?, spec(change.after.as_deref())?);
    Ok(match (before, after) {
        (None, None) => Vec::new(),
        (None, Some(after)) => {
            let undo = write(change, Action::Delete);
            vec![step(write(change, Action::Create(text(&after))), shown(&after), undo)]
        }
        (Some(before), None) => {
            // What is made again has no revision of before.
            let undo = Write { revision: None, ..write(change, Action::Create(text(&before))) };
            vec![Step {
                destructive: true,
                ..step(write(change, Action::Delete), "it is lost".to_owned(), undo)
            }]
        }
        (Some(before), Some(after)) if before == after => Vec::new(),
        (Some(before), Some(after)) => {
            let undo = write(change, Action::Replace(text(&before)));
            vec![step(write(change, Action::Replace(text(&after))), differences(&before, &after), undo)]
        }
    })
}

/// What goes back to its default is left out.
fn spec(text: Option<&str>) -> Result<Option<Spec>> {
    let Some(text) = text else { return Ok(None) };
    let mut spec: Option<Spec> = json::parse(text, "read the change")?;
    if let Some(spec) = &mut spec {
        spec.retain(|_, value| !value.is_null());
    }
    Ok(spec)
}

fn text(spec: &Spec) -> String {
    json::text(spec)
}

fn shown(spec: &Spec) -> String {
    spec.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(", ")
}

/// `text "milk" → "bread"`
fn differences(before: &Spec, after: &Spec) -> String {
    let value =
        |spec: &Spec, name: &str| spec.get(name).map_or_else(|| "default".to_owned(), Value::to_string);
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let line = |name: &&String| {
        let (was, wish) = (value(before, name), value(after, name));
        (was != wish).then(|| format!("{name} {was} → {wish}"))
    };
    names.iter().filter_map(line).collect::<Vec<_>>().join(", ")
}

fn write(change: &Change, action: Action) -> Write {
    Write {
        key: change.key.clone(),
        action,
        revision: change.revision.clone(),
        incarnation: change.incarnation.clone(),
        extra: None,
    }
}

fn step(write: Write, summary: String, undo: Write) -> Step {
    Step { write, summary, destructive: false, undo: Some(undo), restart: Vec::new(), extra: None }
}
