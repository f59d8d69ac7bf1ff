//! The sessions of one plugin: one for each cluster and revision of its credentials; and the driver that they are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use futures::future::BoxFuture;
use wasmtime::Store;

use super::bindings::exports::headgate::plugin::storage_driver::{self, Target};
use super::bindings::headgate::host::errors::Error;
use super::bindings::headgate::plugin::types;
use super::convert::{self, Broken};
use super::driver::{CallError, Driver, Secrets};
use super::grants::{Given, NetworkPolicy};
use super::guest::Guest;
use super::imports::net::Places;
use super::imports::secrets::SecretBox;
use super::imports::state::{Space, State, StateStore};
use super::limits::{PAGE_MAX, SESSIONS_MAX};
use super::plugin::Parts;
use super::session::{Operation, Recipe, Session};
use crate::domain::cluster::{Check, Cluster, Discovery};
use crate::domain::contract::Description;
use crate::domain::id::ClusterId;
use crate::domain::resource::{Lookup, Outcome, Page, Query, ResourceKey, Write};

pub(super) struct Sessions {
    parts: Arc<Parts>,
    description: Description,
    given: Given,
    places: Places,
    state: Arc<dyn StateStore>,
    kept: Mutex<HashMap<ClusterId, Kept>>,
}

struct Kept {
    revision: i64,
    session: Arc<Session>,
    used: Instant,
}

impl Sessions {
    pub(super) fn new(
        parts: Arc<Parts>,
        description: Description,
        given: Given,
        state: Arc<dyn StateStore>,
    ) -> Self {
        let (places, kept) = (Places::default(), Mutex::default());
        Self { parts, description, given, places, state, kept }
    }

    /// The kept one, or a new one where the credentials changed. What is no longer kept ends with its last call.
    pub(super) fn get(&self, cluster: &Cluster, secrets: Secrets) -> Arc<Session> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let idle_max = self.parts.limits.idle_max;
        kept.retain(|id, session| *id == cluster.id || now.duration_since(session.used) < idle_max);
        if let Some(found) = kept.get_mut(&cluster.id)
            && found.revision == cluster.credential_revision
        {
            found.used = now;
            return Arc::clone(&found.session);
        }
        if kept.len() >= SESSIONS_MAX
            && let Some(oldest) =
                kept.iter().min_by_key(|(_, session)| session.used).map(|(id, _)| id.clone())
        {
            kept.remove(&oldest);
        }
        let session = Arc::new(Session::start(Arc::clone(&self.parts), self.recipe(cluster, secrets)));
        let entry = Kept { revision: cluster.credential_revision, session: Arc::clone(&session), used: now };
        kept.insert(cluster.id.clone(), entry);
        session
    }

    fn recipe(&self, cluster: &Cluster, secrets: Secrets) -> Recipe {
        let space = Space {
            store: Arc::clone(&self.state),
            kind: self.description.kind.clone(),
            cluster: cluster.id.clone(),
        };
        Recipe {
            target: Target {
                id: cluster.id.0.clone(),
                name: cluster.name.clone(),
                connection: cluster.connection.to_string(),
            },
            secrets: SecretBox::new(secrets, &self.description.connection, cluster.connection.clone()),
            policy: NetworkPolicy::new(&self.description.grants, &self.given, &cluster.connection),
            places: self.places.clone(),
            state: State(Some(space)),
        }
    }
}

#[async_trait]
impl Driver for Session {
    async fn probe(&self) -> Result<Vec<Check>, CallError> {
        self.ask(Probe).await
    }

    async fn discover(&self) -> Result<Discovery, CallError> {
        self.ask(Discover).await
    }

    async fn list(&self, query: Query) -> Result<Page, CallError> {
        self.ask(List(convert::query(query))).await
    }

    async fn get(&self, keys: Vec<ResourceKey>) -> Result<Vec<Lookup>, CallError> {
        self.ask(Get(keys.into_iter().map(convert::key_out).collect())).await
    }

