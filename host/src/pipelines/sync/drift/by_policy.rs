//! What a cycle plans by itself: what the drift policy asks for, wishes that wait, the first proposal to adopt.
//!
//! Invariant: never endless. A resource in an open plan is not planned again, nor is one that was refused.

use std::collections::BTreeSet;

use crate::domain::cluster::{Cluster, homes};
use crate::domain::plan::{Plan, PlanState, Reason, StandingWish, Step};
use crate::domain::policy::{Authority, DriftPolicy};
use crate::domain::record::{By, HOST};
use crate::domain::resource::{Resource, ResourceKey};
use crate::domain::status::{self, Activity, Status, StatusEvent};
use crate::domain::stream::SYNC;
use crate::pipelines::sync::observe::{Lens, Noticed};
use crate::pipelines::sync::plan::{self as planning, Homes, Raised};
use crate::pipelines::sync::{Approval, Asked, ProposeError, ProposeRequest, Sync, SyncError, TypeReport};
use crate::store::ResourceFilter;

/// Resources in one plan that nobody asked for.
const PLANNED_MAX: u32 = 1_000;
/// Plans that are looked at for whether a resource is in one already.
const PLANS_READ: u32 = 1_000;

/// What the policies ask for, by what is done about it.
#[derive(Default)]
struct Due {
    propose: Vec<ResourceKey>,
    revert: Vec<ResourceKey>,
    resume: Vec<ResourceKey>,
}

impl Sync {
    pub(in super::super) async fn follow_policies(
        &self,
        cluster: &Cluster,
        lens: &Lens,
        reports: &[TypeReport],
    ) -> Result<(), SyncError> {
        if cluster.authority == Authority::Observe || !reports.iter().any(|report| report.complete) {
            return Ok(());
        }
        if cluster.authority == Authority::Adopt {
            self.propose_to_adopt(cluster, lens).await?;
        }
        let due = self.due(cluster, lens).await?;
        let revert = |keys| Asked::Revert { keys, fields: None, by_policy: true };
        // Apart, so that one waits for a person and the other does not.
        self.plan_by_policy(cluster, revert(due.propose)).await;
        self.plan_by_policy(cluster, revert(due.revert)).await;
        self.plan_by_policy(cluster, Asked::Resume { keys: due.resume }).await;
        let wishes = self.to_join(cluster, lens).await?;
        self.plan_by_policy(cluster, Asked::Join { wishes }).await;
        self.approve_by_policy(cluster, lens).await
    }

    async fn due(&self, cluster: &Cluster, lens: &Lens) -> Result<Due, SyncError> {
        // Where both sides moved a person decides.
        let statuses = vec![Status::Drifted, Status::Pending];
        let filter = ResourceFilter { statuses, ..ResourceFilter::default() };
        let rows = self.store.list_resources(&cluster.id, &filter, None, PLANNED_MAX).await?;
        let mut due = Due::default();
        if rows.is_empty() {
            return Ok(due);
        }
        let taken = self.planned_already(cluster).await?;
        for row in rows.into_iter().filter(|row| is_open_to_plans(row) && !taken.contains(&row.key)) {
            if lens.authority_over(&row.key) == Authority::Observe {
                continue;
            }
            match (row.status, lens.drift_policy_over(&row.key)) {
                (Status::Pending, _) => due.resume.push(row.key),
                (_, DriftPolicy::Show) => {}
                (_, DriftPolicy::Propose) => due.propose.push(row.key),
                (_, DriftPolicy::Revert) => due.revert.push(row.key),
            }
        }
        Ok(due)
    }

    /// Standing wishes that were not planned yet for a group or node that is there by now.
    async fn to_join(&self, cluster: &Cluster, lens: &Lens) -> Result<Vec<StandingWish>, SyncError> {
        let planned = self.store.standing_places(&cluster.id).await?;
        if planned.is_empty() {
            return Ok(Vec::new());
        }
        let nodes = self.store.list_nodes(&cluster.id).await?;
        let homes: Homes = lens
            .types
            .iter()
            .map(|shape| (shape.name.clone(), homes(shape, nodes.iter().map(|(node, _)| node))))
            .collect();
        let mut wishes = Vec::new();
        for (metadata_type, places) in planned {
            let mut homes = homes.get(&metadata_type).into_iter().flatten();
            if homes.any(|home| !places.contains(home)) {
                let found = self.store.list_standing_wishes(&cluster.id, &metadata_type, &places);
                wishes.extend(found.await?);
            }
        }
        if wishes.is_empty() {
            return Ok(wishes);
        }
        let taken = self.planned_already(cluster).await?;
        wishes.retain(|wish| !planning::joining(wish, &homes).iter().any(|key| taken.contains(key)));
        wishes.truncate(PLANNED_MAX as usize);
        Ok(wishes)
    }

    /// In a plan that waits or runs, or in one that a person turned down.
    async fn planned_already(&self, cluster: &Cluster) -> Result<BTreeSet<ResourceKey>, SyncError> {
        let open = [PlanState::Proposed, PlanState::Approved, PlanState::Applying, PlanState::Cancelled];
        let organization = &cluster.organization;
        let plans = self.store.list_plans(organization, Some(&cluster.id), &open, None, PLANS_READ).await?;
        let mut taken = BTreeSet::new();
        for plan in plans.into_iter().filter(counts) {
            taken.extend(plan.steps.into_iter().map(|step| step.key));
            taken.extend(plan.blocked.into_iter().map(|blocked| blocked.key));
        }
        Ok(taken)
    }

