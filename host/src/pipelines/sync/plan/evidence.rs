//! What the look after a write shows: the wish, the state before, or neither.

use serde_json::Value;

use crate::domain::compare::{is_write_only, same};
use crate::domain::contract::MetadataType;
use crate::domain::fields;
use crate::domain::plan::{Base, Step};
use crate::domain::resource::{Action, Lookup, Observed, Write};

/// How a look relates to a step.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Match {
    AsWished,
    AsBefore,
    /// With what was found instead.
    Neither(String),
    /// The look failed, or does not cover what the step changes.
    CannotTell(String),
}

/// A leaf that a step writes. `None` is the backend's default.
struct Leaf<'a> {
    path: String,
    wished: Option<&'a Value>,
}

pub(super) fn of(step: &Step, base: Option<&Base>, shape: &MetadataType, lookup: &Lookup) -> Match {
    // Nothing is sent, so nothing can be missing.
    let Some(write) = &step.write else { return Match::AsWished };
    match (&write.action, lookup) {
        (_, Lookup::Failed(error)) => Match::CannotTell(error.message.clone()),
        (Action::Create(_), Lookup::Absent) => Match::AsBefore,
        (Action::Create(spec), Lookup::Found(found)) => created(spec, shape, found),
        (Action::Delete, Lookup::Absent) => Match::AsWished,
        (Action::Delete, Lookup::Found(found)) => deleted(write, base, found),
        (Action::Edit(_) | Action::Replace(_) | Action::Run { .. }, Lookup::Absent) => {
            Match::Neither("it is gone".to_owned())
        }
        (Action::Edit(edits), Lookup::Found(found)) => {
            let leaf = |edit: &'_ crate::domain::resource::Edit| edit.path.clone();
            let leaves = edits.iter().map(|edit| Leaf { path: leaf(edit), wished: edit.value.as_ref() });
            edited(leaves.collect(), step, write, base, shape, found)
        }
        (Action::Replace(spec), Lookup::Found(found)) => {
            edited(leaves_of(spec), step, write, base, shape, found)
        }
        (Action::Run { .. }, Lookup::Found(found)) => match &step.after {
            Some(after) => edited(leaves_of(after), step, write, base, shape, found),
            None => Match::CannotTell("nothing that can be read shows whether it was done".to_owned()),
        },
    }
}

fn leaves_of(spec: &Value) -> Vec<Leaf<'_>> {
    fields::leaves(spec)
        .into_iter()
        .map(|(path, value)| Leaf { path, wished: Some(value).filter(|value| !value.is_null()) })
        .collect()
}

fn created(spec: &Value, shape: &MetadataType, found: &Observed) -> Match {
    let leaves = leaves_of(spec);
    match first_other(&leaves, shape, found) {
        None => Match::AsWished,
        Some((path, None)) if found.partial => Match::CannotTell(format!("`{path}` was not read")),
        Some((path, value)) => Match::Neither(format!("it exists with `{path}` {}", shown(value))),
    }
}

/// What carries another incarnation is not what was to be deleted: that one is gone.
fn deleted(write: &Write, base: Option<&Base>, found: &Observed) -> Match {
    if is_another(write, base, found) { Match::AsWished } else { Match::AsBefore }
}

fn is_another(write: &Write, base: Option<&Base>, found: &Observed) -> bool {
    let meant = write.incarnation.as_ref().or(base.and_then(|base| base.incarnation.as_ref()));
    match (meant, &found.incarnation) {
        (Some(meant), Some(found)) => meant != found,
        (None, _) | (_, None) => false,
    }
}

fn edited(
    leaves: Vec<Leaf<'_>>,
    step: &Step,
    write: &Write,
    base: Option<&Base>,
    shape: &MetadataType,
    found: &Observed,
) -> Match {
    if is_another(write, base, found) {
        return Match::Neither("it was deleted, and another one stands under its name".to_owned());
    }
    let Some((path, value)) = first_other(&leaves, shape, found) else {
        return Match::AsWished;
    };
    if found.partial && value.is_none() {
        return Match::CannotTell(format!("`{path}` was not read"));
    }
    let was = |path: &str| step.before.as_ref().and_then(|before| fields::at(before, path));
    let as_before = leaves.iter().filter(|leaf| !is_write_only(shape, &leaf.path, leaf.wished)).all(|leaf| {
        let now = fields::at(&found.spec, &leaf.path);
        same(shape, &leaf.path, was(&leaf.path), now)
    });
    if as_before {
        return Match::AsBefore;
    }
    let wished = leaves.iter().find(|leaf| leaf.path == path).and_then(|leaf| leaf.wished);
    Match::Neither(format!("`{path}` is {}, not {}", shown(value), shown(wished)))
}

/// The first leaf that is not as wished, with what is there instead. Write-only leaves are never read.
fn first_other<'a>(
    leaves: &[Leaf<'_>],
    shape: &MetadataType,
    found: &'a Observed,
) -> Option<(String, Option<&'a Value>)> {
    leaves.iter().filter(|leaf| !is_write_only(shape, &leaf.path, leaf.wished)).find_map(|leaf| {
        let now = fields::at(&found.spec, &leaf.path);
        (!same(shape, &leaf.path, leaf.wished, now)).then(|| (leaf.path.clone(), now))
    })
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "the default".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
