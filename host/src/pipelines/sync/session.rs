//! The way to a cluster: its kind, its driver within a budget of calls, and the types it knows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::{BATCH_MAX, Sync, SyncError, WHOLE_BATCH_MAX};
use crate::domain::cluster::{Check, Cluster, Discovery, Reach};
use crate::domain::contract::{Granularity, MetadataType};
use crate::domain::error::{BackendError, ErrorKind};
use crate::domain::id::{ClusterId, OperationId};
use crate::domain::operation::{Forecast, Progress, Subject};
use crate::domain::resource::{Lookup, Outcome, Page, Query, ResourceKey, Write};
use crate::plugins::driver::{CallError, Driver, Kind};

/// Calls in flight, by cluster: one that answers slowly can only fill its own.
#[derive(Clone)]
pub(super) struct Budgets {
    calls_max: usize,
    by_cluster: Arc<Mutex<HashMap<ClusterId, Arc<Semaphore>>>>,
}

impl Budgets {
    pub(super) fn new(calls_max: usize) -> Self {
        Self { calls_max, by_cluster: Arc::default() }
    }

    fn of(&self, cluster: &ClusterId) -> Arc<Semaphore> {
        let mut held = self.by_cluster.lock().unwrap_or_else(PoisonError::into_inner);
        let made = || Arc::new(Semaphore::new(self.calls_max));
        Arc::clone(held.entry(cluster.clone()).or_insert_with(made))
    }

    pub(super) fn forget(&self, cluster: &ClusterId) {
        self.by_cluster.lock().unwrap_or_else(PoisonError::into_inner).remove(cluster);
    }
}

/// A driver whose calls wait for a place in their cluster's budget.
struct Budgeted {
    driver: Arc<dyn Driver>,
    budget: Arc<Semaphore>,
}

macro_rules! within_budget {
    ($self:ident, $call:expr) => {{
        let _permit = $self.budget.acquire().await;
        $call.await
    }};
}

#[async_trait]
impl Driver for Budgeted {
    async fn probe(&self) -> Result<Vec<Check>, CallError> {
        within_budget!(self, self.driver.probe())
    }

    async fn discover(&self) -> Result<Discovery, CallError> {
        within_budget!(self, self.driver.discover())
    }

    async fn list(&self, query: Query) -> Result<Page, CallError> {
        within_budget!(self, self.driver.list(query))
    }

    async fn get(&self, keys: Vec<ResourceKey>) -> Result<Vec<Lookup>, CallError> {
        within_budget!(self, self.driver.get(keys))
    }

    async fn write(&self, writes: Vec<Write>, dry_run: bool) -> Result<Vec<Outcome>, CallError> {
        within_budget!(self, self.driver.write(writes, dry_run))
    }

    async fn preview(&self, name: &str, subject: Subject, input: Value) -> Result<Forecast, CallError> {
        within_budget!(self, self.driver.preview(name, subject, input))
    }

    async fn run(
        &self,
        name: &str,
        subject: Subject,
        input: Value,
        id: &OperationId,
    ) -> Result<Progress, CallError> {
        within_budget!(self, self.driver.run(name, subject, input, id))
    }

    async fn poll(&self, handle: &str) -> Result<Progress, CallError> {
        within_budget!(self, self.driver.poll(handle))
    }

    async fn cancel(&self, handle: &str) -> Result<(), CallError> {
        within_budget!(self, self.driver.cancel(handle))
    }

    async fn close(&self) {
        self.driver.close().await;
    }
}

/// One cluster, opened.
pub(super) struct Session {
    pub(super) kind: Arc<dyn Kind>,
    pub(super) driver: Arc<dyn Driver>,
}

impl Session {
    /// An answer each, in order, in as few calls as the batch allows.
    pub(super) async fn look(
        &self,
        keys: &[ResourceKey],
        types: &[MetadataType],
    ) -> Result<Vec<Lookup>, CallError> {
        let is_whole = |key: &ResourceKey| {
            find_type(types, &key.metadata_type).is_some_and(|shape| shape.granularity == Granularity::Whole)
        };
        let most = if keys.iter().all(is_whole) { WHOLE_BATCH_MAX } else { BATCH_MAX };
        let mut lookups = Vec::with_capacity(keys.len());
        for batch in keys.chunks(most) {
            let mut answers = self.driver.get(batch.to_vec()).await?;
            if answers.len() != batch.len() {
                answers.resize(batch.len(), short_answer("get", batch.len()));
            }
            lookups.append(&mut answers);
        }
        Ok(lookups)
    }
}

fn short_answer(call: &str, asked: usize) -> Lookup {
    let message = format!("the plugin answered `{call}` of {asked} resources with another number of answers");
    Lookup::Failed(BackendError::new(ErrorKind::Protocol, message))
}

impl Sync {
    pub(super) fn kind(&self, cluster: &Cluster) -> Result<Arc<dyn Kind>, SyncError> {
        self.kinds.find(&cluster.kind).ok_or_else(|| SyncError::NoKind {
            kind: cluster.kind.clone(),
            reason: self.kinds.why_absent(&cluster.kind),
        })
    }

    /// Whether the plugin that was opened is the one that serves: another version may have taken its place since.
    pub(super) fn is_current(&self, cluster: &Cluster, session: &Session) -> Result<bool, SyncError> {
        Ok(Arc::ptr_eq(&self.kind(cluster)?, &session.kind))
    }

    /// Refuses a cluster that another one answers for, or that is paused: no call is made.
    pub(super) async fn open(&self, cluster: &Cluster) -> Result<Session, SyncError> {
        if cluster.paused {
            return Err(SyncError::Paused(cluster.name.clone()));
        }
        if let Reach::Foreign { found } = &cluster.reach {
            return Err(foreign(cluster, found));
        }
        self.connect(cluster).await
    }

    pub(super) async fn connect(&self, cluster: &Cluster) -> Result<Session, SyncError> {
        let kind = self.kind(cluster)?;
        let secrets = self.store.open_secrets(&cluster.id).await?;
        let driver = kind.driver(cluster, secrets).await?;
        let driver = Arc::new(Budgeted { driver, budget: self.budgets.of(&cluster.id) });
        Ok(Session { kind, driver })
    }
}

/// The types of one cluster, by name.
pub(super) fn find_type<'a>(types: &'a [MetadataType], name: &str) -> Option<&'a MetadataType> {
    types.iter().find(|known| known.name == name)
}

/// The identity that is remembered, and the one that answers.
pub(super) fn foreign(cluster: &Cluster, found: &str) -> SyncError {
    SyncError::Foreign {
        cluster: cluster.name.clone(),
        known: cluster.identity.clone().unwrap_or_default(),
        found: found.to_owned(),
    }
}
