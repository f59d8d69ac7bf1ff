//! Wishes that name no place: what a request makes of them, and what they ask of places that joined.

use super::prepare::Planner;
use super::{Document, Homes, Snapshot, have};
use crate::domain::contract::Scope;
use crate::domain::fields;
use crate::domain::plan::{Standing, StandingWish};
use crate::domain::resource::ResourceKey;

/// A document without a place, of a type that lives on groups or nodes, is a wish for every one of them.
pub(super) fn of_documents(documents: &[Document], snapshot: &Snapshot) -> Vec<Standing> {
    documents.iter().filter_map(|document| of_document(document, snapshot)).collect()
}

fn of_document(document: &Document, snapshot: &Snapshot) -> Option<Standing> {
    let is_spread = snapshot.shape(&document.metadata_type)?.scope != Scope::Cluster;
    if document.at.is_some() || !is_spread {
        return None;
    }
    let before = snapshot.standing.get(&(document.metadata_type.clone(), document.id.clone())).cloned();
    let after = (!document.delete).then(|| StandingWish {
        metadata_type: document.metadata_type.clone(),
        id: document.id.clone(),
        spec: document.spec.clone().unwrap_or_else(|| serde_json::json!({})),
        places: snapshot.homes.get(&document.metadata_type).cloned().unwrap_or_default(),
    });
    (before != after).then_some(Standing { before, after })
}

/// Places of its type that the wish was not planned for.
pub fn joining(wish: &StandingWish, homes: &Homes) -> Vec<ResourceKey> {
    let homes = homes.get(&wish.metadata_type).into_iter().flatten();
    let new = homes.filter(|home| !wish.places.contains(home));
    new.map(|place| wish.at(place.clone())).collect()
}

pub(super) fn join(planner: &mut Planner<'_>, wishes: &[StandingWish]) {
    for wish in wishes {
        let keys = joining(wish, &planner.snapshot.homes);
        for key in &keys {
            // A wish that names the place lies over the one that names none.
            let desired = match planner.row(key).desired {
                Some(placed) => fields::overlay(&wish.spec, &placed),
                None => wish.spec.clone(),
            };
            have::plan(planner, key, desired, &|_| true);
        }
        let mut after = wish.clone();
        after.places.extend(keys.into_iter().map(|key| key.place));
        after.places.sort();
        planner.prepared.standing.push(Standing { before: Some(wish.clone()), after: Some(after) });
    }
}

/// As it was before the plan; what was said again since then stays.
pub(super) fn taken_back(changes: &[Standing], snapshot: &Snapshot) -> Vec<Standing> {
    let is_last = |change: &&Standing| {
        change.key().is_some_and(|key| snapshot.standing.get(&key) == change.after.as_ref())
    };
    let back = |change: &Standing| Standing { before: change.after.clone(), after: change.before.clone() };
    changes.iter().filter(is_last).map(back).collect()
}
