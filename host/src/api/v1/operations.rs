//! Operations: actions that somebody asked for, and what became of them.

pub(crate) mod cancel;
pub(crate) mod list;
pub(crate) mod preview;
pub(crate) mod run;
pub(crate) mod show;
pub(crate) mod undo;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::app::NamedOperation;
use crate::app::engine::OperationWanted;
use crate::domain::operation::Operation;
use crate::domain::place::Place;

/// What an operation works on, and with what.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunOperation {
    /// Of the resource; left out where the operation works on a cluster, a group or a node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `cluster` (the default), `group:NAME` or `node:ID`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Place>,
    /// As the operation's type says: an object.
    #[serde(default)]
    pub input: Value,
    /// Lets an operation through that loses data or cannot be taken back.
    #[serde(default)]
    pub allow_destructive: bool,
}

/// With what an operation is taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UndoOperation {
    #[serde(default)]
    pub allow_destructive: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OperationView {
    #[serde(flatten)]
    pub operation: Operation,
    pub cluster_name: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OperationsQuery {
    /// The cluster's name.
    pub(crate) cluster: Option<String>,
    /// One or several, with commas between: `running,failed`.
    pub(crate) state: Option<String>,
    /// Items of a page, 1 to 1,000; 100 when absent.
    pub(crate) limit: Option<u32>,
    /// `next` of the page before.
    pub(crate) after: Option<String>,
}

impl RunOperation {
    pub(crate) fn wanted(self, name: String) -> OperationWanted {
        let Self { id, at, input, allow_destructive } = self;
        OperationWanted { name, id, at, input, allow_destructive }
    }
}

impl From<NamedOperation> for OperationView {
    fn from(named: NamedOperation) -> Self {
        Self { operation: named.operation, cluster_name: named.cluster }
    }
}
