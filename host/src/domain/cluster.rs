//! A cluster, its connection and authority, and its nodes as discovery showed them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::address::{AddressMap, NamedNode};
use super::contract::{MetadataType, Scope};
use super::id::{ClusterId, OrganizationId};
use super::place::Place;
use super::policy::Authority;
use super::relation::ToldRelation;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    Up,
    Degraded,
    Down,
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Node {
    pub id: String,
    pub roles: Vec<String>,
    pub group: Option<String>,
    pub rank: u32,
    /// (name of the listener or purpose, HOST:PORT)
    pub addresses: Vec<(String, String)>,
    pub version: Option<String>,
    pub rack: Option<String>,
    pub health: Health,
    pub facts: Value,
}

/// What discovery said of the cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Discovery {
    /// The backend's own id: a change means that another cluster answers under the old address.
    pub identity: Option<String>,
    pub version: Option<String>,
    pub facts: Value,
    pub nodes: Vec<Node>,
    /// `None`: not told now.
    pub relations: Option<Vec<ToldRelation>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Check {
    pub name: String,
    pub place: Place,
    pub health: Health,
    pub latency_us: Option<u64>,
    pub message: Option<String>,
}

/// Where the copies of a type's resources live: the cluster, or every group or node that has one of its roles. Those that
/// are down count too.
pub fn homes<'a>(shape: &MetadataType, nodes: impl Iterator<Item = &'a Node>) -> Vec<Place> {
    let is_home =
        |node: &&Node| shape.roles.is_empty() || node.roles.iter().any(|role| shape.roles.contains(role));
    let places: BTreeSet<Place> = match shape.scope {
        Scope::Cluster => BTreeSet::from([Place::Cluster]),
        Scope::Group => {
            nodes.filter(is_home).filter_map(|node| node.group.clone()).map(Place::Group).collect()
        }
        Scope::Node => nodes.filter(is_home).map(|node| Place::Node(node.id.clone())).collect(),
    };
    places.into_iter().collect()
}

/// Whether the host can work with the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum Reach {
    /// Registered, not asked yet.
    New,
    Reachable,
    /// The last cycle failed; `next_attempt_at_ms` says when it is tried again.
    Unreachable {
        reason: String,
        failures: u32,
        next_attempt_at_ms: u64,
    },
    /// Another cluster answers under the address: nothing is read or written until `rebind`.
    Foreign {
        found: String,
    },
}

/// A registered cluster. Secrets are not in it: `connection` names them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Cluster {
    pub id: ClusterId,
    pub organization: OrganizationId,
    pub name: String,
    pub kind: String,
    /// The connection form, filled in. A secret field holds its own name.
    pub connection: Value,
    /// What to dial instead of what nodes advertise.
    pub addresses: AddressMap,
    /// Those that a person named.
    pub named_nodes: Vec<NamedNode>,
    /// Grows with every change of connection, secrets, addresses or named nodes: a session belongs to one revision.
    pub credential_revision: i64,
    pub authority: Authority,
    pub paused: bool,
    /// The backend's own id, remembered since the first discovery.
    pub identity: Option<String>,
    pub backend_version: Option<String>,
    pub facts: Value,
    pub discovered_at_ms: Option<i64>,
    pub reach: Reach,
    pub created_at_ms: i64,
    pub updated_at_ms: i64,
    /// Of the row, for guarded saves and `ETag`.
    pub version: i64,
}
