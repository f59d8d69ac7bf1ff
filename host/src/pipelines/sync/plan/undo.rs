//! Takes an ended plan back: its recorded inverses in reverse order, and the wish as it was.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::assemble::local;
use super::prepare::{Planner, base};
use super::stale::moved;
use super::{Item, Part, standing};
use crate::domain::fields;
use crate::domain::plan::{Base, Intent, Plan, PlanState, Step, StepState, Verb, Wish};
use crate::domain::resource::{Lookup, Observed, Presence, Resource, ResourceKey, Sort};

pub(super) fn prepare(planner: &mut Planner<'_>, plan: &Plan) {
    planner.prepared.standing = standing::taken_back(&plan.standing, planner.snapshot);
    let mut touched: BTreeMap<&ResourceKey, Vec<&Step>> = BTreeMap::new();
    for wish in &plan.wishes {
        touched.entry(&wish.key).or_default();
    }
    for step in &plan.steps {
        let steps = touched.entry(&step.key).or_default();
        if step.state == StepState::Done {
            steps.push(step);
        }
    }
    let is_ended = match plan.state {
        PlanState::Applied | PlanState::Failed => true,
        PlanState::Cancelled => plan.steps.iter().any(|step| step.state == StepState::Done),
        PlanState::Proposed | PlanState::Approved | PlanState::Applying | PlanState::Stale => false,
    };
    for (key, steps) in touched {
        if is_ended {
            undo_one(planner, plan, key, &steps);
        } else {
            planner.block(
                key,
                None,
                &format!("plan {} was not applied: there is nothing to take back", plan.id),
            );
        }
    }
}

fn undo_one(planner: &mut Planner<'_>, plan: &Plan, key: &ResourceKey, steps: &[&Step]) {
    let Some(shape) = planner.writable(key) else { return };
    let row = planner.row(key);
    let wish = plan.wishes.iter().find(|wish| wish.key == *key);
    if row.presence == Presence::Unseen {
        let reason = planner.not_seen();
        return planner.block(key, None, &reason);
    }
    if let Some(reason) = moved_on(&row, wish, steps, plan) {
        return planner.block(key, None, &reason);
    }
    if steps.iter().any(|step| undo_sort(step) == Some(Sort::Delete))
        && let Some(reason) = planner.undeletable(key, shape)
    {
        return planner.block(key, None, &reason);
    }
    let (parts, kept) = inverses(planner, &row, steps);
    let wish = wish.map(|wish| wish_as_it_was(&row, wish, steps, &kept));
    let wish = wish.filter(|wish| !stands_already(&row, wish));
    let mut item = Item { key: key.clone(), wish, base: left_behind(&row, steps), parts };
    if item.parts.is_empty() {
        let Some(wish) = &item.wish else { return };
        item.parts.push(wish_part(wish));
    }
    planner.prepared.items.push(item);
}

fn wish_part(wish: &Wish) -> Part {
    let (verb, summary) = match wish.intent {
        Intent::Have(_) => (Verb::Wish, "the wish as it was; nothing is sent"),
        Intent::Gone | Intent::Release => (Verb::Release, "the wish ends; it is left as it is"),
    };
    Part::Local { verb, summary: summary.to_owned() }
}

fn stands_already(row: &Resource, wish: &Wish) -> bool {
    match &wish.intent {
        Intent::Have(desired) => row.desired.as_ref() == Some(desired),
        Intent::Gone => false,
        Intent::Release => row.desired.is_none() && !row.owned,
    }
}

fn undo_sort(step: &Step) -> Option<Sort> {
    step.undo.as_ref().map(|undo| undo.action.sort())
}

/// The wish or the cluster is no longer what the plan left behind.
fn moved_on(row: &Resource, wish: Option<&Wish>, steps: &[&Step], plan: &Plan) -> Option<String> {
    let is_wish_ours = match wish.map(|wish| &wish.intent) {
        None => true,
        Some(Intent::Have(desired)) => row.desired.as_ref() == Some(desired),
        // What failed to go still has its wish.
        Some(Intent::Gone | Intent::Release) => row.desired.is_none() || steps.is_empty(),
    };
    if !is_wish_ours {
        return Some(format!("the wish has changed since plan {}; undo what came after it first", plan.id));
    }
    let written = steps.iter().any(|step| step.write.is_some());
    if !written {
        return None;
    }
    if row.presence == Presence::Present
        && !steps.iter().any(|step| step.verb == Verb::Delete)
        && !row.is_ours()
    {
        return Some("another one stands under its name that is not ours".to_owned());
    }
    let what = moved(&left_behind(row, steps), &lookup(row))?;
    Some(format!("it {what} since plan {} was applied: the undo stops here", plan.id))
}

