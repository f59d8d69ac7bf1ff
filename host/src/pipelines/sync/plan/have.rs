//! A resource shall be there, and hold a wish.

use serde_json::Value;

use super::prepare::{Planner, adoption, base, wish};
use super::{Item, Part};
use crate::domain::compare::{
    Comparison, FieldDifference, FieldState, Images, compare, is_write_only, judge,
};
use crate::domain::contract::MetadataType;
use crate::domain::fields;
use crate::domain::plan::{Intent, Verb};
use crate::domain::resource::{Presence, Resource, ResourceKey};

/// `wanted` picks the differences that shall be closed.
pub(super) fn plan(
    planner: &mut Planner<'_>,
    key: &ResourceKey,
    desired: Value,
    wanted: &dyn Fn(&FieldDifference) -> bool,
) {
    let Some(shape) = planner.writable(key) else { return };
    let row = planner.row(key);
    let mut item = Item {
        key: key.clone(),
        wish: (row.desired.as_ref() != Some(&desired)).then(|| wish(&row, Intent::Have(desired.clone()))),
        base: base(&row, Vec::new()),
        parts: Vec::new(),
    };
    let comparison = compare_with(planner, &row, &desired, shape);
    match row.presence {
        Presence::Unseen => {
            let reason = planner.not_seen();
            planner.block(key, None, &reason);
        }
        Presence::Absent => {
            let is_wanted = comparison.fields.iter().any(|field| is_open(planner, key, field, wanted));
            if is_wanted && shape.verbs.create {
                let change = planner.ask(&row, Some(desired));
                item.parts.push(Part::Ask { change });
            } else if is_wanted {
                planner.block(key, None, &format!("it is not there, and a {} can't be created", shape.name));
            }
        }
        // A stranger under its name concerns a request only where the absence of ours does.
        Presence::Present if !row.is_ours() && !wants_existence(&row, shape, wanted) => {}
        Presence::Present => {
            edit(planner, &row, &desired, shape, (&comparison, wanted), &mut item);
        }
    }
    finish(planner, &row, item);
}

fn wants_existence(row: &Resource, shape: &MetadataType, wanted: &dyn Fn(&FieldDifference) -> bool) -> bool {
    // A first wish is wanted as a whole.
    row.desired.is_none() || judge(row, shape, &|_| false).fields.iter().any(wanted)
}

fn compare_with(planner: &Planner<'_>, row: &Resource, desired: &Value, shape: &MetadataType) -> Comparison {
    let policy = planner.snapshot.policy(&row.key);
    let wished = Resource { desired: Some(desired.clone()), ..row.clone() };
    let hidden = |path: &str| policy.ignoring(&row.key.id, path).is_some();
    // A stranger is compared as it is: what differs is edited once it is ours.
    compare(&Images::of(&wished), shape, &hidden)
}

/// Says of a hidden difference that it is hidden.
fn is_open(
    planner: &mut Planner<'_>,
    key: &ResourceKey,
    field: &FieldDifference,
    wanted: &dyn Fn(&FieldDifference) -> bool,
) -> bool {
    if !wanted(field) {
        return false;
    }
    if field.ignored {
        let what = if field.path.is_empty() { "its absence" } else { &field.path };
        planner.warn(
            key,
            Some(field.path.clone()),
            format!("{what} differs from the wish, and a rule ignores it: left alone"),
        );
    }
    !field.ignored
}

fn edit(
    planner: &mut Planner<'_>,
    row: &Resource,
    desired: &Value,
    shape: &MetadataType,
    (comparison, wanted): (&Comparison, &dyn Fn(&FieldDifference) -> bool),
    item: &mut Item,
) {
    let mut touched = Vec::new();
    for field in &comparison.fields {
        if is_open(planner, &row.key, field, wanted) {
            touched.push(field.path.clone());
        }
    }
    let is_ours = row.is_ours();
    if !is_ours {
        // What makes it ours holds for the whole wish.
        item.base = base(row, fields::paths(desired));
        let summary = adoption(&row.observed, !touched.is_empty());
        item.parts.push(Part::Local { verb: Verb::Adopt, summary });
    }
    if touched.is_empty() {
        return;
    }
    if !shape.verbs.update {
        planner.block(&row.key, touched.first().cloned(), &format!("a {} can't be edited", shape.name));
        item.parts.clear();
        return;
    }
    if is_ours {
        item.base = base(row, touched.clone());
    }
    let mut after = row.observed.clone();
    // What is never read back the plugin may need again: a password with the number of its rounds.
    let secrets = fields::leaves(desired).into_iter().filter(|(_, value)| fields::is_secret(value));
    let secrets: Vec<String> = secrets.map(|(path, _)| path).collect();
    for path in touched.iter().chain(&secrets) {
        if let Some(value) = fields::at(desired, path) {
            fields::set(&mut after, path, value.clone());
        }
    }
    let change = planner.ask(row, Some(after));
    item.parts.push(Part::Ask { change });
    warn_of_drift(planner, row, comparison, &touched, shape);
}

/// What somebody changed in the cluster is brought back visibly.
fn warn_of_drift(
    planner: &mut Planner<'_>,
    row: &Resource,
    comparison: &Comparison,
    touched: &[String],
    shape: &MetadataType,
) {
    for field in comparison.fields.iter().filter(|field| touched.contains(&field.path)) {
        let is_drift = match field.state {
            FieldState::Drifted | FieldState::Conflicted => true,
            FieldState::Pending | FieldState::Synced => false,
        };
        if is_drift && row.is_ours() && !is_write_only(shape, &field.path, field.desired.as_ref()) {
            let reason =
                format!("{} was changed in the cluster since we wrote it; the wish replaces it", field.path);
            planner.warn(&row.key, Some(field.path.clone()), reason);
        }
    }
}

fn finish(planner: &mut Planner<'_>, row: &Resource, mut item: Item) {
    if item.parts.is_empty() && item.wish.is_none() {
        let blocked = planner.prepared.blocked.last().is_some_and(|blocked| blocked.key == row.key);
        planner.prepared.unchanged += u32::from(!blocked);
        return;
    }
    // A wish is shown, also where nothing is sent for it; a blocked one is shown with its reason.
    let is_blocked = planner.prepared.blocked.last().is_some_and(|blocked| blocked.key == row.key);
    if item.parts.is_empty() && !is_blocked {
        item.parts.push(Part::Local { verb: Verb::Wish, summary: "recorded; nothing is sent".to_owned() });
    } else if item.wish.is_none() && !row.is_ours() && row.presence == Presence::Present {
        // An adoption begins the ownership of the wish that stands.
        item.wish = row.desired.clone().map(|desired| wish(row, Intent::Have(desired)));
    }
    planner.prepared.items.push(item);
}
