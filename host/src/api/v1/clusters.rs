//! Clusters: what is registered, and what the host knows of it.

pub(crate) mod change;
pub(crate) mod list;
pub(crate) mod pause;
pub(crate) mod rebind;
pub(crate) mod register;
pub(crate) mod remove;
pub(crate) mod resume;
pub(crate) mod show;
pub(crate) mod sync;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::nodes::{NameNode, NodeView};
use super::relations::RelationView;
use crate::app::ClusterDetails;
use crate::app::engine::{Cycle, TypeCycle};
use crate::domain::address::AddressMap;
use crate::domain::cluster::Cluster;
use crate::domain::place::Place;
use crate::domain::policy::Authority;
use crate::domain::resource::{ListFailure, Sweep};
use crate::domain::status::Status;

/// A cluster to register.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterCluster {
    /// Lower case, `a-z0-9-`, at most 63.
    pub name: String,
    /// Not needed where `like` is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The name of a cluster whose kind, connection, secrets of the form, authority, and policies of cluster and types it
    /// begins with. Secrets are copied within the host, and never shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub like: Option<String>,
    /// The kind's connection form, filled in; merged over that of `like`, where `null` takes a field out.
    #[schema(value_type = Object)]
    #[serde(default = "empty_form")]
    pub connection: Value,
    /// By the name of the connection form's field; write-only.
    #[serde(default)]
    pub secrets: BTreeMap<String, String>,
    /// `manage` where neither this nor `like` says otherwise.
    #[serde(default)]
    pub authority: Option<Authority>,
    /// What to dial instead of what nodes advertise.
    #[serde(default, skip_serializing_if = "AddressMap::is_empty")]
    pub addresses: AddressMap,
    /// Nodes to begin at, or that the backend does not tell of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NameNode>,
}

fn empty_form() -> Value {
    Value::Object(serde_json::Map::new())
}

/// What to change of a cluster; what is absent stays.
#[derive(Clone, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeCluster {
    /// Merged into the connection; `null` takes a field out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub connection: Option<Value>,
    /// `null` forgets a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secrets: Option<BTreeMap<String, Option<String>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<Authority>,
    /// All of the rules, in the place of those that stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<AddressMap>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RemoveQuery {
    /// Names of the clusters that stand on it, with commas between: removal is refused unless each is named.
    pub(crate) despite: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClusterView {
    #[serde(flatten)]
    pub cluster: Cluster,
    /// Names of the secrets that are set; their values are never shown.
    pub secrets: Vec<String>,
    /// Only when one cluster is shown.
    #[serde(default)]
    pub nodes: Vec<NodeView>,
    /// That begin or end at it; only when one cluster is shown.
    #[serde(default)]
    pub relations: Vec<RelationView>,
    pub counts: Vec<StatusCountView>,
    pub sweeps: Vec<Sweep>,
}

/// How many resources of a type at a place have a status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatusCountView {
    #[serde(rename = "type")]
    pub metadata_type: String,
    /// `cluster`, `group:NAME` or `node:ID`.
    pub place: Place,
    pub status: Status,
    pub count: u64,
}

/// What one cycle saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CycleView {
    /// The cluster's name.
    pub cluster: String,
    pub started_at_ms: i64,
    pub ended_at_ms: i64,
    pub types: Vec<TypeCycleView>,
    /// Why the cycle ended early.
    pub error: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TypeCycleView {
    #[serde(rename = "type")]
    pub metadata_type: String,
    pub seen: u64,
    pub new: u64,
    pub changed: u64,
    pub gone: u64,
    pub failures: Vec<ListFailure>,
}

impl From<ClusterDetails> for ClusterView {
    fn from(details: ClusterDetails) -> Self {
        let ClusterDetails { cluster, secrets, nodes, relations, counts, sweeps } = details;
        let nodes = nodes.into_iter().map(NodeView::from).collect();
        let counts = counts
            .into_iter()
            .map(|one| StatusCountView {
                metadata_type: one.metadata_type,
                place: one.place,
                status: one.status,
                count: one.count,
            })
            .collect();
        let relations = relations.into_iter().map(RelationView::from).collect();
        Self { cluster, secrets, nodes, relations, counts, sweeps }
    }
}

impl CycleView {
    pub(crate) fn of(cluster: String, cycle: Cycle) -> Self {
        let Cycle { started_at_ms, ended_at_ms, types, error } = cycle;
        Self {
            cluster,
            started_at_ms,
            ended_at_ms,
            types: types.into_iter().map(TypeCycleView::from).collect(),
            error,
        }
    }
}

impl From<TypeCycle> for TypeCycleView {
    fn from(cycle: TypeCycle) -> Self {
        let TypeCycle { metadata_type, seen, new, changed, gone, failures } = cycle;
        Self { metadata_type, seen, new, changed, gone, failures }
    }
}
