//! The task of one cluster.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;

use super::Reconciler;
use crate::domain::cluster::{Cluster, Reach};
use crate::domain::id::ClusterId;
use crate::domain::stream::{HEARTBEAT, SYNC};
use crate::pipelines::sync::{CycleReport, Depth, PlanReport};
use crate::store::StoreError;

type Waiting = Vec<oneshot::Sender<CycleReport>>;

pub(super) struct Work {
    reconciler: Reconciler,
    cluster: ClusterId,
    nudged: Arc<Notify>,
    asks: mpsc::Receiver<oneshot::Sender<CycleReport>>,
    due: Instant,
    full_due: Instant,
    /// When the backend is asked again about what runs there for long.
    poll_due: Option<Instant>,
    /// As the last round saw it.
    paused: bool,
    rounds: u64,
}

/// Why a round begins.
enum Woken {
    Due,
    Polled,
    Nudged,
    Asked(Waiting),
    Stopped,
}

impl Work {
    pub(super) fn new(
        reconciler: Reconciler,
        cluster: ClusterId,
        nudged: Arc<Notify>,
        asks: mpsc::Receiver<oneshot::Sender<CycleReport>>,
    ) -> Self {
        let now = Instant::now();
        let (due, full_due, poll_due) = (now, now, None);
        Self { reconciler, cluster, nudged, asks, due, full_due, poll_due, paused: false, rounds: 0 }
    }

    /// Ends with the cluster or with the host.
    pub(super) async fn run(mut self) {
        loop {
            let woken = self.wait().await;
            if self.reconciler.is_stopping() {
                return;
            }
            match self.round(woken).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::error!(target: HEARTBEAT, cluster = %self.cluster, %error, "the cluster's row could not be read");
                    self.due = Instant::now() + self.reconciler.inner.settings.interval;
                }
            }
        }
    }

    async fn wait(&mut self) -> Woken {
        let mut stopping = self.reconciler.inner.stopping.subscribe();
        tokio::select! {
            biased;
            _ = stopping.changed() => Woken::Stopped,
            asked = self.asks.recv() => match asked {
                Some(first) => Woken::Asked(self.others(first)),
                None => Woken::Stopped,
            },
            () = self.nudged.notified() => Woken::Nudged,
            () = tokio::time::sleep_until(self.due) => Woken::Due,
            () = sleep_until(self.poll_due) => Woken::Polled,
        }
    }

    /// Everybody who waits by now is answered by the cycle that begins now.
    fn others(&mut self, first: oneshot::Sender<CycleReport>) -> Waiting {
        let mut waiting = vec![first];
        while let Ok(next) = self.asks.try_recv() {
            waiting.push(next);
        }
        waiting
    }

    /// `false`: the cluster is gone.
    async fn round(&mut self, woken: Woken) -> Result<bool, StoreError> {
        let Some(cluster) = self.read().await? else { return Ok(false) };
        let is_resumed = std::mem::replace(&mut self.paused, cluster.paused) && !cluster.paused;
        if is_resumed {
            // Nobody looked meanwhile: everything is compared again.
            self.full_due = Instant::now();
        }
        let waiting = match woken {
            Woken::Stopped => return Ok(false),
            Woken::Due => {
                if !cluster.paused {
                    self.reconciler.inner.metrics.began(self.due.elapsed());
                }
                Some(Vec::new())
            }
            Woken::Asked(waiting) => Some(waiting),
            // A cluster that was just added or resumed, or whose connection was mended, is looked at now.
            Woken::Nudged if is_resumed || cluster.reach != Reach::Reachable => Some(Vec::new()),
            Woken::Nudged | Woken::Polled => None,
        };
        let mut answers = true;
        if let Some(waiting) = waiting {
            let is_asked = !waiting.is_empty();
            if is_asked || !cluster.paused {
                answers = self.cycle(waiting).await;
            }
            self.due = Instant::now() + self.pause(self.read().await?.as_ref());
        }
        self.operate().await;
        // What does not answer now would only cost another time-out.
        if answers && !cluster.paused {
            let reports = self.reconciler.inner.sync.run_plans(&self.cluster).await;
            if reports.iter().any(|report| report.error.is_none()) {
                tracing::info!(target: SYNC, cluster = %self.cluster, plans = reports.len(), "plans were carried out");
            }
            if reports.iter().any(PlanReport::goes_on) {
                self.poll_soon();
            }
        }
        Ok(true)
    }

    async fn operate(&mut self) {
        let operated = self.reconciler.inner.sync.run_operations(&self.cluster).await;
        self.poll_due = None;
        if operated.running > 0 {
            self.poll_soon();
        }
        if operated.ended > 0 {
            // What it changed is shown soon.
            self.due = Instant::now();
        }
    }

    fn poll_soon(&mut self) {
        self.poll_due = Some(Instant::now() + self.reconciler.inner.settings.poll);
    }

    async fn read(&self) -> Result<Option<Cluster>, StoreError> {
        self.reconciler.inner.store.find_cluster_by_id(&self.cluster).await
    }

    /// Whether the cluster answered.
    async fn cycle(&mut self, waiting: Waiting) -> bool {
        let is_full = !waiting.is_empty() || Instant::now() >= self.full_due;
        let depth = if is_full { Depth::Full } else { Depth::Brief };
        let began = Instant::now();
        let report = self.reconciler.inner.sync.cycle(&self.cluster, depth).await;
        self.reconciler.inner.metrics.ended(began.elapsed(), report.error.is_none());
        if is_full && report.error.is_none() {
            self.full_due = Instant::now() + self.reconciler.inner.settings.full_every;
        }
        for waiter in waiting {
            // Whoever went away meanwhile needs no answer.
            drop(waiter.send(report.clone()));
        }
        self.rounds += 1;
        !report.unreachable
    }

    /// Until the next cycle: the interval with jitter, or what the failure's back-off says.
    fn pause(&self, cluster: Option<&Cluster>) -> Duration {
        let interval = self.jittered(self.reconciler.inner.settings.interval);
        match cluster.map(|cluster| &cluster.reach) {
            Some(Reach::Unreachable { next_attempt_at_ms, .. }) => {
                let now_ms = u64::try_from(self.reconciler.inner.clock.now_ms()).unwrap_or(0);
                self.jittered(Duration::from_millis(next_attempt_at_ms.saturating_sub(now_ms)))
            }
            Some(Reach::New | Reach::Reachable | Reach::Foreign { .. }) | None => interval,
        }
    }

    /// Between nine and eleven tenths, another one for each cluster and round: clusters do not fall into step.
    fn jittered(&self, whole: Duration) -> Duration {
        let mut hasher = DefaultHasher::new();
        (&self.cluster, self.rounds).hash(&mut hasher);
        let tenths = u32::try_from(hasher.finish() % 201).unwrap_or(100);
        whole.saturating_mul(900 + tenths) / 1_000
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