fn lookup(row: &Resource) -> Lookup {
    if row.presence != Presence::Present {
        return Lookup::Absent;
    }
    Lookup::Found(Box::new(Observed {
        key: row.key.clone(),
        revision: row.revision.clone(),
        incarnation: row.incarnation.clone(),
        spec: Arc::new(row.observed.clone()),
        effective: None,
        status: Arc::new(row.status_document.clone()),
        internal: row.internal,
        partial: row.partial,
    }))
}

/// What the done steps of a resource left in the cluster: the base of its undo.
fn left_behind(row: &Resource, steps: &[&Step]) -> Base {
    let mut left: Option<Value> = None;
    let mut is_gone = false;
    for step in steps.iter().filter(|step| step.write.is_some()) {
        match (step.verb, &step.after) {
            (Verb::Delete, _) => (left, is_gone) = (None, true),
            (_, Some(after)) => {
                left = Some(fields::overlay(&left.unwrap_or_else(|| json!({})), after));
                is_gone = false;
            }
            (_, None) => {}
        }
    }
    let mut base = base(row, left.as_ref().map(fields::paths).unwrap_or_default());
    if is_gone {
        base.observed = None;
        base.incarnation = None;
    } else if let Some(left) = left {
        base.observed = Some(left);
        base.incarnation = row.owned_incarnation.clone().or(base.incarnation);
    }
    base
}

/// The inverses in reverse order, and the fields that have none.
fn inverses(planner: &mut Planner<'_>, row: &Resource, steps: &[&Step]) -> (Vec<Part>, Vec<String>) {
    let (mut parts, mut kept) = (Vec::new(), Vec::new());
    for step in steps.iter().rev() {
        match (step.verb, &step.write, &step.undo) {
            (Verb::Adopt, _, _) => {
                let summary = "no longer ours; left as it is".to_owned();
                parts.push(Part::Local { verb: Verb::Release, summary });
            }
            (Verb::Release, _, _) if row.presence == Presence::Present => {
                parts.push(Part::Local { verb: Verb::Adopt, summary: "becomes ours again".to_owned() });
            }
            (Verb::Release | Verb::Wish, _, _) | (_, None, _) => {}
            (_, Some(_), Some(_)) => {
                parts.push(Part::Recorded { step: Box::new(inverse(row, step)), undoes: step.seq });
            }
            (_, Some(_), None) => {
                kept.extend(step.after.as_ref().map(fields::paths).unwrap_or_default());
                let reason = format!("`{}` has no inverse: it stays", step.summary);
                planner.warn(&step.key, None, reason);
            }
        }
    }
    (parts, kept)
}

fn inverse(row: &Resource, step: &Step) -> Step {
    let mut write = step.undo.clone();
    let sort = undo_sort(step);
    let verb = match sort {
        Some(Sort::Create) => Verb::Create,
        Some(Sort::Delete) => Verb::Delete,
        Some(Sort::Edit | Sort::Run) | None => Verb::Edit,
    };
    if let Some(write) = &mut write {
        // The revision was that before our own write; the incarnation is that of what is ours.
        write.revision = None;
        write.incarnation = match verb {
            Verb::Create => None,
            Verb::Edit | Verb::Delete | Verb::Adopt | Verb::Release | Verb::Wish => row.incarnation.clone(),
        };
    }
    let before = step.before.clone().map(|before| with_defaults(before, step.after.as_ref()));
    Step {
        write,
        before: step.after.clone(),
        after: before.filter(|_| verb != Verb::Delete),
        undo: step.write.clone(),
        destructive: verb == Verb::Delete,
        restart: step.restart.clone(),
        ..local(&step.key, verb, &taken_back(step, verb))
    }
}

/// A field that was not set before goes back to its default, spelled out.
fn with_defaults(mut before: Value, after: Option<&Value>) -> Value {
    for (path, _) in after.map(fields::leaves).unwrap_or_default() {
        if fields::at(&before, &path).is_none() {
            fields::set(&mut before, &path, Value::Null);
        }
    }
    before
}

fn taken_back(step: &Step, verb: Verb) -> String {
    match verb {
        Verb::Delete => "takes its creation back".to_owned(),
        Verb::Create => "makes it again".to_owned(),
        Verb::Edit | Verb::Adopt | Verb::Release | Verb::Wish => format!("takes back: {}", step.summary),
    }
}

/// The wish from before the plan; what has no inverse stays wished as it is.
fn wish_as_it_was(row: &Resource, wish: &Wish, steps: &[&Step], kept: &[String]) -> Wish {
    let creates = steps.iter().any(|step| undo_sort(step) == Some(Sort::Delete));
    let intent = match &wish.before {
        // Its delete ends the wish.
        _ if creates => Intent::Gone,
        None => Intent::Release,
        Some(before) => {
            let now = row.desired.clone().unwrap_or_else(|| json!({}));
            Intent::Have(fields::overlay(before, &fields::pick(&now, kept)))
        }
    };
    super::prepare::wish(row, intent)
}
