//! Carries out approved plans, one at a time on a cluster: what is sent is stored before, what came of it after.
//!
//! Invariant: a step is running in the store before its write leaves, and done only once it was read back.

mod finish;
mod local;
mod send;
mod start;

use std::collections::BTreeMap;

use serde::Serialize;

use super::observe::{Lens, Noticed};
use super::session::Session;
use super::verify::is_in_flight;
use super::{Sync, SyncError, plan as planning};
use crate::domain::cluster::Cluster;
use crate::domain::id::{ClusterId, PlanId};
use crate::domain::plan::{Plan, PlanState, Step, StepState};
use crate::domain::record::Change;
use crate::domain::resource::{Resource, ResourceKey};
use crate::domain::stream::SYNC;
use crate::store::Tx;

pub(super) use send::event_of;

/// What became of a plan in one go.
#[derive(Clone, Debug, Serialize)]
pub struct PlanReport {
    pub plan: PlanId,
    pub state: PlanState,
    pub done: usize,
    pub failed: usize,
    pub skipped: usize,
    pub unknown: usize,
    /// Why it goes on later.
    pub error: Option<String>,
}

impl PlanReport {
    /// Its last steps go on in the backend.
    pub fn goes_on(&self) -> bool {
        self.state == PlanState::Applying && self.error.is_none()
    }
}

/// Rows by key, as stored and as they become.
pub(super) type Rows = BTreeMap<ResourceKey, (Option<Resource>, Resource)>;

/// A plan in the middle of being applied.
pub(super) struct Run {
    pub(super) cluster: Cluster,
    pub(super) session: Session,
    pub(super) lens: Lens,
    pub(super) plan: Plan,
}

impl Sync {
    /// Plans that were under way first, then the approved ones in the order of their approval, until none is left or
    /// one has to wait for the cluster.
    pub async fn run_plans(&self, cluster: &ClusterId) -> Vec<PlanReport> {
        let mut reports = Vec::new();
        while !self.is_stopping() {
            let next = match self.next_plan(cluster).await {
                Ok(Some(plan)) => plan,
                Ok(None) => break,
                Err(error) => {
                    tracing::error!(target: SYNC, %cluster, %error, "open plans could not be read");
                    break;
                }
            };
            let id = next.id.clone();
            let (plan, error) = self.run_plan(cluster, next).await;
            let report = report_of(id, &plan, error);
            let waits = matches!(report.state, PlanState::Approved | PlanState::Applying);
            if let Some(error) = &report.error {
                tracing::warn!(target: SYNC, %cluster, plan = %report.plan, %error, "the plan goes on later");
            }
            reports.push(report);
            if waits {
                break;
            }
        }
        reports
    }

    async fn next_plan(&self, cluster: &ClusterId) -> Result<Option<Plan>, SyncError> {
        let open = self.store.open_plans(cluster).await?;
        let under_way = open.iter().find(|plan| plan.state == PlanState::Applying);
        Ok(under_way.or(open.first()).cloned())
    }

    async fn run_plan(&self, cluster: &ClusterId, plan: Plan) -> (Plan, Option<SyncError>) {
        let mut run = match self.open_run(cluster, plan.clone()).await {
            Ok(run) => run,
            Err(error) => return (plan, Some(error)),
        };
        let error = self.advance(&mut run).await.err();
        (run.plan, error)
    }

    async fn open_run(&self, cluster: &ClusterId, plan: Plan) -> Result<Run, SyncError> {
        let cluster = self.cluster(cluster).await?;
        let session = self.open(&cluster).await?;
        let types = session.kind.types(Some(&cluster.facts)).await?;
        let lens = self.lens(&cluster, types).await?;
        Ok(Run { cluster, session, lens, plan })
    }

    async fn advance(&self, run: &mut Run) -> Result<(), SyncError> {
        match run.plan.state {
            PlanState::Approved => {
                if !self.start(run).await? {
                    return Ok(());
                }
            }
            PlanState::Applying => self.recover(run).await?,
            PlanState::Proposed
            | PlanState::Applied
            | PlanState::Failed
            | PlanState::Cancelled
            | PlanState::Stale => return Ok(()),
        }
        self.drive(run).await
    }