    async fn write(&self, writes: Vec<Write>, dry_run: bool) -> Result<Vec<Outcome>, CallError> {
        let writes = writes.into_iter().map(convert::write_out).collect();
        self.ask(Send { writes, dry_run }).await
    }

    async fn close(&self) {
        self.retire().await;
    }
}

type Running<'a, T> = BoxFuture<'a, wasmtime::Result<Result<T, Error>>>;

fn counted<T>(answers: Vec<T>, count: Option<usize>) -> Result<Vec<T>, Broken> {
    match count {
        Some(count) if count != answers.len() => {
            Err(format!("{} answers to {count} questions", answers.len()))
        }
        Some(_) | None => Ok(answers),
    }
}

struct Probe;

impl Operation for Probe {
    type Raw = Vec<storage_driver::Check>;
    type Answer = Vec<Check>;
    const NAME: &'static str = "probe";

    fn call(self, driver: storage_driver::Guest, store: &mut Store<Guest>) -> Running<'_, Self::Raw> {
        Box::pin(async move { driver.call_probe(store).await })
    }

    fn read(raw: Self::Raw, _count: Option<usize>) -> Result<Self::Answer, Broken> {
        Ok(raw.into_iter().map(convert::check).collect())
    }
}

struct Discover;

impl Operation for Discover {
    type Raw = storage_driver::Cluster;
    type Answer = Discovery;
    const NAME: &'static str = "discover";

    fn call(self, driver: storage_driver::Guest, store: &mut Store<Guest>) -> Running<'_, Self::Raw> {
        Box::pin(async move { driver.call_discover(store).await })
    }

    fn read(raw: Self::Raw, _count: Option<usize>) -> Result<Self::Answer, Broken> {
        convert::discovery(raw)
    }
}

struct List(storage_driver::Query);

impl Operation for List {
    type Raw = storage_driver::Page;
    type Answer = Page;
    const NAME: &'static str = "list-resources";

    fn call(self, driver: storage_driver::Guest, store: &mut Store<Guest>) -> Running<'_, Self::Raw> {
        Box::pin(async move { driver.call_list_resources(store, &self.0).await })
    }

    fn read(raw: Self::Raw, _count: Option<usize>) -> Result<Self::Answer, Broken> {
        if raw.resources.len() > PAGE_MAX {
            return Err(format!("a page of {} resources, {PAGE_MAX} are the most", raw.resources.len()));
        }
        convert::page(raw)
    }
}

struct Get(Vec<types::ResourceKey>);

impl Operation for Get {
    type Raw = Vec<storage_driver::Lookup>;
    type Answer = Vec<Lookup>;
    const NAME: &'static str = "get-resources";

    fn call(self, driver: storage_driver::Guest, store: &mut Store<Guest>) -> Running<'_, Self::Raw> {
        Box::pin(async move { driver.call_get_resources(store, &self.0).await })
    }

    fn count(&self) -> Option<usize> {
        Some(self.0.len())
    }

    fn read(raw: Self::Raw, count: Option<usize>) -> Result<Self::Answer, Broken> {
        counted(raw, count)?.into_iter().map(convert::lookup).collect()
    }
}

struct Send {
    writes: Vec<types::Write>,
    dry_run: bool,
}

impl Operation for Send {
    type Raw = Vec<storage_driver::Outcome>;
    type Answer = Vec<Outcome>;
    const NAME: &'static str = "write-resources";

    fn call(self, driver: storage_driver::Guest, store: &mut Store<Guest>) -> Running<'_, Self::Raw> {
        Box::pin(async move { driver.call_write_resources(store, &self.writes, self.dry_run).await })
    }

    fn count(&self) -> Option<usize> {
        Some(self.writes.len())
    }

    fn read(raw: Self::Raw, count: Option<usize>) -> Result<Self::Answer, Broken> {
        Ok(counted(raw, count)?.into_iter().map(convert::outcome).collect())
    }
}
