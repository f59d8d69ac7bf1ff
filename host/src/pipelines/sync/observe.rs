//! What a look at a resource makes of its row, and what changed rows make of the store.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::session::find_type;
use super::{Sync, SyncError, Told};
use crate::domain::cluster::Cluster;
use crate::domain::compare::{self, Comparison};
use crate::domain::contract::MetadataType;
use crate::domain::policy::{self, Authority, DriftPolicy, Effective, PolicyEntry};
use crate::domain::resource::{Lookup, Observed, Presence, Resource, ResourceKey, Transition};
use crate::domain::status::{Status, StatusEvent};
use crate::domain::stream::METADATA;
use crate::domain::{fields, status};
use crate::store::Tx;

/// Everything that the judgement of a resource needs beside its row.
pub(super) struct Lens {
    pub(super) types: Vec<MetadataType>,
    pub(super) policies: Vec<PolicyEntry>,
    pub(super) authority: Authority,
    now_ms: i64,
}

pub(super) enum Sight<'a> {
    Seen(&'a Observed),
    Absent,
}

/// Changed rows on their way to the store.
pub(super) struct Noticed {
    at_ms: i64,
    saves: Vec<Resource>,
    forgotten: Vec<ResourceKey>,
    transitions: Vec<Transition>,
    told: Vec<Told>,
}

impl Sync {
    pub(super) async fn lens(&self, cluster: &Cluster, types: Vec<MetadataType>) -> Result<Lens, SyncError> {
        let policies = self.store.list_policies(&cluster.id).await?;
        Ok(Lens { types, policies, authority: cluster.authority, now_ms: self.now_ms() })
    }

    /// Reads them from the cluster now, whatever is stored.
    pub async fn look(&self, cluster: &Cluster, keys: &[ResourceKey]) -> Result<Vec<Lookup>, SyncError> {
        Ok(self.open(cluster).await?.look(keys, &[]).await?)
    }

    /// How many rows were left as they are, as they changed meanwhile.
    pub(super) async fn save_noticed(&self, cluster: &Cluster, noticed: Noticed) -> Result<usize, SyncError> {
        if noticed.is_empty() {
            return Ok(0);
        }
        let mut tx = self.store.begin().await?;
        let unsaved = self.write_noticed(&mut tx, cluster, noticed).await?;
        if !unsaved.is_empty() {
            tracing::debug!(target: METADATA, cluster = %cluster.name, rows = unsaved.len(), "rows changed while they were looked at");
        }
        tx.commit().await?;
        Ok(unsaved.len())
    }

    /// Rows that changed since they were read are left as they are; their keys.
    pub(super) async fn write_noticed(
        &self,
        tx: &mut Tx,
        cluster: &Cluster,
        mut noticed: Noticed,
    ) -> Result<Vec<ResourceKey>, SyncError> {
        let unsaved = tx.save_resources(&cluster.id, &mut noticed.saves).await?;
        noticed.transitions.retain(|transition| !unsaved.contains(&transition.key));
        tx.delete_resources(&cluster.id, &noticed.forgotten).await?;
        tx.insert_transitions(&cluster.id, &noticed.transitions).await?;
        for told in noticed.told {
            self.tell(tx, cluster, told).await?;
        }
        Ok(unsaved)
    }
}

impl Lens {
    pub(super) fn shape(&self, metadata_type: &str) -> Result<&MetadataType, SyncError> {
        find_type(&self.types, metadata_type)
            .ok_or_else(|| SyncError::Contract(format!("it no longer knows the type `{metadata_type}`")))
    }

    fn effective(&self, key: &ResourceKey) -> Effective {
        policy::resolve(&self.policies, self.authority, &key.metadata_type, Some(&key.id))
    }

    pub(super) fn authority_over(&self, key: &ResourceKey) -> Authority {
        self.effective(key).authority
    }

    pub(super) fn is_protected(&self, key: &ResourceKey) -> bool {
        self.effective(key).protect
    }

    pub(super) fn drift_policy_over(&self, key: &ResourceKey) -> DriftPolicy {
        self.effective(key).drift
    }

    /// Field by field, with what a rule hides marked.
    pub(super) fn compare(&self, row: &Resource) -> Result<Comparison, SyncError> {
        let shape = self.shape(&row.key.metadata_type)?;
        let effective = self.effective(&row.key);
        let ignored = |path: &str| effective.ignoring(&row.key.id, path).is_some();
        Ok(compare::judge(row, shape, &ignored))
    }

    /// The row after the look, judged; `None` where nothing differs.
    pub(super) fn settle(
        &self,
        before: Option<&Resource>,
        sight: &Sight<'_>,
    ) -> Result<Option<Resource>, SyncError> {
        if let (Some(row), Sight::Seen(observed)) = (before, sight)
            && row.desired.is_none()
            && shows_the_same(row, observed)
        {
            return Ok(None);
        }
        let mut row = match (before, sight) {
            (Some(row), _) => row.clone(),
            (None, Sight::Seen(observed)) => self.blank(&observed.key),
            (None, Sight::Absent) => return Ok(None),
        };
        match sight {
            Sight::Seen(observed) => see(&mut row, observed),
            Sight::Absent => miss(&mut row),
        }
        self.judge(&mut row)?;
        Ok((before != Some(&row)).then_some(row))
    }

    /// Derives difference, applied values and the one word from what the row holds.
    pub(super) fn judge(&self, row: &mut Resource) -> Result<(), SyncError> {
        let comparison = self.compare(row)?;
        row.difference = comparison.difference;
        row.applied = comparison.applied;
        row.status = status::word(row.difference, &row.activity);
        Ok(())
    }

