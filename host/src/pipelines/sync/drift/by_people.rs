//! A person takes the cluster's value into the wish, hides a difference, or lets go of a resource.

use serde_json::{Value, json};

use crate::domain::cluster::Cluster;
use crate::domain::compare::FieldState;
use crate::domain::fields;
use crate::domain::policy::{IgnoreRule, Policy, PolicyEntry, PolicySubject};
use crate::domain::record::{By, Change};
use crate::domain::resource::{Presence, Resource, ResourceKey};
use crate::domain::status::StatusEvent;
use crate::pipelines::sync::observe::{Lens, Noticed};
use crate::pipelines::sync::{Sync, SyncError, Told};
use crate::store::{StoreError, Tx};

#[derive(Debug, thiserror::Error)]
pub enum DriftError {
    #[error("there is no {} `{}` at {}", .0.metadata_type, .0.id, .0.place)]
    NoResource(ResourceKey),
    #[error("nobody wished anything of {} `{}`: there is nothing to compare it with", .0.metadata_type, .0.id)]
    NoWish(ResourceKey),
    #[error("{} `{}` was not seen yet; sync the cluster first", .0.metadata_type, .0.id)]
    NotSeen(ResourceKey),
    #[error("`{field}` of {} `{}` does not differ", key.metadata_type, key.id)]
    NoDifference { key: ResourceKey, field: String },
    #[error("a plan is being carried out on {} `{}`; wait for its end", .0.metadata_type, .0.id)]
    InFlight(ResourceKey),
    #[error(transparent)]
    Sync(#[from] SyncError),
}

impl From<StoreError> for DriftError {
    fn from(error: StoreError) -> Self {
        Self::Sync(SyncError::Store(error))
    }
}

impl Sync {
    /// Takes the cluster's value into the wish, of those fields or of all that differ. Gone: ends the wish.
    pub async fn accept(
        &self,
        cluster: &Cluster,
        key: &ResourceKey,
        chosen: Option<Vec<String>>,
        by: &By,
    ) -> Result<Resource, DriftError> {
        let lens = self.lens_of(cluster).await?;
        let mut tx = self.store.begin().await?;
        let before = idle_row(&mut tx, cluster, key).await?;
        let mut after = before.clone();
        take_clusters_value(&lens, &mut after, chosen)?;
        let change = change("drift.accept", &before, &after);
        let told = Told::new("drift.accepted", key.to_string(), json!({"key": key})).by(by).kept(change);
        self.save_decision(tx, cluster, &lens, (before, after), told).await
    }

    /// Ends wish and ownership; the resource stays as it is.
    pub async fn release(
        &self,
        cluster: &Cluster,
        key: &ResourceKey,
        by: &By,
    ) -> Result<Resource, DriftError> {
        let lens = self.lens_of(cluster).await?;
        let mut tx = self.store.begin().await?;
        let before = idle_row(&mut tx, cluster, key).await?;
        let mut after = before.clone();
        let_go(&mut after);
        let change = change("resource.release", &before, &after);
        let told = Told::new("resource.released", key.to_string(), json!({"key": key})).by(by).kept(change);
        self.save_decision(tx, cluster, &lens, (before, after), told).await
    }

    /// Hides the difference of a field, or of the whole resource, by a rule that lists show.
    pub async fn ignore(
        &self,
        cluster: &Cluster,
        key: &ResourceKey,
        field: Option<String>,
        by: &By,
    ) -> Result<Resource, DriftError> {
        let mut lens = self.lens_of(cluster).await?;
        let mut tx = self.store.begin().await?;
        let before = found_row(&mut tx, cluster, key).await?;
        let entry = with_rule(&lens.policies, key, field);
        let known = lens.policies.iter().find(|known| known.subject == entry.subject);
        let rules = |entry: Option<&PolicyEntry>| json!(entry.map_or(&[][..], |entry| &entry.policy.ignore));
        let change = Change::new("drift.ignore", key.to_string())
            .before(json!({"ignore": rules(known)}))
            .after(json!({"ignore": rules(Some(&entry))}));
        tx.save_policy(&cluster.id, &entry).await?;
        lens.policies.retain(|known| known.subject != entry.subject);
        lens.policies.push(entry);
        let told = Told::new("drift.ignored", key.to_string(), json!({"key": key})).by(by).kept(change);
        self.save_decision(tx, cluster, &lens, (before.clone(), before), told).await
    }

