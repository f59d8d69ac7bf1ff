//! Plans: proposed, read, approved, cancelled, undone. Applying them is the reconciler's.

use std::collections::BTreeMap;

use super::caller::Caller;
use super::engine::{Approval, Proposal, ProposeOptions};
use super::{App, AppError};
use crate::domain::cluster::Cluster;
use crate::domain::id::PlanId;
use crate::domain::plan::{Plan, PlanState};

/// A plan with the name of its cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedPlan {
    pub plan: Plan,
    pub cluster: String,
}

impl App {
    pub async fn propose_plan(
        &self,
        caller: &Caller,
        cluster: &str,
        proposal: Proposal,
        options: ProposeOptions,
    ) -> Result<NamedPlan, AppError> {
        caller.may_write()?;
        let cluster = self.find_cluster(caller, cluster).await?;
        let plan = self.engine.propose(&cluster, proposal, options, &caller.by).await?;
        Ok(NamedPlan { plan, cluster: cluster.name })
    }

    /// Newest first.
    pub async fn list_plans(
        &self,
        caller: &Caller,
        cluster: Option<&str>,
        states: &[PlanState],
        after: Option<&PlanId>,
        limit: u32,
    ) -> Result<Vec<NamedPlan>, AppError> {
        let cluster = match cluster {
            Some(name) => Some(self.find_cluster(caller, name).await?),
            None => None,
        };
        let id = cluster.as_ref().map(|cluster| &cluster.id);
        let plans = self.store.list_plans(&caller.organization, id, states, after, limit).await?;
        let mut names = BTreeMap::new();
        let mut named = Vec::with_capacity(plans.len());
        for plan in plans {
            if !names.contains_key(&plan.cluster) {
                let found = self.store.find_cluster_by_id(&plan.cluster).await?;
                names.insert(plan.cluster.clone(), found.map(|cluster| cluster.name).unwrap_or_default());
            }
            let cluster = names.get(&plan.cluster).cloned().unwrap_or_default();
            named.push(NamedPlan { plan, cluster });
        }
        Ok(named)
    }

    pub async fn show_plan(&self, caller: &Caller, id: &PlanId) -> Result<NamedPlan, AppError> {
        let (plan, cluster) = self.find_plan(caller, id).await?;
        Ok(NamedPlan { plan, cluster: cluster.name })
    }

    /// The reconciler applies it.
    pub async fn approve_plan(
        &self,
        caller: &Caller,
        id: &PlanId,
        approval: Approval,
    ) -> Result<NamedPlan, AppError> {
        caller.may_write()?;
        let (_, cluster) = self.find_at_plan_version(caller, id, approval.version).await?;
        let plan = self.engine.approve(id, approval, &caller.by).await?;
        self.engine.nudge(&cluster.id);
        Ok(NamedPlan { plan, cluster: cluster.name })
    }

    pub async fn cancel_plan(
        &self,
        caller: &Caller,
        id: &PlanId,
        version: Option<i64>,
    ) -> Result<NamedPlan, AppError> {
        caller.may_write()?;
        let (_, cluster) = self.find_at_plan_version(caller, id, version).await?;
        let plan = self.engine.cancel(id, &caller.by).await?;
        self.engine.nudge(&cluster.id);
        Ok(NamedPlan { plan, cluster: cluster.name })
    }

    /// A plan of what undoes this one.
    pub async fn undo_plan(&self, caller: &Caller, id: &PlanId) -> Result<NamedPlan, AppError> {
        caller.may_write()?;
        let (plan, cluster) = self.find_plan(caller, id).await?;
        let options = ProposeOptions { store: true, ..ProposeOptions::default() };
        let plan =
            self.engine.propose(&cluster, Proposal::Undo { plan: plan.id }, options, &caller.by).await?;
        Ok(NamedPlan { plan, cluster: cluster.name })
    }

    /// A plan of another organization is not there.
    async fn find_plan(&self, caller: &Caller, id: &PlanId) -> Result<(Plan, Cluster), AppError> {
        let missing = || AppError::not_found("plan", id.as_str());
        let plan = self.store.find_plan(id).await?.ok_or_else(missing)?;
        let cluster = self.store.find_cluster_by_id(&plan.cluster).await?;
        let cluster =
            cluster.filter(|cluster| cluster.organization == caller.organization).ok_or_else(missing)?;
        Ok((plan, cluster))
    }

    async fn find_at_plan_version(
        &self,
        caller: &Caller,
        id: &PlanId,
        version: Option<i64>,
    ) -> Result<(Plan, Cluster), AppError> {
        let (plan, cluster) = self.find_plan(caller, id).await?;
        if version.is_some_and(|version| version != plan.version) {
            return Err(AppError::ChangedMeanwhile { noun: "plan", name: id.to_string() });
        }
        Ok((plan, cluster))
    }
}
