//! Sync: metadata both ways between what people want and what the clusters hold.
//!
//! Invariant: `plan` decides, the rest reads, sends and records; no lock is held across a call, and nothing that is
//! not ours is written.

mod apply;
mod approve;
mod drift;
mod observe;
mod operate;
pub mod plan;
mod propose;
mod recover;
mod session;
mod started;
mod sweep;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod verify;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::clock::SharedClock;
use crate::domain::cluster::Cluster;
use crate::domain::id::{ClusterId, EventId};
use crate::domain::record::{By, Change};
use crate::plugins::driver::{CallError, Kinds};
use crate::store::{Event, Store, StoreError, Tx};

pub use apply::PlanReport;
pub use approve::{Approval, ApproveError};
pub use drift::DriftError;
pub use operate::{InputIssue, OperateError, OperateRequest};
pub use propose::{Asked, ProposeError, ProposeIssue, ProposeRequest, RawDocument};
pub use sweep::{CycleReport, Depth, TypeReport};

/// Resources in one call or one transaction: bounds memory and the time a writer holds the database.
pub(crate) const BATCH_MAX: usize = 1_000;

/// The same where a backend takes whole objects: a plugin reads all that there are before it shows or writes some, and the
/// backend stores all of them again, so that few calls cost least.
const WHOLE_BATCH_MAX: usize = 4_000;

/// How long things may take. Handed in, so that tests need not wait.
#[derive(Clone, Debug)]
pub struct Timing {
    /// A write that was answered is looked for so long: a backend may list what is new seconds after it was made.
    pub read_back: Duration,
    /// Between two looks, at first; doubles up to `poll_max`.
    pub poll_min: Duration,
    pub poll_max: Duration,
    /// A write whose answer was lost can land so long after it was sent: the backend's own time-out.
    pub backend_timeout: Duration,
    /// From the first write of a plan: what still waits then is not begun any more. A night, so that a cluster that was
    /// away does not get the rest of a plan that nobody remembers.
    pub plan_deadline: Duration,
    /// Calls in flight to one cluster.
    pub calls_max: usize,
    /// Between two cycles, and after a failure at first; doubles up to `backoff_max` with every further one.
    pub interval: Duration,
    pub backoff_max: Duration,
}

impl Timing {
    fn backoff(&self, failures: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1).min(16));
        self.interval.saturating_mul(doubled).min(self.backoff_max)
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            read_back: Duration::from_secs(60),
            poll_min: Duration::from_millis(100),
            poll_max: Duration::from_secs(5),
            backend_timeout: Duration::from_secs(30),
            plan_deadline: Duration::from_hours(6),
            calls_max: 4,
            interval: Duration::from_secs(30),
            backoff_max: Duration::from_secs(300),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    #[error("there is no cluster `{0}`")]
    NoCluster(ClusterId),
    #[error("cluster `{0}` is paused; resume it first")]
    Paused(String),
    #[error(
        "another cluster answers under the address of `{cluster}`: {found} in place of {known}; nothing is read or \
         written until its connection is set right, or `headgate cluster rebind {cluster}` says that it is meant"
    )]
    Foreign { cluster: String, known: String, found: String },
    #[error(
        "the same backend is registered as `{other}` already; one of the two has to have the authority `observe`"
    )]
    Twice { other: String },
    #[error("the kind `{kind}` {reason}")]
    NoKind { kind: String, reason: String },
    #[error("the row of {0} kept changing meanwhile; try again")]
    Changed(String),
    #[error("the plugin breaks the contract: {0}")]
    Contract(String),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Execution of sync over one store. Cheap to clone.
#[derive(Clone)]
pub struct Sync {
    store: Store,
    kinds: Arc<dyn Kinds>,
    clock: SharedClock,
    timing: Arc<Timing>,
    budgets: session::Budgets,
    stopping: Arc<AtomicBool>,
}

impl Sync {
    pub fn new(store: Store, kinds: Arc<dyn Kinds>, clock: SharedClock, timing: Timing) -> Self {
        let budgets = session::Budgets::new(timing.calls_max);
        Self { store, kinds, clock, timing: Arc::new(timing), budgets, stopping: Arc::default() }
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The batch in flight ends, and no other begins.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// The cluster is gone.
    pub fn forget(&self, cluster: &ClusterId) {
        self.budgets.forget(cluster);
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Whether no further call is to be made: the host stops, or a person paused the cluster meanwhile.
    async fn is_held(&self, cluster: &ClusterId) -> Result<bool, StoreError> {
        if self.is_stopping() {
            return Ok(true);
        }
        Ok(self.store.find_cluster_by_id(cluster).await?.is_some_and(|row| row.paused))
    }

    fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    async fn cluster(&self, id: &ClusterId) -> Result<Cluster, SyncError> {
        self.store.find_cluster_by_id(id).await?.ok_or_else(|| SyncError::NoCluster(id.clone()))
    }

    /// The event, and the record where something was changed.
    async fn tell(&self, tx: &mut Tx, cluster: &Cluster, told: Told) -> Result<(), StoreError> {
        if let Some(change) = &told.change {
            let changes = std::slice::from_ref(change);
            tx.keep(&cluster.organization, Some(cluster), &told.by, changes).await?;
        }
        let event = Event {
            // Given by the store.
            id: EventId(String::new()),
            at_ms: self.now_ms(),
            organization: cluster.organization.clone(),
            cluster: Some(cluster.id.clone()),
            kind: told.kind.to_owned(),
            subject: told.subject,
            data: told.data,
            actor: told.by.actor,
        };
        tx.insert_event(&event).await?;
        Ok(())
    }
}

/// What happened, for the event log; and what was changed by it, for the records.
struct Told {
    kind: &'static str,
    subject: String,
    data: serde_json::Value,
    by: By,
    change: Option<Change>,
}

impl Told {
    fn new(kind: &'static str, subject: impl Into<String>, data: serde_json::Value) -> Self {
        Self { kind, subject: subject.into(), data, by: By::host(), change: None }
    }

    fn by(self, by: &By) -> Self {
        Self { by: by.clone(), ..self }
    }

    /// With a record of what was changed.
    fn kept(self, change: Change) -> Self {
        Self { change: Some(change), ..self }
    }
}
