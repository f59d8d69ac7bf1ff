//! What a plan stands on: the touched rows as fresh as can be had, the policies, the counts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::check::names;
use super::{Proposal, ProposeError};
use crate::domain::cluster::{Cluster, homes};
use crate::domain::contract::MetadataType;
use crate::domain::place::Place;
use crate::domain::plan::{Plan, Standing, StandingWish, StepState};
use crate::domain::resource::{Lookup, Presence, Resource, ResourceKey, Sort};
use crate::pipelines::sync::Sync;
use crate::pipelines::sync::observe::{Lens, Sight};
use crate::pipelines::sync::plan::{Document, Homes, Request, Snapshot, joining};
use crate::pipelines::sync::session::find_type;
use crate::store::ResourceFilter;

/// Rows read at a time.
const ROWS_PAGE: u32 = 1_000;
/// Resources that are all read live for a plan; of more, only those never seen are.
const LOOKS_MAX: usize = 2_000;

type Rows = BTreeMap<ResourceKey, Resource>;
type Effective = BTreeMap<ResourceKey, Value>;
type StandingWishes = BTreeMap<(String, String), StandingWish>;

impl Sync {
    pub(super) async fn snapshot(
        &self,
        proposal: &mut Proposal<'_>,
        wanted: &Request,
    ) -> Result<Snapshot, ProposeError> {
        let cluster = proposal.cluster;
        let homes = self.homes(proposal).await?;
        let keys = touched(wanted, &homes);
        let lens = self.lens(cluster, proposal.types.clone()).await?;
        let stored = self.store.find_resources(&cluster.id, &keys).await?;
        let mut rows: Rows = stored.into_iter().map(|row| (row.key.clone(), row)).collect();
        for key in &keys {
            rows.entry(key.clone()).or_insert_with(|| lens.blank(key));
        }
        let effective = self.freshen(proposal, &lens, &mut rows).await?;
        let mut totals: BTreeMap<String, u64> = BTreeMap::new();
        for count in self.store.count_resources(&cluster.id).await? {
            *totals.entry(count.metadata_type).or_default() += count.count;
        }
        Ok(Snapshot {
            cluster: cluster.name.clone(),
            types: proposal.types.clone(),
            resources: rows,
            effective,
            totals,
            policies: lens.policies,
            authority: cluster.authority,
            unsure: self.unsure(proposal).await?,
            standing: self.standing(cluster, wanted).await?,
            homes,
        })
    }

    /// Reads the touched resources live: a plan made right after an outside change stands on what is there. A cluster
    /// that does not answer leaves the plan on what was last seen, and the plan says so.
    async fn freshen(
        &self,
        proposal: &mut Proposal<'_>,
        lens: &Lens,
        rows: &mut Rows,
    ) -> Result<Effective, ProposeError> {
        let every = rows.len() <= LOOKS_MAX;
        let wanted = |row: &&Resource| every || row.presence == Presence::Unseen;
        let keys: Vec<ResourceKey> = rows.values().filter(wanted).map(|row| row.key.clone()).collect();
        let mut effective = Effective::new();
        let lookups = match proposal.session.look(&keys, &proposal.types).await {
            Ok(lookups) => lookups,
            Err(error) => {
                let told = format!("the cluster does not answer ({error}): planned from what was last seen");
                proposal.unseen = Some(told);
                return Ok(effective);
            }
        };
        for (key, lookup) in keys.into_iter().zip(lookups) {
            let Some(row) = rows.get_mut(&key) else { continue };
            let sight = match &lookup {
                Lookup::Found(observed) => Sight::Seen(observed),
                Lookup::Absent => Sight::Absent,
                Lookup::Failed(error) => {
                    proposal.warn(key, format!("it cannot be read now: {}", error.message));
                    continue;
                }
            };
            if let Some(after) = lens.settle(Some(row), &sight)? {
                *row = after;
            }
            if let Lookup::Found(observed) = lookup
                && let Some(value) = observed.effective
            {
                effective.insert(key, value);
            }
        }
        Ok(effective)
    }

    /// By type; also those that are down.
    async fn homes(&self, proposal: &Proposal<'_>) -> Result<Homes, ProposeError> {
        let nodes = self.store.list_nodes(&proposal.cluster.id).await?;
        let homes = |shape: &MetadataType| homes(shape, nodes.iter().map(|(node, _)| node));
        Ok(proposal.types.iter().map(|shape| (shape.name.clone(), homes(shape))).collect())
    }

