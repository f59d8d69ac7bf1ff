//! One task a cluster, woken by a timer or a nudge: a cycle, then the plans that wait. Each has its own back-off, so
//! that a dead or slow cluster delays nobody else.

mod cluster;
mod housekeeping;
mod metrics;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::clock::SharedClock;
use crate::domain::id::ClusterId;
use crate::domain::stream::HEARTBEAT;
use crate::pipelines::sync::{CycleReport, Sync};
use crate::store::{Store, StoreError};

pub use metrics::Metrics;
pub use settings::Settings;

/// Callers that wait for a cycle of one cluster; they are all answered by the same one.
const WAITING_MAX: usize = 256;

#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    #[error("there is no cluster `{0}`")]
    NoCluster(ClusterId),
    #[error("{WAITING_MAX} callers wait for cluster `{0}` already; try again later")]
    Busy(ClusterId),
    #[error("the host is shutting down")]
    Stopping,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The handle. Cheap to clone.
#[derive(Clone)]
pub struct Reconciler {
    inner: Arc<Inner>,
}

struct Inner {
    sync: Sync,
    store: Store,
    clock: SharedClock,
    settings: Settings,
    metrics: Metrics,
    tasks: Mutex<HashMap<ClusterId, Task>>,
    /// Clusters were added or removed.
    refresh: Notify,
    stopping: watch::Sender<bool>,
    own: Mutex<Vec<JoinHandle<()>>>,
}

/// The way to a cluster's task.
struct Task {
    nudged: Arc<Notify>,
    asked: mpsc::Sender<oneshot::Sender<CycleReport>>,
    running: JoinHandle<()>,
}

impl Reconciler {
    pub fn start(sync: Sync, store: Store, clock: SharedClock, settings: Settings, metrics: Metrics) -> Self {
        let inner = Inner {
            sync,
            store,
            clock,
            settings,
            metrics,
            tasks: Mutex::default(),
            refresh: Notify::new(),
            stopping: watch::channel(false).0,
            own: Mutex::default(),
        };
        let reconciler = Self { inner: Arc::new(inner) };
        let own = [
            tokio::spawn(reconciler.clone().follow_clusters()),
            tokio::spawn(housekeeping::keep(reconciler.clone())),
        ];
        reconciler.inner.own.lock().unwrap_or_else(PoisonError::into_inner).extend(own);
        reconciler
    }

    /// There is something to do for the cluster: a plan was approved, a policy changed, it was added, resumed.
    pub fn nudge(&self, cluster: &ClusterId) {
        match self.tasks().get(cluster) {
            Some(task) => task.nudged.notify_one(),
            None => self.inner.refresh.notify_one(),
        }
    }

    /// One cycle now, in full; waits for its report.
    pub async fn sweep_now(&self, cluster: &ClusterId) -> Result<CycleReport, SweepError> {
        if self.inner.store.find_cluster_by_id(cluster).await?.is_none() {
            return Err(SweepError::NoCluster(cluster.clone()));
        }
        let (answer, answered) = oneshot::channel();
        let sent = self.asked(cluster).try_send(answer);
        match sent {
            Ok(()) => answered.await.map_err(|_dropped| SweepError::Stopping),
            Err(mpsc::error::TrySendError::Full(_)) => Err(SweepError::Busy(cluster.clone())),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(SweepError::Stopping),
        }
    }

    /// The batches in flight end and are stored, for as long as the settings give; then what runs is cut, and goes on
    /// after the next start.
    pub async fn shutdown(&self) {
        self.end_within(self.inner.settings.grace).await;
    }

    /// At once, whatever it is in the middle of: another host may act from now on, and reads back what became of it.
    pub async fn cut(&self) {
        self.end_within(Duration::ZERO).await;
    }

    async fn end_within(&self, grace: Duration) {
        self.inner.sync.stop();
        self.inner.stopping.send_replace(true);
        let tasks: Vec<Task> = self.tasks().drain().map(|(_, task)| task).collect();
        let own: Vec<JoinHandle<()>> =
            self.inner.own.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect();
        let deadline = tokio::time::Instant::now() + grace;
        for mut running in tasks.into_iter().map(|task| task.running).chain(own) {
            if tokio::time::timeout_at(deadline, &mut running).await.is_err() {
                running.abort();
            }
        }
    }

    fn tasks(&self) -> std::sync::MutexGuard<'_, HashMap<ClusterId, Task>> {
        self.inner.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopping(&self) -> bool {
        *self.inner.stopping.borrow()
    }

    fn asked(&self, cluster: &ClusterId) -> mpsc::Sender<oneshot::Sender<CycleReport>> {
        let mut tasks = self.tasks();
        let task = tasks.entry(cluster.clone()).or_insert_with(|| self.begin(cluster));
        task.asked.clone()
    }

    fn begin(&self, cluster: &ClusterId) -> Task {
        let nudged = Arc::new(Notify::new());
        let (asked, asks) = mpsc::channel(WAITING_MAX);
        let work = cluster::Work::new(self.clone(), cluster.clone(), Arc::clone(&nudged), asks);
        Task { nudged, asked, running: tokio::spawn(work.run()) }
    }

    /// Clusters come and go while the host runs; a task that died is begun again.
    async fn follow_clusters(self) {
        let mut stopping = self.inner.stopping.subscribe();
        while !self.is_stopping() {
            match self.inner.store.all_clusters().await {
                Ok(clusters) => self.adjust(clusters.into_iter().map(|cluster| cluster.id).collect()),
                Err(error) => tracing::error!(target: HEARTBEAT, %error, "the clusters could not be read"),
            }
            tokio::select! {
                () = self.inner.refresh.notified() => {}
                () = tokio::time::sleep(self.inner.settings.refresh) => {}
                _ = stopping.changed() => return,
            }
        }
    }

    fn adjust(&self, wanted: HashSet<ClusterId>) {
        let mut tasks = self.tasks();
        tasks.retain(|id, task| {
            let is_kept = wanted.contains(id) && !task.running.is_finished();
            if !is_kept {
                task.running.abort();
                self.inner.sync.forget(id);
            }
            is_kept
        });
        for id in wanted {
            tasks.entry(id.clone()).or_insert_with(|| self.begin(&id));
        }
    }
}
