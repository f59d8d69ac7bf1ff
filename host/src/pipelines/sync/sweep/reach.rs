//! Whether the right cluster answers: its identity, version and nodes as found, its reach as a row.

use serde_json::json;

use super::super::session::foreign;
use super::super::{Sync, SyncError, Told};
use crate::domain::cluster::{Cluster, Discovery, Reach};
use crate::domain::id::ClusterId;
use crate::domain::policy::Authority;

/// A row that a person changes at the same moment is read again so often.
const SAVES_MAX: u32 = 5;

impl SyncError {
    /// Whether asking again later may help: the cluster or its plugin gave no usable answer.
    pub(in super::super) fn is_of_the_cluster(&self) -> bool {
        match self {
            Self::Call(_)
            | Self::Foreign { .. }
            | Self::Twice { .. }
            | Self::NoKind { .. }
            | Self::Contract(_) => true,
            Self::NoCluster(_) | Self::Paused(_) | Self::Changed(_) | Self::Store(_) => false,
        }
    }
}

impl Sync {
    /// Refuses another identity before anything of it is read.
    pub(super) async fn save_reached(
        &self,
        opened: Cluster,
        found: &Discovery,
    ) -> Result<Cluster, SyncError> {
        let mut cluster = opened;
        for _ in 0..SAVES_MAX {
            self.check_identity(&cluster, found).await?;
            let after = as_discovered(&cluster, found, self.now_ms());
            if self.save_discovered(&cluster, after.as_ref(), found).await? {
                return self.cluster(&cluster.id).await;
            }
            let fresh = self.cluster(&cluster.id).await?;
            if fresh.credential_revision != cluster.credential_revision
                || fresh.connection != cluster.connection
            {
                // What was found belongs to the connection as it was.
                return Err(SyncError::Changed(format!("cluster `{}`", cluster.name)));
            }
            cluster = fresh;
        }
        Err(SyncError::Changed(format!("cluster `{}`", cluster.name)))
    }

    async fn save_discovered(
        &self,
        before: &Cluster,
        after: Option<&Cluster>,
        found: &Discovery,
    ) -> Result<bool, SyncError> {
        let mut tx = self.store.begin().await?;
        if let Some(after) = after {
            if !tx.save_cluster(&mut after.clone()).await? {
                return Ok(false);
            }
            if before.reach != Reach::Reachable {
                let data = json!({"version": after.backend_version, "nodes": found.nodes.len()});
                self.tell(&mut tx, after, Told::new("cluster.reachable", &after.name, data)).await?;
            }
        }
        tx.save_nodes(&before.id, &found.nodes, self.now_ms()).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn check_identity(&self, cluster: &Cluster, found: &Discovery) -> Result<(), SyncError> {
        let Some(identity) = &found.identity else { return Ok(()) };
        if cluster.identity.as_ref().is_some_and(|known| known != identity) {
            return Err(foreign(cluster, identity));
        }
        if cluster.authority == Authority::Observe {
            return Ok(());
        }
        let same = self.store.clusters_with_identity(&cluster.kind, identity).await?;
        let writer =
            same.iter().find(|other| other.id != cluster.id && other.authority != Authority::Observe);
        match writer {
            Some(other) => Err(SyncError::Twice { other: other.name.clone() }),
            None => Ok(()),
        }
    }

    /// Remembers a failed cycle and when to try again; says so once, when it begins.
    pub(super) async fn save_unreached(&self, id: &ClusterId, error: &SyncError) -> Result<(), SyncError> {
        if !error.is_of_the_cluster() {
            return Ok(());
        }
        for _ in 0..SAVES_MAX {
            let Some(before) = self.store.find_cluster_by_id(id).await? else { return Ok(()) };
            let mut after = before.clone();
            after.reach = self.reach_after(&before.reach, error);
            after.updated_at_ms = self.now_ms();
            if after.reach == before.reach || self.save_reach(&before, &mut after, error).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn save_reach(
        &self,
        before: &Cluster,
        after: &mut Cluster,
        error: &SyncError,
    ) -> Result<bool, SyncError> {
        let mut tx = self.store.begin().await?;
        if !tx.save_cluster(after).await? {
            return Ok(false);
        }
        let told = match (&before.reach, &after.reach) {
            (Reach::Unreachable { .. }, Reach::Unreachable { .. }) | (_, Reach::New | Reach::Reachable) => {
                None
            }
            (_, Reach::Unreachable { .. }) => Some("cluster.unreachable"),
            (_, Reach::Foreign { .. }) => Some("cluster.foreign"),
        };
        if let Some(kind) = told {
            let data = json!({"error": error.to_string()});
            self.tell(&mut tx, after, Told::new(kind, &after.name, data)).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    fn reach_after(&self, before: &Reach, error: &SyncError) -> Reach {
        if let SyncError::Foreign { found, .. } = error {
            return Reach::Foreign { found: found.clone() };
        }
        let failures = match before {
            Reach::Unreachable { failures, .. } => failures.saturating_add(1),
            Reach::New | Reach::Reachable | Reach::Foreign { .. } => 1,
        };
        let wait_ms = u64::try_from(self.timing.backoff(failures).as_millis()).unwrap_or(u64::MAX);
        let now_ms = u64::try_from(self.now_ms()).unwrap_or(0);
        Reach::Unreachable {
            reason: error.to_string(),
            failures,
            next_attempt_at_ms: now_ms.saturating_add(wait_ms),
        }
    }
}

/// `None` where the row says it already: an unchanged cycle leaves the row's version, which people's edits name.
fn as_discovered(cluster: &Cluster, found: &Discovery, now_ms: i64) -> Option<Cluster> {
    let mut after = cluster.clone();
    if found.identity.is_some() {
        after.identity.clone_from(&found.identity);
    }
    after.backend_version.clone_from(&found.version);
    after.facts.clone_from(&found.facts);
    after.reach = Reach::Reachable;
    if after == *cluster && cluster.discovered_at_ms.is_some() {
        return None;
    }
    after.discovered_at_ms = Some(now_ms);
    after.updated_at_ms = now_ms;
    Some(after)
}
