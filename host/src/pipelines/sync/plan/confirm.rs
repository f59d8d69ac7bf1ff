//! What a done step changes in the remembered resource: existence, ownership, applied.

use serde_json::{Value, json};

use crate::domain::compare::is_write_only;
use crate::domain::contract::MetadataType;
use crate::domain::fields;
use crate::domain::plan::{Intent, Step, Verb, Wish};
use crate::domain::resource::{Observed, Presence, Resource};

/// `found` is what reading back showed; `wish` what the plan wishes of the resource. Status is the caller's to derive.
pub fn confirm(
    row: &mut Resource,
    step: &Step,
    wish: Option<&Wish>,
    shape: &MetadataType,
    found: Option<&Observed>,
) {
    match found {
        Some(found) => see(row, found),
        None if step.verb == Verb::Delete => vanish(row),
        None => {}
    }
    match step.verb {
        // Created by us, and this is the one.
        Verb::Create | Verb::Adopt => own(row),
        Verb::Edit | Verb::Wish => {}
        Verb::Delete => {
            row.applied = None;
            row.owned_incarnation = None;
            let is_over = !matches!(wish.map(|wish| &wish.intent), Some(Intent::Have(_)));
            if is_over || found.is_some() {
                // With another one under its name: that one is a stranger.
                row.owned = false;
            }
            if is_over {
                row.desired = None;
            }
        }
        Verb::Release => {
            // The undo of an adoption gives back the wish that stood before it.
            if !matches!(wish.map(|wish| &wish.intent), Some(Intent::Have(_))) {
                row.desired = None;
            }
            row.applied = None;
            row.owned = false;
            row.owned_incarnation = None;
        }
    }
    apply_write_only(row, step, shape);
}

fn own(row: &mut Resource) {
    row.owned = true;
    row.owned_incarnation.clone_from(&row.incarnation);
    if row.desired.is_some() && row.applied.is_none() {
        row.applied = Some(json!({}));
    }
}

fn see(row: &mut Resource, found: &Observed) {
    row.presence = Presence::Present;
    row.observed =
        if found.partial { fields::overlay(&row.observed, &found.spec) } else { Value::clone(&found.spec) };
    row.partial = row.partial && found.partial;
    row.status_document.clone_from(found.status.as_ref());
    row.revision.clone_from(&found.revision);
    row.incarnation.clone_from(&found.incarnation);
    row.internal = found.internal;
}

fn vanish(row: &mut Resource) {
    row.presence = Presence::Absent;
    row.observed = json!({});
    row.status_document = json!({});
    row.revision = None;
    row.incarnation = None;
    row.partial = false;
}

/// What can't be read back counts as applied once its write is done.
fn apply_write_only(row: &mut Resource, step: &Step, shape: &MetadataType) {
    let (Some(desired), Some(after)) = (&row.desired, &step.after) else { return };
    let written: Vec<(String, Value)> = fields::leaves(desired)
        .into_iter()
        .filter(|(path, value)| is_write_only(shape, path, Some(value)) && fields::at(after, path).is_some())
        .map(|(path, value)| (path, value.clone()))
        .collect();
    for (path, value) in written {
        fields::set(row.applied.get_or_insert_with(|| json!({})), &path, value);
    }
}
