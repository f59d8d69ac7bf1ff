//! From documents to what is wanted of each resource: places filled in, wishes with a place laid over those without.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Document, Snapshot};
use crate::domain::contract::Scope;
use crate::domain::fields;
use crate::domain::place::Place;
use crate::domain::plan::Blocked;
use crate::domain::resource::ResourceKey;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Aim {
    Have(Value),
    Gone,
}

/// In the order of their keys. Two documents that say the same place twice are blocked, and neither counts.
pub(super) fn aims(
    documents: &[Document],
    snapshot: &Snapshot,
    blocked: &mut Vec<Blocked>,
) -> BTreeMap<ResourceKey, Aim> {
    let mut aims = BTreeMap::new();
    let mut twice = BTreeSet::new();
    // Those without a place first: the others lie over them.
    for is_placed in [false, true] {
        let mut seen = BTreeSet::new();
        for document in documents.iter().filter(|document| document.at.is_some() == is_placed) {
            let places = places(document, snapshot);
            if places.is_empty() {
                blocked.push(homeless(document, snapshot));
            }
            for place in places {
                let key = key(document, place);
                if !seen.insert(key.clone()) {
                    twice.insert(key.clone());
                }
                lay_over(&mut aims, key, document);
            }
        }
    }
    for key in twice {
        aims.remove(&key);
        let reason =
            format!("two documents name {} `{}` at {}; keep one", key.metadata_type, key.id, key.place);
        blocked.push(Blocked { key, reason, path: None });
    }
    aims
}

/// Resources that are wished for and owned, and named by none of the documents: listed, never acted upon.
pub fn unmentioned(documents: &[Document], wished: &[ResourceKey]) -> Vec<Blocked> {
    let mut left: Vec<&ResourceKey> =
        wished.iter().filter(|key| !documents.iter().any(|document| names(document, key))).collect();
    left.sort();
    let reason = "it is wished for, and in no document; it stays as it is";
    left.into_iter().map(|key| Blocked { key: key.clone(), reason: reason.to_owned(), path: None }).collect()
}

fn names(document: &Document, key: &ResourceKey) -> bool {
    document.metadata_type == key.metadata_type
        && document.id == key.id
        && document.at.as_ref().is_none_or(|at| *at == key.place)
}

fn key(document: &Document, place: Place) -> ResourceKey {
    ResourceKey { metadata_type: document.metadata_type.clone(), id: document.id.clone(), place }
}

fn places(document: &Document, snapshot: &Snapshot) -> Vec<Place> {
    if let Some(place) = &document.at {
        return vec![place.clone()];
    }
    match snapshot.shape(&document.metadata_type).map(|shape| shape.scope) {
        // An unknown type is refused by its name later.
        None | Some(Scope::Cluster) => vec![Place::Cluster],
        Some(Scope::Group | Scope::Node) => {
            snapshot.homes.get(&document.metadata_type).cloned().unwrap_or_default()
        }
    }
}

fn homeless(document: &Document, snapshot: &Snapshot) -> Blocked {
    let reason = format!("no place of the cluster can hold it yet; try: headgate sync {}", snapshot.cluster);
    Blocked { key: key(document, Place::Cluster), reason, path: None }
}

fn lay_over(aims: &mut BTreeMap<ResourceKey, Aim>, key: ResourceKey, document: &Document) {
    let over = document.spec.clone().unwrap_or_else(|| json!({}));
    let aim = match (document.delete, aims.remove(&key)) {
        (true, _) => Aim::Gone,
        (false, Some(Aim::Have(under))) => Aim::Have(fields::overlay(&under, &over)),
        (false, Some(Aim::Gone) | None) => Aim::Have(over),
    };
    aims.insert(key, aim);
}
