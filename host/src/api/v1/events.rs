//! Events: what happened, to whom, by whom.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::id::{ClusterId, EventId};

/// Of the stream's event that tells a reader who was too slow that it missed some: read `GET /events?after=`.
pub const GAP: &str = "gap";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventView {
    pub id: EventId,
    pub at_ms: i64,
    pub cluster: Option<ClusterId>,
    /// `plan.applied`, `resource.drifted`, `cluster.unreachable` …
    pub kind: String,
    /// The name of what it is about.
    pub subject: String,
    pub data: Value,
    pub actor: String,
}

/// Data of the `gap` event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Gap {
    pub missed: u64,
    /// The last event that was sent.
    pub after: Option<EventId>,
}