    /// Sends what can be sent, then reads back what was sent, until nothing waits.
    async fn drive(&self, run: &mut Run) -> Result<(), SyncError> {
        loop {
            self.skip_what_ends_early(run).await?;
            self.do_local(run).await?;
            if self.is_held(&run.cluster.id).await? {
                return Ok(());
            }
            self.renew(run).await?;
            let batch = planning::batch(&run.plan, send::writes_max(run));
            if !batch.is_empty() {
                self.send(run, &batch).await?;
            } else if run.plan.steps.iter().any(is_in_flight) {
                if !self.read_back(run).await? {
                    return Ok(());
                }
            } else {
                return self.finish(run).await;
            }
        }
    }

    /// Between two batches a plan goes on with the version of the plugin that serves by now; within one it never changes.
    async fn renew(&self, run: &mut Run) -> Result<(), SyncError> {
        if self.is_current(&run.cluster, &run.session)? {
            return Ok(());
        }
        let session = self.open(&run.cluster).await?;
        let types = session.kind.types(Some(&run.cluster.facts)).await?;
        let lens = self.lens(&run.cluster, types).await?;
        tracing::info!(plan = %run.plan.id, digest = session.kind.digest(), "the plan goes on with another version of its plugin");
        (run.session, run.lens) = (session, lens);
        Ok(())
    }

    /// The rows of those keys within the transaction; blank ones for what was never stored.
    pub(super) async fn rows(&self, tx: &mut Tx, run: &Run, keys: &[ResourceKey]) -> Result<Rows, SyncError> {
        let stored = tx.find_resources(&run.cluster.id, keys).await?;
        let mut rows: BTreeMap<_, _> =
            stored.into_iter().map(|row| (row.key.clone(), (Some(row.clone()), row))).collect();
        for key in keys {
            rows.entry(key.clone()).or_insert_with(|| (None, run.lens.blank(key)));
        }
        Ok(rows)
    }

    /// The steps at those positions and the rows they changed, in one transaction.
    pub(super) async fn save_round(
        &self,
        mut tx: Tx,
        run: &Run,
        seqs: &[u32],
        noticed: Noticed,
    ) -> Result<(), SyncError> {
        let steps: Vec<Step> =
            run.plan.steps.iter().filter(|step| seqs.contains(&step.seq)).cloned().collect();
        self.save_steps(&mut tx, run, &steps).await?;
        self.write_all(&mut tx, run, noticed).await?;
        tx.commit().await?;
        Ok(())
    }

    /// With a record of each that has ended: what it changed, and how it ended.
    async fn save_steps(&self, tx: &mut Tx, run: &Run, steps: &[Step]) -> Result<(), SyncError> {
        tx.save_steps(&run.plan.id, steps).await?;
        let ended: Vec<Change> = steps.iter().filter_map(|step| Change::of_step(&run.plan, step)).collect();
        tx.keep(&run.cluster.organization, Some(&run.cluster), &run.plan.by(), &ended).await?;
        Ok(())
    }

    /// Refuses the transaction where a row changed since it was read in it: another host writes.
    async fn write_all(&self, tx: &mut Tx, run: &Run, noticed: Noticed) -> Result<(), SyncError> {
        match self.write_noticed(tx, &run.cluster, noticed).await?.first() {
            Some(key) => Err(SyncError::Changed(key.to_string())),
            None => Ok(()),
        }
    }
}

fn report_of(id: PlanId, plan: &Plan, error: Option<SyncError>) -> PlanReport {
    let count = |state: StepState| plan.steps.iter().filter(|step| step.state == state).count();
    PlanReport {
        plan: id,
        state: plan.state,
        done: count(StepState::Done),
        failed: count(StepState::Failed),
        skipped: count(StepState::Skipped),
        unknown: count(StepState::Unknown),
        error: error.map(|error| error.to_string()),
    }
}
