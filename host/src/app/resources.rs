//! Resources: listed from what the host remembers; one alone is also looked at in the cluster.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::caller::Caller;
use super::connection::Wrong;
use super::differences::Shapes;
use super::{App, AppError};
use crate::domain::cluster::Cluster;
use crate::domain::compare::FieldDifference;
use crate::domain::place::Place;
use crate::domain::resource::{
    ListFailure, Lookup, Observed, Presence, Resource, ResourceKey, Sweep, Transition,
};
use crate::domain::status::Status;
use crate::store::ResourceFilter;

/// A look at the cluster is given up after this: the answer is then what the last sweep saw.
pub const LOOK_DEADLINE: Duration = Duration::from_secs(8);

/// Changes of status that are shown with one resource.
const TRANSITIONS_SHOWN: u32 = 50;

/// Three intervals of a cluster's cycle.
const SILENT_MS: i64 = 3 * 30_000;

/// Which resources are wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResourceQuery {
    pub metadata_type: Option<String>,
    pub statuses: Vec<Status>,
    pub place: Option<Place>,
    /// Of ids; `*` stands for any run of characters.
    pub pattern: Option<String>,
    /// Only copies of resources that should be alike everywhere and are not.
    pub diverged: bool,
    pub internal: Option<bool>,
    pub after: Option<ResourceKey>,
    pub limit: u32,
}

/// As the host remembers it.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownResource {
    pub resource: Resource,
    /// When the last listing that it was on began.
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
        let ages = self.ages(&cluster).await?;
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
        let live = live_error.is_none();
        let known = if live {
            KnownResource { observed_at_ms: ages.find(key), resource }
        } else {
            ages.known(resource)
        };
        Ok(SeenResource { known, fields, effective, live, live_error, transitions })
    }

    pub async fn release_resource(
        &self,
        caller: &Caller,
        cluster: &str,
        key: &ResourceKey,
    ) -> Result<KnownResource, AppError> {
        caller.may_write()?;
        let cluster = self.find_cluster(caller, cluster).await?;
        self.engine.release(&cluster, key, &caller.by).await?;
        self.known_resource(&cluster, key).await
    }

    pub(super) async fn known_resource(
        &self,
        cluster: &Cluster,
        key: &ResourceKey,
    ) -> Result<KnownResource, AppError> {
        let resource = self.store.find_resource(&cluster.id, key).await?.ok_or_else(|| no_resource(key))?;
        Ok(self.ages(cluster).await?.known(resource))
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
        let ages = self.ages(cluster).await?;
        let resources = match &filter.metadata_type {
            Some(name) if query.diverged => {
                self.diverged_copies(cluster, name, &filter, after, query.limit).await?
            }
            None if query.diverged => return Err(needs_type()),
            _ => self.store.list_resources(&cluster.id, &filter, after, query.limit).await?,
        };
        Ok(resources.into_iter().map(|resource| ages.known(resource)).collect())
    }

    pub(super) async fn ages(&self, cluster: &Cluster) -> Result<Ages, AppError> {
        Ok(Ages { sweeps: self.store.list_sweeps(&cluster.id).await?, now_ms: self.now_ms() })
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

/// When each type was last seen, by place. A listing of the cluster covers its nodes and groups too.
pub(super) struct Ages {
    sweeps: Vec<Sweep>,
    now_ms: i64,
}

impl Ages {
    /// What was not seen for so long that nobody can say how it is now counts as unseen, with what it was and its age.
    pub(super) fn known(&self, mut resource: Resource) -> KnownResource {
        let observed_at_ms = self.find(&resource.key);
        let is_silent = observed_at_ms.is_some_and(|at_ms| self.now_ms - at_ms > SILENT_MS);
        if is_silent && resource.presence == Presence::Present {
            resource.presence = Presence::Unseen;
        }
        KnownResource { resource, observed_at_ms }
    }

    fn find(&self, key: &ResourceKey) -> Option<i64> {
        let covers = |sweep: &&Sweep| {
            sweep.metadata_type == key.metadata_type
                && (sweep.place == key.place || sweep.place == Place::Cluster)
        };
        self.sweeps.iter().filter(covers).filter_map(|sweep| seen_by(sweep, key)).max()
    }
}

/// A listing with failures has still seen what no failure is about.
fn seen_by(sweep: &Sweep, key: &ResourceKey) -> Option<i64> {
    let is_lost = |failure: &ListFailure| {
        (failure.place == key.place || failure.place == Place::Cluster)
            && failure.id.as_ref().is_none_or(|id| *id == key.id)
    };
    let is_partial = !sweep.failures.is_empty() && !sweep.failures.iter().any(is_lost);
    if is_partial { Some(sweep.started_at_ms) } else { sweep.complete_at_ms }
}

fn needs_type() -> AppError {
    AppError::Invalid {
        code: "type-missing",
        message: "copies are compared type by type: say which `type`".to_owned(),
        wrong: vec![Wrong { pointer: "/type".to_owned(), message: "is needed with `diverged`".to_owned() }],
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
        observed: Arc::unwrap_or_clone(observed.spec),
        status_document: Arc::unwrap_or_clone(observed.status),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::error::{BackendError, ErrorKind};

    const NOW_MS: i64 = 1_000_000;

    fn sweep(started_ago_ms: i64, complete_ago_ms: Option<i64>, failures: Vec<ListFailure>) -> Sweep {
        Sweep {
            metadata_type: "topic".to_owned(),
            place: Place::Cluster,
            started_at_ms: NOW_MS - started_ago_ms,
            ended_at_ms: NOW_MS,
            complete_at_ms: complete_ago_ms.map(|ago| NOW_MS - ago),
            seen: 0,
            changed: 0,
            failures,
            listed: None,
        }
    }

    fn failure(id: Option<&str>, place: Place) -> ListFailure {
        let error = BackendError::new(ErrorKind::Unavailable, "down");
        ListFailure { metadata_type: "topic".to_owned(), id: id.map(str::to_owned), place, error }
    }

    fn presence(sweep: Sweep, place: Place) -> Presence {
        let key = ResourceKey { metadata_type: "topic".to_owned(), id: "a".to_owned(), place };
        let ages = Ages { sweeps: vec![sweep], now_ms: NOW_MS };
        ages.known(Resource::blank(key, Presence::Present, 0)).resource.presence
    }

    #[test]
    fn three_silent_intervals_make_unseen() {
        assert_eq!(presence(sweep(1_000, Some(1_000), Vec::new()), Place::Cluster), Presence::Present);
        assert_eq!(presence(sweep(91_000, Some(91_000), Vec::new()), Place::Cluster), Presence::Unseen);
    }

    #[test]
    fn one_silent_place_or_object_makes_no_other_unseen() {
        let (down, up) = (Place::Group("b".to_owned()), Place::Group("a".to_owned()));
        let at = |failure: ListFailure, place: &Place| {
            presence(sweep(1_000, Some(91_000), vec![failure]), place.clone())
        };
        assert_eq!(at(failure(None, down.clone()), &up), Presence::Present);
        assert_eq!(at(failure(None, down.clone()), &down), Presence::Unseen);
        assert_eq!(at(failure(Some("a"), up.clone()), &up), Presence::Unseen);
        assert_eq!(at(failure(Some("b"), up.clone()), &up), Presence::Present);
        assert_eq!(at(failure(None, Place::Cluster), &up), Presence::Unseen);
    }
}