    pub(super) async fn adoptable(
        &self,
        proposal: &Proposal<'_>,
        metadata_type: &str,
        pattern: &str,
    ) -> Result<Vec<ResourceKey>, ProposeError> {
        if find_type(&proposal.types, metadata_type).is_none() {
            return Err(no_type(proposal, metadata_type));
        }
        let filter = ResourceFilter {
            metadata_type: Some(metadata_type.to_owned()),
            pattern: Some(pattern.to_owned()),
            internal: Some(false),
            owned: Some(false),
            ..ResourceFilter::default()
        };
        let mut keys: Vec<ResourceKey> = Vec::new();
        loop {
            let after = keys.last().map(|key| (key.id.clone(), key.place.clone()));
            let rows = self.store.list_resources(&proposal.cluster.id, &filter, after, ROWS_PAGE).await?;
            let is_last = rows.len() < ROWS_PAGE as usize;
            keys.extend(rows.into_iter().map(|row| row.key));
            if is_last {
                return Ok(keys);
            }
        }
    }

    /// All that is wished for on the cluster.
    pub(super) async fn wished(&self, cluster: &Cluster) -> Result<Vec<ResourceKey>, ProposeError> {
        let mut wished = Vec::new();
        let mut filter = ResourceFilter::default();
        let mut after = None;
        loop {
            let rows = self.store.list_resources(&cluster.id, &filter, after, ROWS_PAGE).await?;
            let Some(last) = rows.last().map(|row| row.key.clone()) else { return Ok(wished) };
            filter.after_type = Some(last.metadata_type);
            after = Some((last.id, last.place));
            wished.extend(rows.into_iter().filter(|row| row.desired.is_some()).map(|row| row.key));
        }
    }

    /// Only what a request may change is read: a look-up by key each, of few.
    async fn standing(&self, cluster: &Cluster, wanted: &Request) -> Result<StandingWishes, ProposeError> {
        let named: BTreeSet<(String, String)> = match wanted {
            Request::Documents(documents) => {
                let placeless = documents.iter().filter(|document| document.at.is_none());
                placeless.map(|document| (document.metadata_type.clone(), document.id.clone())).collect()
            }
            Request::Undo { plan } => plan.standing.iter().filter_map(Standing::key).collect(),
            Request::Adopt { .. }
            | Request::Delete { .. }
            | Request::Revert { .. }
            | Request::Resume { .. }
            | Request::Join { .. } => BTreeSet::new(),
        };
        let stored = self.store.find_standing_wishes(&cluster.id, &named).await?;
        Ok(stored.into_iter().map(|wish| (wish.key(), wish)).collect())
    }

    /// Resources with a write whose outcome nobody knows, and its sort.
    async fn unsure(&self, proposal: &Proposal<'_>) -> Result<BTreeMap<ResourceKey, Sort>, ProposeError> {
        let open = self.store.open_plans(&proposal.cluster.id).await?;
        let unknown = open.into_iter().flat_map(|plan| plan.steps).filter(|step| match step.state {
            StepState::Running | StepState::Unknown => true,
            StepState::Waiting | StepState::Done | StepState::Failed | StepState::Skipped => false,
        });
        Ok(unknown.filter_map(|step| Some((step.key, step.write?.action.sort()))).collect())
    }
}

impl Proposal<'_> {
    fn warn(&mut self, key: ResourceKey, reason: String) {
        self.warnings.push(crate::domain::plan::Blocked { key, reason, path: None });
    }
}

fn touched(wanted: &Request, homes: &Homes) -> Vec<ResourceKey> {
    let keys: BTreeSet<ResourceKey> = match wanted {
        Request::Documents(documents) => {
            documents.iter().flat_map(|document| copies(document, homes)).collect()
        }
        Request::Adopt { keys, .. }
        | Request::Delete { keys }
        | Request::Revert { keys, .. }
        | Request::Resume { keys } => keys.iter().cloned().collect(),
        Request::Join { wishes } => wishes.iter().flat_map(|wish| joining(wish, homes)).collect(),
        Request::Undo { plan } => keys_of_plan(plan),
    };
    keys.into_iter().collect()
}

/// A document without a place means every copy that there can be.
fn copies(document: &Document, homes: &Homes) -> Vec<ResourceKey> {
    let places = match (&document.at, homes.get(&document.metadata_type)) {
        (Some(at), _) => vec![at.clone()],
        (None, Some(homes)) => homes.clone(),
        (None, None) => vec![Place::Cluster],
    };
    let key =
        |place| ResourceKey { metadata_type: document.metadata_type.clone(), id: document.id.clone(), place };
    places.into_iter().map(key).collect()
}

fn keys_of_plan(plan: &Plan) -> BTreeSet<ResourceKey> {
    let wishes = plan.wishes.iter().map(|wish| wish.key.clone());
    wishes.chain(plan.steps.iter().map(|step| step.key.clone())).collect()
}

fn no_type(proposal: &Proposal<'_>, name: &str) -> ProposeError {
    let known: &[MetadataType] = &proposal.types;
    ProposeError::NoType { name: name.to_owned(), kind: proposal.cluster.kind.clone(), known: names(known) }
}
