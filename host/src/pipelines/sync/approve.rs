//! Approval and cancelling: a person takes a plan on, within its limits, or away.

use serde_json::json;

use super::plan::{self as planning, Raised};
use super::{Sync, Told};
use crate::domain::cluster::{Cluster, Reach};
use crate::domain::id::PlanId;
use crate::domain::plan::{Exceeded, Plan, PlanState};
use crate::domain::policy::Authority;
use crate::domain::record::{By, Change, RecordOutcome};
use crate::store::StoreError;

/// What a person says with the approval.
#[derive(Clone, Debug, Default)]
pub struct Approval {
    pub allow_destructive: bool,
    /// Raises the limits of deletes, for this plan.
    pub deletes_max: Option<u32>,
    /// The version that the person saw.
    pub version: Option<i64>,
}

#[derive(Debug, thiserror::Error)]
pub enum ApproveError {
    #[error("there is no plan `{0}`")]
    NoPlan(PlanId),
    #[error("plan {plan} is {state} already; make a new one")]
    State { plan: PlanId, state: &'static str },
    #[error("plan {0} changed meanwhile; look at it again")]
    Changed(PlanId),
    #[error("cluster `{0}` has the authority `observe`: nothing is written to it; set `manage` first")]
    Observed(String),
    #[error("another cluster answers under the address of `{0}`; rebind it first")]
    Foreign(String),
    #[error("{}", exceeded_in_words(.0))]
    Limits(Vec<Exceeded>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Sync {
    /// The reconciler carries it out; approving what is approved changes nothing.
    pub async fn approve(&self, id: &PlanId, approval: Approval, by: &By) -> Result<Plan, ApproveError> {
        let (mut plan, cluster) = self.plan_of(id).await?;
        if approval.version.is_some_and(|seen| seen != plan.version) {
            return Err(ApproveError::Changed(id.clone()));
        }
        match plan.state {
            PlanState::Proposed => {}
            PlanState::Approved | PlanState::Applying => return Ok(plan),
            PlanState::Applied | PlanState::Failed | PlanState::Cancelled | PlanState::Stale => {
                return Err(ApproveError::State { plan: id.clone(), state: state_in_words(plan.state) });
            }
        }
        may_be_approved(&plan, &cluster, &approval)?;
        plan.state = PlanState::Approved;
        plan.allow_destructive |= approval.allow_destructive;
        plan.deletes_max = approval.deletes_max.or(plan.deletes_max);
        plan.approved_by = Some(by.actor.clone());
        plan.approved_request_id.clone_from(&by.request_id);
        let raised = json!({"allow_destructive": plan.allow_destructive, "deletes_max": plan.deletes_max});
        let change = Change::new("plan.approve", id.as_str()).after(raised).ended(RecordOutcome::Accepted);
        self.save_head(plan, &cluster, "plan.approved", by, change).await
    }

    /// One that is being applied ends with the batch in flight; what was done stays done.
    pub async fn cancel(&self, id: &PlanId, by: &By) -> Result<Plan, ApproveError> {
        let (mut plan, cluster) = self.plan_of(id).await?;
        match plan.state {
            PlanState::Proposed | PlanState::Approved => {}
            PlanState::Applying => {
                self.cancel_applying(&plan, &cluster, by).await?;
                return Ok(plan);
            }
            PlanState::Cancelled => return Ok(plan),
            PlanState::Applied | PlanState::Failed | PlanState::Stale => {
                return Err(ApproveError::State { plan: id.clone(), state: state_in_words(plan.state) });
            }
        }
        let change = Change::new("plan.cancel", id.as_str()).before(json!({"state": plan.state}));
        plan.state = PlanState::Cancelled;
        plan.message = Some(format!("cancelled by {}", by.actor));
        self.save_head(plan, &cluster, "plan.cancelled", by, change).await
    }

    async fn cancel_applying(&self, plan: &Plan, cluster: &Cluster, by: &By) -> Result<(), ApproveError> {
        let mut tx = self.store.begin().await?;
        if tx.cancel_applying(&plan.id, &by.actor).await? {
            let change = Change::new("plan.cancel", plan.id.as_str()).part_of(plan.id.as_str());
            let change = change.before(json!({"state": plan.state})).ended(RecordOutcome::Accepted);
            let told = Told::new("plan.cancelling", plan.id.as_str(), json!({})).by(by).kept(change);
            self.tell(&mut tx, cluster, told).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn plan_of(&self, id: &PlanId) -> Result<(Plan, Cluster), ApproveError> {
        let no_plan = || ApproveError::NoPlan(id.clone());
        let plan = self.store.find_plan(id).await?.ok_or_else(no_plan)?;
        let cluster = self.store.find_cluster_by_id(&plan.cluster).await?.ok_or_else(no_plan)?;
        Ok((plan, cluster))
    }

    async fn save_head(
        &self,
        mut plan: Plan,
        cluster: &Cluster,
        kind: &'static str,
        by: &By,
        change: Change,
    ) -> Result<Plan, ApproveError> {
        plan.updated_at_ms = self.now_ms();
        let mut tx = self.store.begin().await?;
        if !tx.save_plan(&mut plan).await? {
            return Err(ApproveError::Changed(plan.id));
        }
        let data = json!({"steps": plan.steps.len()});
        let told = Told::new(kind, plan.id.as_str(), data).by(by).kept(change.part_of(plan.id.as_str()));
        self.tell(&mut tx, cluster, told).await?;
        tx.commit().await?;
        Ok(plan)
    }
}

fn may_be_approved(plan: &Plan, cluster: &Cluster, approval: &Approval) -> Result<(), ApproveError> {
    if cluster.authority == Authority::Observe {
        return Err(ApproveError::Observed(cluster.name.clone()));
    }
    if matches!(cluster.reach, Reach::Foreign { .. }) {
        return Err(ApproveError::Foreign(cluster.name.clone()));
    }
    let Approval { deletes_max, allow_destructive, .. } = *approval;
    let raised = Raised { deletes_max, allow_destructive, ..Raised::default() };
    match planning::refusals(plan, &raised) {
        refusals if refusals.is_empty() => Ok(()),
        refusals => Err(ApproveError::Limits(refusals)),
    }
}

fn exceeded_in_words(exceeded: &[Exceeded]) -> String {
    exceeded.iter().map(|limit| limit.message.as_str()).collect::<Vec<_>>().join("; ")
}

fn state_in_words(state: PlanState) -> &'static str {
    match state {
        PlanState::Proposed => "proposed",
        PlanState::Approved => "approved",
        PlanState::Applying => "being applied",
        PlanState::Applied => "applied",
        PlanState::Failed => "failed",
        PlanState::Cancelled => "cancelled",
        PlanState::Stale => "stale",
    }
}
