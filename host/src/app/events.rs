//! The event log: read by pages, followed live.

use tokio::sync::broadcast;

use super::caller::Caller;
use super::{App, AppError};
use crate::domain::id::{ClusterId, EventId};
use crate::store::Event;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventQuery {
    pub cluster: Option<ClusterId>,
    pub after: Option<EventId>,
}

impl App {
    /// The cluster's id, for a caller who names it.
    pub async fn event_cluster(
        &self,
        caller: &Caller,
        name: Option<&str>,
    ) -> Result<Option<ClusterId>, AppError> {
        match name {
            None => Ok(None),
            Some(name) => Ok(Some(self.find_cluster(caller, name).await?.id)),
        }
    }

    /// Oldest first.
    pub async fn list_events(
        &self,
        caller: &Caller,
        query: &EventQuery,
        limit: u32,
    ) -> Result<Vec<Event>, AppError> {
        let (cluster, after) = (query.cluster.as_ref(), query.after.as_ref());
        Ok(self.store.list_events(&caller.organization, cluster, after, limit).await?)
    }

    /// From now on. Of every organization: the reader keeps to its caller's.
    pub fn follow_events(&self, _: &Caller) -> broadcast::Receiver<Event> {
        self.store.subscribe_events()
    }
}
