//! The last part of planning: the plugin's answers become steps, checked, ordered and counted against the limits.

use serde_json::{Value, json};

use super::{Draft, Item, Part, Prepared, Raised, Snapshot, limits, order};
use crate::domain::contract::{Change, StrategyStep};
use crate::domain::error::BackendError;
use crate::domain::fields;
use crate::domain::plan::{Blocked, Step, StepState, Verb};
use crate::domain::resource::{Action, Edit, ResourceKey, Sort, Write};

type Answer = Result<Vec<StrategyStep>, BackendError>;

/// `answers` are the plugin's, one for each of `prepared.changes`, in order.
pub fn assemble(prepared: Prepared, answers: Vec<Answer>, snapshot: &Snapshot, raised: &Raised) -> Draft {
    let Prepared { changes, items, standing, blocked, warnings, unchanged } = prepared;
    let mut draft = Draft { standing, blocked, warnings, unchanged, ..Draft::default() };
    let mut chains: Vec<Vec<Step>> = Vec::new();
    for mut item in items {
        draft.wishes.extend(item.wish.clone());
        match chain(&item, &changes, &answers).and_then(|steps| admit(steps, &item, snapshot)) {
            Ok(steps) if steps.is_empty() => {}
            Ok(steps) => {
                extend_base(&mut item, &steps);
                draft.base.push(item.base);
                chains.push(steps);
            }
            Err(refusal) => {
                let Refusal { reason, path } = refusal;
                draft.blocked.push(Blocked { key: item.key, reason, path });
            }
        }
    }
    draft.steps = order::order(chains, snapshot);
    draft.exceeded = limits::exceeded(&draft.steps, &draft.base, snapshot, raised);
    draft.blocked.sort_by(|one, other| one.key.cmp(&other.key));
    draft.warnings.sort_by(|one, other| one.key.cmp(&other.key));
    draft
}

struct Refusal {
    reason: String,
    path: Option<String>,
}

fn refuse<T>(reason: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { reason: reason.into(), path: None })
}

/// The steps of one resource, in order, each depending on the one before.
fn chain(item: &Item, changes: &[Change], answers: &[Answer]) -> Result<Vec<Step>, Refusal> {
    let mut steps = Vec::new();
    for part in &item.parts {
        match part {
            Part::Local { verb, summary } => steps.push(local(&item.key, *verb, summary)),
            Part::Recorded { step, .. } => steps.push((**step).clone()),
            Part::Ask { change } => match (changes.get(*change), answers.get(*change)) {
                (Some(change), Some(Ok(answer))) => steps.extend(written(change, answer)?),
                (Some(_), Some(Err(error))) => return refuse(error.message.clone()),
                (None, _) | (_, None) => return refuse("the plugin gave no answer for it; plan again"),
            },
        }
    }
    Ok(steps)
}

/// A write to a resource whose last write is unconfirmed may overtake it: only the same sort can't do harm.
fn admit(steps: Vec<Step>, item: &Item, snapshot: &Snapshot) -> Result<Vec<Step>, Refusal> {
    let Some(unsure) = snapshot.unsure.get(&item.key) else { return Ok(steps) };
    // What may be our own create, on its way, is not adopted as somebody else's.
    if steps.iter().any(|step| step.verb == Verb::Adopt) {
        return refuse(format!(
            "its last {} is not confirmed yet; plan again when it is",
            sort_word(*unsure)
        ));
    }
    let other =
        steps.iter().filter_map(|step| step.write.as_ref()).find(|write| write.action.sort() != *unsure);
    match other {
        None => Ok(steps),
        Some(write) => refuse(format!(
            "its last {} is not confirmed yet: a {} waits until it is; plan again then",
            sort_word(*unsure),
            sort_word(write.action.sort())
        )),
    }
}

fn sort_word(sort: Sort) -> &'static str {
    match sort {
        Sort::Create => "create",
        Sort::Edit => "edit",
        Sort::Delete => "delete",
        Sort::Run => "run",
    }
}

pub(super) fn local(key: &ResourceKey, verb: Verb, summary: &str) -> Step {
    Step {
        seq: 0,
        key: key.clone(),
        verb,
        write: None,
        summary: summary.to_owned(),
        before: None,
        after: None,
        undo: None,
        destructive: false,
        restart: Vec::new(),
        depends_on: Vec::new(),
        state: StepState::Waiting,
        attempt: 0,
        outcome: None,
        message: None,
        started_at_ms: None,
        ended_at_ms: None,
    }
}

fn written(change: &Change, answer: &[StrategyStep]) -> Result<Vec<Step>, Refusal> {
    if answer.is_empty() {
        return refuse("the plugin knows no write that leads there");
    }
    let touched = touched(change);
    let mut document = change.before.clone();
    let mut steps = Vec::with_capacity(answer.len());
    let left = left_to_runs(&touched, answer);
    for planned in answer {
        check_key(change, &planned.write)?;
        if let Some(undo) = &planned.undo {
            check_key(change, undo)?;
        }
        check_fields(change, &touched, &planned.write)?;
        steps.push(step(change, planned, &left, &mut document));
    }
    Ok(steps)
}

/// Whatever the plugin answers, nothing is written but the resource that it was asked about.
fn check_key(change: &Change, write: &Write) -> Result<(), Refusal> {
    if write.key == change.key {
        return Ok(());
    }
    let (asked, key) = (&change.key, &write.key);
    refuse(format!(
        "the plugin wants to write {} `{}` where {} `{}` was asked for: refused, report it to its vendor",
        key.metadata_type, key.id, asked.metadata_type, asked.id
    ))
}

/// The leaves that differ between the change's two documents.
fn touched(change: &Change) -> Vec<String> {
    let empty = json!({});
    let before = change.before.as_ref().unwrap_or(&empty);
    let after = change.after.as_ref().unwrap_or(&empty);
    differing(before, after)
}

