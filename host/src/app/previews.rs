//! Looks ahead: what goes with a cluster when it is removed, and what another authority would mean for what is there.

use std::collections::BTreeMap;

use super::caller::Caller;
use super::engine::{Proposal, ProposeOptions};
use super::relations::dependants;
use super::{App, AppError, NamedPlan, ToldOfRelation};
use crate::domain::cluster::Cluster;
use crate::domain::plan::{Plan, PlanState};
use crate::domain::policy::Authority;
use crate::domain::status::Status;
use crate::store::{Belongings, ResourceFilter};

/// Wishes that a look ahead plans for at once, as a cycle does.
const WISHES_MAX: u32 = 1_000;

/// What a removal would take, and what stands against it.
#[derive(Clone, Debug, PartialEq)]
pub struct Removal {
    pub cluster: String,
    pub goes: Belongings,
    /// That begin or end at it, and go with it.
    pub relations: Vec<ToldOfRelation>,
    /// Clusters that stand on it: each has to be named.
    pub dependants: Vec<String>,
    /// That is being applied: it ends first.
    pub applying: Option<String>,
}

/// What an authority would mean for what is there.
#[derive(Clone, Debug, PartialEq)]
pub struct AuthorityPreview {
    pub cluster: Cluster,
    pub authority: Authority,
    /// Adopt: what would be taken over, type by type. Manage: what would be changed, so that it is as it was wished for.
    /// None of them is stored.
    pub plans: Vec<NamedPlan>,
    /// Seen, wished for by nobody, and not the backend's own: by type. `manage` and `observe` leave it as it is.
    pub unmanaged: BTreeMap<String, u64>,
}

impl App {
    pub async fn preview_removal(&self, caller: &Caller, name: &str) -> Result<Removal, AppError> {
        let cluster = self.find_cluster(caller, name).await?;
        let relations = self.list_relations(caller, Some(name)).await?;
        let open = self.store.open_plans(&cluster.id).await?;
        let applying = open.into_iter().find(|plan| plan.state == PlanState::Applying);
        Ok(Removal {
            goes: self.store.count_belongings(&cluster.id).await?,
            cluster: cluster.name,
            dependants: dependants(&relations, name).into_iter().collect(),
            relations,
            applying: applying.map(|plan| plan.id.to_string()),
        })
    }

    /// A cluster that was not looked at yet is looked at first. Nothing is stored but what was seen.
    pub async fn preview_authority(
        &self,
        caller: &Caller,
        name: &str,
        authority: Authority,
    ) -> Result<AuthorityPreview, AppError> {
        caller.may_write()?;
        let mut cluster = self.find_cluster(caller, name).await?;
        self.check_one_writer(&cluster, authority).await?;
        if !self.is_seen(&cluster).await? {
            self.sync_cluster(caller, name).await?;
            cluster = self.find_cluster(caller, name).await?;
        }
        // As it would be, and never saved.
        let as_if = Cluster { authority, ..cluster.clone() };
        let plans = match authority {
            Authority::Observe => Vec::new(),
            Authority::Adopt => self.adoptions(caller, &as_if).await?,
            Authority::Manage => self.corrections(caller, &as_if).await?,
        };
        let does_something = |plan: &Plan| !plan.steps.is_empty() || !plan.blocked.is_empty();
        let named = |plan| NamedPlan { plan, cluster: cluster.name.clone() };
        let plans = plans.into_iter().filter(does_something).map(named).collect();
        let unmanaged = self.unmanaged(&cluster).await?;
        Ok(AuthorityPreview { cluster, authority, plans, unmanaged })
    }

    /// Whether each of its types was listed once. The first cycle may be on its way, with some listed and some not.
    async fn is_seen(&self, cluster: &Cluster) -> Result<bool, AppError> {
        let sweeps = self.store.list_sweeps(&cluster.id).await?;
        let types = self.types_of(cluster).await?;
        Ok(types.iter().all(|shape| {
            sweeps.iter().any(|sweep| sweep.metadata_type == shape.name && sweep.complete_at_ms.is_some())
        }))
    }

    async fn adoptions(&self, caller: &Caller, as_if: &Cluster) -> Result<Vec<Plan>, AppError> {
        let mut plans = Vec::new();
        for shape in self.types_of(as_if).await?.into_iter().filter(|shape| !shape.verbs.read_only()) {
            let proposal = Proposal::Adopt { metadata_type: shape.name, pattern: "*".to_owned() };
            plans.push(self.engine.propose(as_if, proposal, ProposeOptions::default(), &caller.by).await?);
        }
        Ok(plans)
    }

    async fn corrections(&self, caller: &Caller, as_if: &Cluster) -> Result<Vec<Plan>, AppError> {
        let statuses = vec![Status::Drifted, Status::Conflicted, Status::Pending];
        let filter = ResourceFilter { statuses, ..ResourceFilter::default() };
        let rows = self.store.list_resources(&as_if.id, &filter, None, WISHES_MAX).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let proposal = Proposal::Revert { keys: rows.into_iter().map(|row| row.key).collect(), fields: None };
        Ok(vec![self.engine.propose(as_if, proposal, ProposeOptions::default(), &caller.by).await?])
    }

    async fn unmanaged(&self, cluster: &Cluster) -> Result<BTreeMap<String, u64>, AppError> {
        let mut unmanaged = BTreeMap::new();
        for count in self.store.count_resources(&cluster.id).await? {
            if count.status == Status::Unmanaged {
                *unmanaged.entry(count.metadata_type).or_insert(0) += count.count;
            }
        }
        Ok(unmanaged)
    }
}