    /// Whether it could be planned. Failures are told and not passed on: a plan that cannot be made must not fail the
    /// cycle that saw the drift.
    async fn plan_by_policy(&self, cluster: &Cluster, asked: Asked) -> bool {
        let is_empty = match &asked {
            Asked::Revert { keys, .. } | Asked::Resume { keys } => keys.is_empty(),
            Asked::Join { wishes } => wishes.is_empty(),
            Asked::Documents(_)
            | Asked::Repair(_)
            | Asked::Adopt { .. }
            | Asked::Delete { .. }
            | Asked::Undo { .. } => false,
        };
        if is_empty {
            return true;
        }
        let request = ProposeRequest { asked, raised: Raised::default(), complete: false, dry_run: false };
        match Box::pin(self.propose(cluster, request, &By::host())).await {
            Ok(plan) => {
                if let Err(error) = self.mark_blocked(cluster, &plan).await {
                    tracing::warn!(target: SYNC, cluster = %cluster.name, %error, "what is blocked could not be marked");
                }
                true
            }
            Err(error) => {
                told_refused(cluster, &error);
                false
            }
        }
    }

    /// What the plugin refuses is not asked again at every cycle: it is blocked until wish or cluster change.
    async fn mark_blocked(&self, cluster: &Cluster, plan: &Plan) -> Result<(), SyncError> {
        if plan.blocked.is_empty() {
            return Ok(());
        }
        let keys: Vec<ResourceKey> = plan.blocked.iter().map(|blocked| blocked.key.clone()).collect();
        let mut tx = self.store.begin().await?;
        let mut noticed = Noticed::at(self.now_ms());
        for before in tx.find_resources(&cluster.id, &keys).await? {
            let Some(blocked) = plan.blocked.iter().find(|blocked| blocked.key == before.key) else {
                continue;
            };
            let mut after = before.clone();
            after.activity = after.activity.on(StatusEvent::Hindered { reason: blocked.reason.clone() });
            after.status = status::word(after.difference, &after.activity);
            noticed.change(Some(&before), after, "planned by policy");
        }
        self.write_noticed(&mut tx, cluster, noticed).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Found by what the plans are, not by who just made them: a stop between making and approving one loses nothing.
    /// One beyond a limit waits for a person.
    async fn approve_by_policy(&self, cluster: &Cluster, lens: &Lens) -> Result<(), SyncError> {
        let (organization, proposed) = (&cluster.organization, [PlanState::Proposed]);
        let plans =
            self.store.list_plans(organization, Some(&cluster.id), &proposed, None, PLANS_READ).await?;
        let reverts = |step: &Step| lens.drift_policy_over(&step.key) == DriftPolicy::Revert;
        let is_due = |plan: &Plan| {
            plan.reason == Reason::Revert { by_policy: true }
                && !plan.steps.is_empty()
                && plan.steps.iter().all(reverts)
                && planning::refusals(plan, &Raised::default()).is_empty()
        };
        // The oldest first, as they were made.
        for plan in plans.iter().rev().filter(|plan| is_due(plan)) {
            if let Err(error) = self.approve(&plan.id, Approval::default(), &By::host()).await {
                tracing::warn!(target: SYNC, plan = %plan.id, %error, "a plan to revert drift was not approved");
            }
        }
        Ok(())
    }

    /// Once a type, after its first complete sweep. A stop between the plan and the note that it was made finds the plan.
    async fn propose_to_adopt(&self, cluster: &Cluster, lens: &Lens) -> Result<(), SyncError> {
        let waiting = self.store.types_to_adopt(&cluster.id).await?;
        let is_settable =
            |name: &String| lens.types.iter().any(|shape| shape.name == *name && !shape.verbs.read_only());
        for metadata_type in waiting.into_iter().filter(is_settable) {
            let asked = Asked::Adopt { metadata_type: metadata_type.clone(), pattern: "*".to_owned() };
            if !self.was_proposed(cluster, &metadata_type).await?
                && !self.plan_by_policy(cluster, asked).await
            {
                continue;
            }
            let mut tx = self.store.begin().await?;
            tx.save_adopt_proposed(&cluster.id, &metadata_type, self.now_ms()).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    async fn was_proposed(&self, cluster: &Cluster, metadata_type: &str) -> Result<bool, SyncError> {
        let open = [PlanState::Proposed, PlanState::Approved, PlanState::Applying];
        let plans =
            self.store.list_plans(&cluster.organization, Some(&cluster.id), &open, None, PLANS_READ).await?;
        Ok(plans.iter().any(|plan| {
            plan.reason == Reason::Adopt
                && plan.created_by == HOST
                && plan.steps.iter().any(|step| step.key.metadata_type == metadata_type)
        }))
    }
}

/// Drift that a person answered with cancelling the plan is shown, not planned again at every cycle.
fn counts(plan: &Plan) -> bool {
    match plan.state {
        PlanState::Proposed | PlanState::Approved | PlanState::Applying => true,
        PlanState::Cancelled => match plan.reason {
            Reason::Revert { by_policy } => by_policy,
            Reason::Resume | Reason::Join => true,
            Reason::Documents | Reason::Adopt | Reason::Delete | Reason::Undo { .. } | Reason::Repair => {
                false
            }
        },
        PlanState::Applied | PlanState::Failed | PlanState::Stale => false,
    }
}

fn is_open_to_plans(row: &Resource) -> bool {
    match row.activity {
        Activity::Idle => true,
        Activity::Syncing | Activity::Failed { .. } | Activity::Blocked { .. } | Activity::Unknown { .. } => {
            false
        }
    }
}

fn told_refused(cluster: &Cluster, error: &ProposeError) {
    tracing::warn!(target: SYNC, cluster = %cluster.name, %error, "a plan by policy could not be made");
}
