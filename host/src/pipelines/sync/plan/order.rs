//! The order of execution: by the types' `after`, deletes last and the other way round, then by id and place.

use std::collections::BTreeMap;

use super::Snapshot;
use crate::domain::contract::MetadataType;
use crate::domain::plan::{Step, Verb};

/// Numbers the steps and ties those of a resource together. `chains` holds each resource's steps in their order.
pub(super) fn order(mut chains: Vec<Vec<Step>>, snapshot: &Snapshot) -> Vec<Step> {
    let ranks = ranks(&snapshot.types);
    chains.sort_by_cached_key(|steps| {
        let first = steps.first().map(|step| step.key.clone());
        let is_end = steps.iter().any(ends) && !steps.iter().any(begins);
        let metadata_type = first.as_ref().map_or("", |key| key.metadata_type.as_str());
        let rank = ranks.get(metadata_type).copied().unwrap_or(0);
        // What goes, goes after all else, and before what it stands on.
        (is_end, if is_end { -rank } else { rank }, first)
    });
    let mut ordered: Vec<Step> = Vec::new();
    for chain in chains {
        let mut before: Option<u32> = None;
        for mut step in chain {
            step.seq = u32::try_from(ordered.len()).unwrap_or(u32::MAX);
            step.depends_on = before.into_iter().collect();
            before = Some(step.seq);
            ordered.push(step);
        }
    }
    ordered
}

fn ends(step: &Step) -> bool {
    match step.verb {
        Verb::Delete | Verb::Release => true,
        Verb::Create | Verb::Edit | Verb::Adopt | Verb::Wish => false,
    }
}

fn begins(step: &Step) -> bool {
    match step.verb {
        Verb::Create | Verb::Adopt => true,
        Verb::Edit | Verb::Delete | Verb::Release | Verb::Wish => false,
    }
}

/// How many types stand below each. A circle is cut where it closes.
fn ranks(types: &[MetadataType]) -> BTreeMap<&str, i64> {
    let mut ranks: BTreeMap<&str, i64> = types.iter().map(|shape| (shape.name.as_str(), 0)).collect();
    // Each round settles at least one more type of the longest way down.
    for _ in types {
        for shape in types {
            let below = shape.after.iter().filter_map(|name| ranks.get(name.as_str())).max().copied();
            let limit = i64::try_from(types.len()).unwrap_or(i64::MAX);
            if let (Some(below), Some(rank)) = (below, ranks.get_mut(shape.name.as_str())) {
                *rank = (*rank).max((below + 1).min(limit));
            }
        }
    }
    ranks
}