    async fn lens_of(&self, cluster: &Cluster) -> Result<Lens, SyncError> {
        let types = self.kind(cluster)?.types(Some(&cluster.facts)).await?;
        self.lens(cluster, types).await
    }

    async fn save_decision(
        &self,
        mut tx: Tx,
        cluster: &Cluster,
        lens: &Lens,
        (before, mut after): (Resource, Resource),
        told: Told,
    ) -> Result<Resource, DriftError> {
        lens.judge(&mut after)?;
        let mut noticed = Noticed::at(self.now_ms());
        let cause = format!("{} by {}", told.kind, told.by.actor);
        noticed.change_or_forget(Some(before), after.clone(), &cause);
        self.write_noticed(&mut tx, cluster, noticed).await?;
        self.tell(&mut tx, cluster, told).await?;
        tx.commit().await?;
        Ok(self.store.find_resource(&cluster.id, &after.key).await?.unwrap_or(after))
    }
}

/// What a decision makes of the wish and of whose it is.
fn change(action: &str, before: &Resource, after: &Resource) -> Change {
    let shown = |row: &Resource| json!({"desired": row.desired, "owned": row.owned});
    Change::new(action, before.key.to_string()).before(shown(before)).after(shown(after))
}

async fn found_row(tx: &mut Tx, cluster: &Cluster, key: &ResourceKey) -> Result<Resource, DriftError> {
    let mut rows = tx.find_resources(&cluster.id, std::slice::from_ref(key)).await?;
    rows.pop().ok_or_else(|| DriftError::NoResource(key.clone()))
}

/// A wish does not change under a write that is on its way.
async fn idle_row(tx: &mut Tx, cluster: &Cluster, key: &ResourceKey) -> Result<Resource, DriftError> {
    use crate::domain::status::Activity;
    let row = found_row(tx, cluster, key).await?;
    match row.activity {
        Activity::Syncing | Activity::Unknown { .. } => Err(DriftError::InFlight(key.clone())),
        Activity::Idle | Activity::Failed { .. } | Activity::Blocked { .. } => Ok(row),
    }
}

fn let_go(row: &mut Resource) {
    row.desired = None;
    row.applied = None;
    row.owned = false;
    row.owned_incarnation = None;
    row.activity = row.activity.clone().on(StatusEvent::Wished);
}

fn take_clusters_value(
    lens: &Lens,
    row: &mut Resource,
    chosen: Option<Vec<String>>,
) -> Result<(), DriftError> {
    let Some(mut desired) = row.desired.clone() else { return Err(DriftError::NoWish(row.key.clone())) };
    match row.presence {
        Presence::Unseen => return Err(DriftError::NotSeen(row.key.clone())),
        Presence::Absent => {
            let_go(row);
            return Ok(());
        }
        Presence::Present => {}
    }
    let comparison = lens.compare(row)?;
    let differs = |path: &String| comparison.fields.iter().any(|field| field.path == *path);
    if let Some(field) = chosen.iter().flatten().find(|path| !differs(path)) {
        return Err(DriftError::NoDifference { key: row.key.clone(), field: field.clone() });
    }
    let mut applied = row.applied.take().unwrap_or_else(|| json!({}));
    for field in &comparison.fields {
        let is_chosen = match &chosen {
            Some(chosen) => chosen.contains(&field.path),
            // Not the wish that is only on its way.
            None => field.state != FieldState::Pending,
        };
        if is_chosen && !field.path.is_empty() {
            let value = field.observed.clone().unwrap_or(Value::Null);
            fields::set(&mut desired, &field.path, value.clone());
            fields::set(&mut applied, &field.path, value);
        }
    }
    row.desired = Some(desired);
    row.applied = Some(applied);
    row.activity = row.activity.clone().on(StatusEvent::Wished);
    Ok(())
}

fn with_rule(policies: &[PolicyEntry], key: &ResourceKey, field: Option<String>) -> PolicyEntry {
    let subject = PolicySubject { metadata_type: Some(key.metadata_type.clone()), id: Some(key.id.clone()) };
    let known = policies.iter().find(|entry| entry.subject == subject).cloned();
    let mut entry = known.unwrap_or(PolicyEntry { subject, policy: Policy::default() });
    let rule = IgnoreRule { pattern: key.id.clone(), field };
    if !entry.policy.ignore.contains(&rule) {
        entry.policy.ignore.push(rule);
    }
    entry
}