fn differing(before: &Value, after: &Value) -> Vec<String> {
    let mut paths: Vec<String> = fields::paths(before).into_iter().chain(fields::paths(after)).collect();
    paths.sort();
    paths.dedup();
    paths.retain(|path| fields::at(before, path) != fields::at(after, path));
    paths
}

/// A field that nobody spoke of is never written.
fn check_fields(change: &Change, touched: &[String], write: &Write) -> Result<(), Refusal> {
    let strays = match (&write.action, &change.before) {
        (Action::Edit(edits), _) => {
            // A secret that the wish names may be written again: nobody can read whether it stands.
            let is_named = |path: &str| {
                let wished = change.after.as_ref().and_then(|after| fields::at(after, path));
                wished.is_some_and(fields::is_secret)
            };
            let stray =
                |path: &&String| !touched.iter().any(|touched| is_related(path, touched)) && !is_named(path);
            edits.iter().map(|edit| &edit.path).filter(stray).cloned().collect()
        }
        (Action::Replace(spec), Some(before)) => {
            differing(before, spec).into_iter().filter(|path| !touched.contains(path)).collect::<Vec<_>>()
        }
        (Action::Replace(_), None) => Vec::new(),
        (Action::Create(_) | Action::Delete | Action::Run { .. }, _) => Vec::new(),
    };
    match strays.into_iter().next() {
        None => Ok(()),
        Some(path) => Err(Refusal {
            reason: format!("the plugin wants to write `{path}`, which nobody spoke of: refused"),
            path: Some(path),
        }),
    }
}

fn is_related(one: &str, other: &str) -> bool {
    fields::matches(one, other) || fields::matches(other, one)
}

/// What differs and no edit speaks of: a named operation brings it about.
fn left_to_runs(touched: &[String], answer: &[StrategyStep]) -> Vec<String> {
    let edited = |path: &String| {
        answer.iter().any(|planned| match &planned.write.action {
            Action::Edit(edits) => edits.iter().any(|edit| is_related(&edit.path, path)),
            Action::Create(_) | Action::Replace(_) | Action::Delete => true,
            Action::Run { .. } => false,
        })
    };
    touched.iter().filter(|path| !edited(path)).cloned().collect()
}

/// `document` is what the steps before this one leave behind; `left` what its operation changes, where it is one.
fn step(change: &Change, planned: &StrategyStep, left: &[String], document: &mut Option<Value>) -> Step {
    let mut write = planned.write.clone();
    if matches!(write.action.sort(), Sort::Edit | Sort::Delete) && write.incarnation.is_none() {
        write.incarnation.clone_from(&change.incarnation);
    }
    let (verb, before, after) = match (&write.action, &change.after) {
        (Action::Run { .. }, Some(after)) => operated(left, after, document),
        (action, _) => images(action, document),
    };
    Step {
        verb,
        before,
        after,
        undo: planned.undo.clone(),
        destructive: planned.destructive || write.action.sort() == Sort::Delete,
        restart: planned.restart.clone(),
        write: Some(write),
        ..local(&change.key, verb, &planned.summary)
    }
}

/// The values that a write changes, before and after it; moves `document` on.
fn images(action: &Action, document: &mut Option<Value>) -> (Verb, Option<Value>, Option<Value>) {
    match action {
        Action::Create(spec) => {
            *document = Some(spec.clone());
            (Verb::Create, None, Some(spec.clone()))
        }
        Action::Delete => (Verb::Delete, document.take(), None),
        Action::Edit(edits) => {
            let current = document.get_or_insert_with(|| json!({}));
            let paths: Vec<&str> = edits.iter().map(|edit| edit.path.as_str()).collect();
            let before = fields::pick(current, &paths);
            let mut after = json!({});
            for edit in edits {
                fields::set(&mut after, &edit.path, edit.value.clone().unwrap_or(Value::Null));
                fields::set(current, &edit.path, edit.value.clone().unwrap_or(Value::Null));
            }
            (Verb::Edit, Some(before), Some(after))
        }
        Action::Replace(spec) => {
            let current = document.get_or_insert_with(|| json!({}));
            let paths = differing(current, spec);
            let before = fields::pick(current, &paths);
            let mut after = json!({});
            for path in &paths {
                fields::set(&mut after, path, fields::at(spec, path).cloned().unwrap_or(Value::Null));
            }
            *current = spec.clone();
            (Verb::Edit, Some(before), Some(after))
        }
        Action::Run { .. } => (Verb::Edit, None, None),
    }
}

/// As an edit of those fields would be.
fn operated(
    paths: &[String],
    wished: &Value,
    document: &mut Option<Value>,
) -> (Verb, Option<Value>, Option<Value>) {
    let edit = |path: &String| Edit { path: path.clone(), value: fields::at(wished, path).cloned() };
    images(&Action::Edit(paths.iter().map(edit).collect()), document)
}

/// The base covers what the steps change, also where the plugin chose more of a subtree than differs.
fn extend_base(item: &mut Item, steps: &[Step]) {
    let Some(observed) = &mut item.base.observed else { return };
    let edits = steps.iter().filter(|step| step.verb == Verb::Edit);
    for (path, value) in edits.filter_map(|step| step.after.as_ref()).flat_map(fields::leaves) {
        // What is never observed is no base.
        if !item.base.fields.contains(&path) && !fields::is_secret(value) {
            let value = steps.iter().find_map(|step| fields::at(step.before.as_ref()?, &path));
            if let Some(value) = value {
                fields::set(observed, &path, value.clone());
            }
            item.base.fields.push(path);
        }
    }
    item.base.fields.sort();
}
