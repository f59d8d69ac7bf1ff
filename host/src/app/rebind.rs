//! Rebind: another cluster answers under the address, and that is meant.
//!
//! Wishes stay; what was confirmed and what was ours goes, because it was said of another cluster.

use super::caller::Caller;
use super::clusters::{about, changed_meanwhile, shown};
use super::{App, AppError, ClusterDetails};
use crate::domain::cluster::{Cluster, Reach};
use crate::domain::id::ClusterId;
use crate::domain::place::Place;
use crate::domain::plan::PlanState;
use crate::domain::record::Change;
use crate::domain::resource::{Presence, Resource};
use crate::domain::status::{Activity, Difference, Status};
use crate::store::{ResourceFilter, Tx};

/// Rows read and written at a time.
const BATCH: u32 = 1_000;

impl App {
    pub async fn rebind_cluster(
        &self,
        caller: &Caller,
        name: &str,
        version: Option<i64>,
    ) -> Result<ClusterDetails, AppError> {
        caller.may_write()?;
        let mut cluster = self.find_at_version(caller, name, version).await?;
        self.refuse_while_applying(&cluster).await?;
        let before = shown(&cluster);
        let mut tx = self.store.begin().await?;
        cluster.identity = None;
        cluster.discovered_at_ms = None;
        cluster.reach = Reach::New;
        // A session that is still open talks to the old cluster.
        cluster.credential_revision += 1;
        if !self.save(&mut tx, &mut cluster).await? {
            return Err(changed_meanwhile(name));
        }
        self.forget_copies(&mut tx, &cluster).await?;
        // With them goes the note that it was proposed to adopt: the first sweep of the new one proposes again.
        tx.delete_sweeps(&cluster.id).await?;
        let ended = self.end_plans(&mut tx, caller, &cluster).await?;
        let change = Change::new("cluster.rebind", name).before(before).after(shown(&cluster));
        let change = change.saying((ended > 0).then(|| format!("{ended} plans that waited are stale")));
        self.record(&mut tx, caller, about(&cluster, "cluster.rebound", change)).await?;
        tx.commit().await?;
        self.engine.nudge(&cluster.id);
        self.show_cluster(caller, name).await
    }

    async fn forget_copies(&self, tx: &mut Tx, cluster: &Cluster) -> Result<(), AppError> {
        let mut after: Option<(String, String, Place)> = None;
        loop {
            let mut resources = self.page_of_resources(&cluster.id, after.take()).await?;
            let Some(last) = resources.last() else { return Ok(()) };
            after = Some((last.key.metadata_type.clone(), last.key.id.clone(), last.key.place.clone()));
            for resource in &mut resources {
                forget(resource, self.now_ms());
            }
            if !tx.save_resources(&cluster.id, &mut resources).await?.is_empty() {
                return Err(changed_meanwhile(&cluster.name));
            }
        }
    }

    async fn page_of_resources(
        &self,
        cluster: &ClusterId,
        after: Option<(String, String, Place)>,
    ) -> Result<Vec<Resource>, AppError> {
        let (after_type, after) = match after {
            Some((after_type, id, place)) => (Some(after_type), Some((id, place))),
            None => (None, None),
        };
        let filter = ResourceFilter { after_type, ..ResourceFilter::default() };
        Ok(self.store.list_resources(cluster, &filter, after, BATCH).await?)
    }

    /// How many there were.
    async fn end_plans(&self, tx: &mut Tx, caller: &Caller, cluster: &Cluster) -> Result<usize, AppError> {
        let states = [PlanState::Proposed, PlanState::Approved];
        let (mut after, mut ended) = (None, 0);
        loop {
            let heads = self
                .store
                .list_plans(&caller.organization, Some(&cluster.id), &states, after.as_ref(), BATCH)
                .await?;
            let Some(last) = heads.last() else { return Ok(ended) };
            after = Some(last.id.clone());
            ended += heads.len();
            for head in &heads {
                let Some(mut plan) = self.store.find_plan(&head.id).await? else { continue };
                plan.state = PlanState::Stale;
                plan.message = Some("the cluster was rebound".to_owned());
                plan.updated_at_ms = self.now_ms();
                if !tx.save_plan(&mut plan).await? {
                    return Err(changed_meanwhile(&cluster.name));
                }
            }
        }
    }
}

fn forget(resource: &mut Resource, now_ms: i64) {
    resource.applied = None;
    resource.owned = false;
    resource.owned_incarnation = None;
    resource.presence = Presence::Unseen;
    resource.activity = Activity::Idle;
    (resource.difference, resource.status) = match resource.desired {
        Some(_) => (Difference::Pending, Status::Pending),
        None => (Difference::Unmanaged, Status::Unmanaged),
    };
    resource.updated_at_ms = now_ms;
}
