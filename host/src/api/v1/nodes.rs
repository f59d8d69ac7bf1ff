//! Nodes of a cluster: found by discovery, or named by a person.

pub(crate) mod add;
pub(crate) mod list;
pub(crate) mod remove;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::NewNode;
use crate::domain::address::{KnownNode, Way};
use crate::domain::cluster::Node;
use crate::domain::source::Source;

/// A node to name: one more address to begin at, or a member that the backend does not tell of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NameNode {
    /// The backend's own id of it where that is known; its address where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `HOST:PORT`
    pub address: String,
    /// Of the kind's roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NodeView {
    #[serde(flatten)]
    pub node: Node,
    /// `null`: never.
    pub seen_at_ms: Option<i64>,
    pub source: Source,
    /// Its addresses from inside and outside, and which of them is dialled.
    pub ways: Vec<Way>,
}

impl From<KnownNode> for NodeView {
    fn from(known: KnownNode) -> Self {
        let KnownNode { node, seen_at_ms, source, ways } = known;
        Self { node, seen_at_ms, source, ways }
    }
}

impl From<NameNode> for NewNode {
    fn from(body: NameNode) -> Self {
        let NameNode { id, address, roles } = body;
        Self { id, address, roles }
    }
}
