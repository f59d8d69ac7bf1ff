//! Resources: listed from what the host remembers; one alone is also looked at in the cluster.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::caller::Caller;
use super::differences::Shapes;
use super::{App, AppError};
use crate::domain::cluster::Cluster;
use crate::domain::compare::FieldDifference;
use crate::domain::place::Place;
use crate::domain::resource::{Lookup, Observed, Presence, Resource, ResourceKey, Sweep, Transition};
use crate::domain::status::Status;
use crate::store::ResourceFilter;

/// A look at the cluster is given up after this: the answer is then what the last sweep saw.
pub const LOOK_DEADLINE: Duration = Duration::from_secs(8);

/// Changes of status that are shown with one resource.
const TRANSITIONS_SHOWN: u32 = 50;

/// Which resources are wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResourceQuery {
    pub metadata_type: Option<String>,
    pub statuses: Vec<Status>,
    pub place: Option<Place>,
    /// Of ids; `*` stands for any run of characters.
    pub pattern: Option<String>,
    pub internal: Option<bool>,
    pub after: Option<ResourceKey>,
    pub limit: u32,
}

/// As the host remembers it.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownResource {
    pub resource: Resource,
    /// When the last complete listing of its type at its place began.
    pub observed_at_ms: Option<i64>,
}

/// With what was seen just now.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenResource {
    pub known: KnownResource,
    pub fields: Vec<FieldDifference>,
    pub effective: Option<Value>,
    pub live: bool,
    pub live_error: Option<String>,
    pub transitions: Vec<Transition>,
}

impl App {
    pub async fn list_resources(
        &self,
        caller: &Caller,
        cluster: &str,
        query: ResourceQuery,
    ) -> Result<Vec<KnownResource>, AppError> {
        let cluster = self.find_cluster(caller, cluster).await?;
        if let Some(name) = &query.metadata_type {
            self.type_of(&cluster, name).await?;
        }
        self.known_resources(&cluster, query).await
    }

    pub async fn show_resource(
        &self,
        caller: &Caller,
        cluster: &str,
        key: &ResourceKey,
    ) -> Result<SeenResource, AppError> {
        let cluster = self.find_cluster(caller, cluster).await?;
        self.type_of(&cluster, &key.metadata_type).await?;
        let stored = self.store.find_resource(&cluster.id, key).await?;
        let looked = self.look(&cluster, key).await;
        let observed_at_ms = ages(&self.store.list_sweeps(&cluster.id).await?).find(key);
        let (resource, effective, live_error) = match (looked, stored) {
            (Ok(Lookup::Found(observed)), stored) => {
                let effective = observed.effective.clone();
                (Some(seen(stored, *observed)), effective, None)
            }
            (Ok(Lookup::Absent), stored) => (stored.map(absent), None, None),
            (Ok(Lookup::Failed(error)), stored) => (stored, None, Some(error.to_string())),
            (Err(reason), stored) => (stored, None, Some(reason)),
        };
        let resource = resource.ok_or_else(|| no_resource(key))?;
        let fields = Shapes::of(self, &cluster).await?.fields(&resource);
        let transitions = self.store.list_transitions(&cluster.id, key, TRANSITIONS_SHOWN).await?;
        let known = KnownResource { resource, observed_at_ms };
        Ok(SeenResource { known, fields, effective, live: live_error.is_none(), live_error, transitions })
    }

    pub async fn release_resource(
        &self,
        caller: &Caller,
        cluster: &str,
        key: &ResourceKey,
    ) -> Result<KnownResource, AppError> {
        caller.may_write()?;
        let cluster = self.find_cluster(caller, cluster).await?;
        self.engine.release(&cluster, key, &caller.actor).await?;
        self.known_resource(&cluster, key).await
    }

    pub(super) async fn known_resource(
        &self,
        cluster: &Cluster,
        key: &ResourceKey,
    ) -> Result<KnownResource, AppError> {
        let resource = self.store.find_resource(&cluster.id, key).await?.ok_or_else(|| no_resource(key))?;
        let observed_at_ms = ages(&self.store.list_sweeps(&cluster.id).await?).find(key);
        Ok(KnownResource { resource, observed_at_ms })
    }

    pub(super) async fn known_resources(
        &self,
        cluster: &Cluster,
        query: ResourceQuery,
    ) -> Result<Vec<KnownResource>, AppError> {
        let (after_type, after) = match query.after {
            Some(key) => (Some(key.metadata_type), Some((key.id, key.place))),
            None => (None, None),
        };
        let filter = ResourceFilter {
            metadata_type: query.metadata_type,
            statuses: query.statuses,
            place: query.place,
            pattern: query.pattern,
            internal: query.internal,
            after_type,
            ..ResourceFilter::default()
        };
        let ages = ages(&self.store.list_sweeps(&cluster.id).await?);
        let resources = self.store.list_resources(&cluster.id, &filter, after, query.limit).await?;
        let known = |resource: Resource| KnownResource { observed_at_ms: ages.find(&resource.key), resource };
        Ok(resources.into_iter().map(known).collect())
    }

    /// Never waits for a cluster that is known not to answer.
    async fn look(&self, cluster: &Cluster, key: &ResourceKey) -> Result<Lookup, String> {
        if cluster.paused {
            return Err("the cluster is paused".to_owned());
        }
        let looking = self.engine.look(cluster, std::slice::from_ref(key));
        match tokio::time::timeout(LOOK_DEADLINE, looking).await {
            Ok(Ok(mut found)) => found.pop().ok_or_else(|| "the cluster gave no answer".to_owned()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("the cluster did not answer within {} s", LOOK_DEADLINE.as_secs())),
        }
    }
}

/// When each type was last seen whole, by place. A listing of the cluster covers its nodes and groups too.
struct Ages(BTreeMap<(String, Place), i64>);

fn ages(sweeps: &[Sweep]) -> Ages {
    let complete = sweeps.iter().filter_map(|sweep| {
        let at_ms = sweep.complete_at_ms?;
        Some(((sweep.metadata_type.clone(), sweep.place.clone()), at_ms))
    });
    Ages(complete.collect())
}

impl Ages {
    fn find(&self, key: &ResourceKey) -> Option<i64> {
        let at = |place: &Place| self.0.get(&(key.metadata_type.clone(), place.clone())).copied();
        at(&key.place).max(at(&Place::Cluster))
    }
}

fn no_resource(key: &ResourceKey) -> AppError {
    let at = if key.place == Place::Cluster { String::new() } else { format!(" at {}", key.place) };
    AppError::not_found("resource", format!("{} {}{at}", key.metadata_type, key.id))
}

/// What was seen just now lies over what is remembered; it is not saved: sweeps do that, in order.
fn seen(stored: Option<Resource>, observed: Observed) -> Resource {
    let remembered = stored.unwrap_or_else(|| unmanaged(observed.key.clone()));
    Resource {
        presence: Presence::Present,
        observed: observed.spec,
        status_document: observed.status,
        revision: observed.revision,
        incarnation: observed.incarnation,
        internal: observed.internal,
        partial: observed.partial,
        ..remembered
    }
}

fn absent(stored: Resource) -> Resource {
    Resource { presence: Presence::Absent, ..stored }
}

fn unmanaged(key: ResourceKey) -> Resource {
    Resource::blank(key, Presence::Present, 0)
}
