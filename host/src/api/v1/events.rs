//! Events: what happened, to whom, by whom.

pub(crate) mod list;
pub(crate) mod stream;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::domain::id::{ClusterId, EventId};
use crate::store::Event;

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

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// The cluster's name.
    pub(crate) cluster: Option<String>,
    /// The id of an event: those after it. From the oldest when absent.
    pub(crate) after: Option<String>,
    /// Items of a page, 1 to 1,000; 100 when absent.
    pub(crate) limit: Option<u32>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct StreamQuery {
    /// The cluster's name.
    pub(crate) cluster: Option<String>,
    /// As `Last-Event-ID`, for readers that cannot send it.
    pub(crate) after: Option<String>,
}

impl From<Event> for EventView {
    fn from(event: Event) -> Self {
        let Event { id, at_ms, organization: _, cluster, kind, subject, data, actor } = event;
        Self { id, at_ms, cluster, kind, subject, data, actor }
    }
}
