//! Removals of clusters, before they are done.

pub(crate) mod show;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::relations::RelationView;
use crate::app::Removal;

/// What would go with a cluster, and what stands against its removal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RemovalView {
    pub cluster: String,
    /// Counts by noun (`resources`, `wishes`, `plans`, `secrets`, …), then by type or state; empty where there is neither.
    pub goes: BTreeMap<String, BTreeMap<String, u64>>,
    pub relations: Vec<RelationView>,
    /// Clusters that stand on it: each has to be named in `despite`.
    pub dependants: Vec<String>,
    /// The plan that is being applied: it ends or is cancelled first.
    pub applying: Option<String>,
}

impl From<Removal> for RemovalView {
    fn from(removal: Removal) -> Self {
        let Removal { cluster, goes, relations, dependants, applying } = removal;
        let relations = relations.into_iter().map(RelationView::from).collect();
        Self { cluster, goes, relations, dependants, applying }
    }
}