    /// Never seen, never wished for.
    pub(super) fn blank(&self, key: &ResourceKey) -> Resource {
        Resource::blank(key.clone(), Presence::Unseen, self.now_ms)
    }
}

impl Noticed {
    pub(super) fn at(at_ms: i64) -> Self {
        Self { at_ms, saves: Vec::new(), forgotten: Vec::new(), transitions: Vec::new(), told: Vec::new() }
    }

    fn is_empty(&self) -> bool {
        self.saves.is_empty() && self.forgotten.is_empty()
    }

    pub(super) fn change(&mut self, before: Option<&Resource>, mut after: Resource, cause: &str) {
        if before == Some(&after) {
            return;
        }
        after.updated_at_ms = self.at_ms;
        // What is seen for the first time has no history: ten thousand of them would be ten thousand rows.
        let from = before.map_or(Status::Unmanaged, |row| row.status);
        if from != after.status {
            self.transition(&after, from, after.status, cause);
        }
        self.saves.push(after);
    }

    /// A row that holds neither wish nor ownership of something that is not there is forgotten.
    pub(super) fn change_or_forget(&mut self, before: Option<Resource>, after: Resource, cause: &str) {
        let is_nothing = after.presence == Presence::Absent && !after.owned && after.desired.is_none();
        if !is_nothing {
            return self.change(before.as_ref(), after, cause);
        }
        if let Some(before) = before {
            // The tombstone: what it was, and who ended it.
            self.transition(&after, before.status, Status::Unmanaged, &format!("{cause}: gone"));
            self.forget(before);
        }
    }

    pub(super) fn forget(&mut self, row: Resource) {
        self.forgotten.push(row.key);
    }

    fn transition(&mut self, row: &Resource, from: Status, to: Status, cause: &str) {
        let kept = Transition { key: row.key.clone(), from, to, cause: cause.to_owned(), at_ms: self.at_ms };
        self.transitions.push(kept);
        let kind = match to {
            Status::Drifted => "resource.drifted",
            Status::Conflicted => "resource.conflicted",
            Status::Failed => "resource.failed",
            Status::Unknown => "resource.unknown",
            Status::Blocked => "resource.blocked",
            Status::Pending | Status::Syncing | Status::Synced | Status::Unmanaged => return,
        };
        let data = json!({"from": from, "to": to, "cause": cause, "key": row.key, "activity": row.activity});
        self.told.push(Told::new(kind, row.key.to_string(), data));
    }
}

fn shows_the_same(row: &Resource, observed: &Observed) -> bool {
    let same_part = row.partial == observed.partial || observed.partial;
    row.presence == Presence::Present
        && same_part
        && row.revision == kept(row, observed, observed.revision.as_ref(), row.revision.as_ref())
        && row.incarnation == kept(row, observed, observed.incarnation.as_ref(), row.incarnation.as_ref())
        && row.internal == observed.internal
        && *merged(row, observed, &row.observed, &observed.spec) == row.observed
        && *merged(row, observed, &row.status_document, &observed.status) == row.status_document
}

/// What is known after the look: a part leaves the rest as it was last seen, unless another copy has taken the name.
fn merged<'a>(row: &Resource, observed: &Observed, known: &Value, seen: &'a Value) -> Cow<'a, Value> {
    match observed.partial && is_same_copy(row, observed) {
        true => Cow::Owned(fields::overlay(known, seen)),
        false => Cow::Borrowed(seen),
    }
}

/// A listing that gives less may leave out what tells copies apart: that is no change.
fn kept(
    row: &Resource,
    observed: &Observed,
    seen: Option<&String>,
    known: Option<&String>,
) -> Option<String> {
    match seen {
        None if observed.partial && is_same_copy(row, observed) => known.cloned(),
        Some(_) | None => seen.cloned(),
    }
}

fn is_same_copy(row: &Resource, observed: &Observed) -> bool {
    row.presence == Presence::Present
        && match (&row.incarnation, &observed.incarnation) {
            (Some(known), Some(found)) => known == found,
            (None, _) | (_, None) => true,
        }
}

fn see(row: &mut Resource, observed: &Observed) {
    let spec = merged(row, observed, &row.observed, &observed.spec).into_owned();
    let status_document = merged(row, observed, &row.status_document, &observed.status).into_owned();
    let has_changed = row.presence != Presence::Present || spec != row.observed;
    let revision = kept(row, observed, observed.revision.as_ref(), row.revision.as_ref());
    let incarnation = kept(row, observed, observed.incarnation.as_ref(), row.incarnation.as_ref());
    row.partial = observed.partial && (row.partial || !is_same_copy(row, observed));
    row.presence = Presence::Present;
    row.observed = spec;
    row.status_document = status_document;
    row.revision = revision;
    row.incarnation = incarnation;
    row.internal = observed.internal;
    if has_changed {
        row.activity = row.activity.clone().on(StatusEvent::ClusterChanged);
    }
}

/// Ownership stays: what was ours can be made again, within the limits.
fn miss(row: &mut Resource) {
    if row.presence == Presence::Absent {
        return;
    }
    row.presence = Presence::Absent;
    row.observed = json!({});
    row.status_document = json!({});
    row.revision = None;
    row.incarnation = None;
    row.partial = false;
    row.activity = row.activity.clone().on(StatusEvent::ClusterChanged);
}
