//! The sessions of one plugin: one for each cluster and revision of its credentials; and the driver that they are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use futures::future::BoxFuture;
use serde_json::Value;
use wasmtime::Store;

use super::bindings::exports::headgate::plugin::storage_driver::{self, Target};
use super::bindings::headgate::host::errors::Error;
use super::bindings::headgate::plugin::types;
use super::contract::Talking;
use super::convert::{self, Broken};
use super::driver::{CallError, Driver, Secrets};
use super::grants::{Given, NetworkPolicy};
use super::guest::Guest;
use super::imports::net::Places;
use super::imports::secrets::SecretBox;
use super::imports::state::{Space, State, StateStore};
use super::limits::{PAGE_MAX, SESSIONS_MAX};
use super::operations::{Cancel, Poll, Preview, Run};
use super::plugin::Parts;
use super::session::{Recipe, Request, Session};
use super::tape::Tape;
use crate::domain::cluster::{Check, Cluster, Discovery};
use crate::domain::contract::Description;
use crate::domain::id::{ClusterId, OperationId};
use crate::domain::operation::{Forecast, Progress, Subject};
use crate::domain::resource::{Lookup, Outcome, Page, Query, ResourceKey, Write};

pub(super) struct Sessions {
    parts: Arc<Parts>,
    description: Description,
    given: Given,
    places: Places,
    state: Arc<dyn StateStore>,
    tape: Tape,
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
        places: Places,
        state: Arc<dyn StateStore>,
        tape: Tape,
    ) -> Self {
        let kept = Mutex::default();
        Self { parts, description, given, places, state, tape, kept }
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
            target: target(cluster),
            secrets: SecretBox::new(secrets, &self.description.connection, cluster.connection.clone()),
            policy: NetworkPolicy::new(&self.description.grants, &self.given, &cluster.connection)
                .of_kind(&self.description.kind)
                .and_written(written(cluster)),
            addresses: cluster.addresses.clone(),
            places: self.places.clone(),
            state: State(Some(space)),
            tape: self.tape.with(&cluster.id),
        }
    }
}

fn target(cluster: &Cluster) -> Target {
    Target {
        id: cluster.id.0.clone(),
        name: cluster.name.clone(),
        connection: cluster.connection.to_string(),
        nodes: cluster.named_nodes.iter().map(convert::named_node).collect(),
    }
}

/// Addresses that people wrote for the cluster beside its form.
fn written(cluster: &Cluster) -> impl Iterator<Item = &str> {
    let outside = cluster.addresses.rules.iter().map(|rule| rule.outside.as_str());
    outside.chain(cluster.named_nodes.iter().map(|node| node.address.as_str()))
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

    async fn preview(&self, name: &str, subject: Subject, input: Value) -> Result<Forecast, CallError> {
        self.ask(Preview(convert::asked(name, subject, &input))).await
    }

    async fn run(
        &self,
        name: &str,
        subject: Subject,
        input: Value,
        id: &OperationId,
    ) -> Result<Progress, CallError> {
        self.ask(Run { asked: convert::asked(name, subject, &input), id: id.to_string() }).await
    }

    async fn poll(&self, handle: &str) -> Result<Progress, CallError> {
        self.ask(Poll(handle.to_owned())).await
    }

    async fn cancel(&self, handle: &str) -> Result<(), CallError> {
        self.ask(Cancel(handle.to_owned())).await
    }

    async fn close(&self) {
        self.retire().await;
    }
}

type Running<'a, T> = BoxFuture<'a, wasmtime::Result<Result<T, Error>>>;

fn counted<T>(answers: Vec<T>, asked: usize) -> Result<Vec<T>, Broken> {
    if answers.len() == asked {
        Ok(answers)
    } else {
        Err(format!("{} answers to {asked} questions", answers.len()))
    }
}

/// What can be seen of one page alone: how large it is, what stands on it and in which order, and that it leads on.
fn kept(page: Page, asked: &PageAsked) -> Result<Page, Broken> {
    let most = asked.limit.min(PAGE_MAX);
    if page.resources.len() > most {
        return Err(format!("a page of {} resources where {most} were asked for", page.resources.len()));
    }
    if let Some(other) = page.resources.iter().find(|one| one.key.metadata_type != asked.metadata_type) {
        let ResourceKey { metadata_type, id, .. } = &other.key;
        return Err(format!("the listing of `{}` holds the {metadata_type} `{id}`", asked.metadata_type));
    }
    let keys = page.resources.iter().map(|one| &one.key);
    for (before, after) in keys.clone().zip(keys.skip(1)) {
        let named = |key: &ResourceKey| format!("`{}` at {}", key.id, key.place);
        if before == after {
            return Err(format!("the listing holds {} twice", named(after)));
        }
        if before > after {
            let (before, after) = (named(before), named(after));
            return Err(format!(
                "the listing is out of order: {before} stands before {after}, bytewise by id and place"
            ));
        }
    }
    if page.next.is_some() && page.next == asked.cursor {
        return Err("the next page has the cursor of this one: the listing would never end".to_owned());
    }
    Ok(page)
}

impl Session {
    /// Opens what is open, with the same target. No host does so; the contract says that nothing changes by it.
    pub(super) async fn open_again(&self, cluster: &Cluster) -> Result<(), CallError> {
        self.ask(Reopen(target(cluster))).await
    }
}

struct Reopen(Target);

impl Request for Reopen {
    type Raw = ();
    type Answer = ();
    type Expected = ();
    const NAME: &'static str = "open";

    fn call(self, guest: Arc<dyn Talking>, store: &mut Store<Guest>) -> Running<'_, Self::Raw> {
        Box::pin(async move { guest.open(store, &self.0).await })
    }

    fn expected(&self) {}

    fn read((): (), (): ()) -> Result<(), Broken> {
        Ok(())
    }
}

struct Probe;

impl Request for Probe {
    type Raw = Vec<storage_driver::Check>;
    type Answer = Vec<Check>;
    type Expected = ();
    const NAME: &'static str = "probe";

    fn call(self, guest: Arc<dyn Talking>, store: &mut Store<Guest>) -> Running<'_, Self::Raw> {
        Box::pin(async move { guest.probe(store).await })
    }

    fn expected(&self) {}

    fn read(raw: Self::Raw, (): ()) -> Result<Self::Answer, Broken> {
        Ok(raw.into_iter().map(convert::check).collect())
    }
}

struct Discover;

impl Request for Discover {
    type Raw = storage_driver::Cluster;
    type Answer = Discovery;
    type Expected = ();
    const NAME: &'static str = "discover";

    fn call(self, guest: Arc<dyn Talking>, store: &mut Store<Guest>) -> Running<'_, Self::Raw> {
        Box::pin(async move { guest.discover(store).await })
    }

    fn expected(&self) {}

    fn read(raw: Self::Raw, (): ()) -> Result<Self::Answer, Broken> {
        convert::discovery(raw)
    }
}

struct List(storage_driver::Query);

struct PageAsked {
    metadata_type: String,
    cursor: Option<String>,
    limit: usize,
}

impl Request for List {
    type Raw = storage_driver::Page;
    type Answer = Page;
    type Expected = PageAsked;
    const NAME: &'static str = "list-resources";

    fn call(self, guest: Arc<dyn Talking>, store: &mut Store<Guest>) -> Running<'_, Self::Raw> {
        Box::pin(async move { guest.list_resources(store, self.0).await })
    }

    fn expected(&self) -> PageAsked {
        let List(query) = self;
        PageAsked {
            metadata_type: query.metadata_type.clone(),
            cursor: query.cursor.clone(),
            limit: usize::try_from(query.limit).unwrap_or(PAGE_MAX),
        }
    }

    fn read(raw: Self::Raw, asked: PageAsked) -> Result<Self::Answer, Broken> {
        kept(convert::page(raw)?, &asked)
    }
}

struct Get(Vec<types::ResourceKey>);

impl Request for Get {
    type Raw = Vec<storage_driver::Lookup>;
    type Answer = Vec<Lookup>;
    type Expected = usize;
    const NAME: &'static str = "get-resources";

    fn call(self, guest: Arc<dyn Talking>, store: &mut Store<Guest>) -> Running<'_, Self::Raw> {
        Box::pin(async move { guest.get_resources(store, self.0).await })
    }

    fn expected(&self) -> usize {
        self.0.len()
    }

    fn read(raw: Self::Raw, asked: usize) -> Result<Self::Answer, Broken> {
        counted(raw, asked)?.into_iter().map(convert::lookup).collect()
    }
}

struct Send {
    writes: Vec<types::Write>,
    dry_run: bool,
}

impl Request for Send {
    type Raw = Vec<storage_driver::Outcome>;
    type Answer = Vec<Outcome>;
    type Expected = usize;
    const NAME: &'static str = "write-resources";

    fn call(self, guest: Arc<dyn Talking>, store: &mut Store<Guest>) -> Running<'_, Self::Raw> {
        Box::pin(async move { guest.write_resources(store, self.writes, self.dry_run).await })
    }

    fn expected(&self) -> usize {
        self.writes.len()
    }

    fn read(raw: Self::Raw, asked: usize) -> Result<Self::Answer, Broken> {
        Ok(counted(raw, asked)?.into_iter().map(convert::outcome).collect())
    }
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::domain::place::Place;
    use crate::domain::resource::Observed;

    fn page(keys: &[(&str, &str)], next: Option<&str>) -> Page {
        let observed = |(id, place): &(&str, &str)| Observed {
            key: ResourceKey {
                metadata_type: "topic".to_owned(),
                id: (*id).to_owned(),
                place: place.parse::<Place>().unwrap(),
            },
            revision: None,
            incarnation: None,
            spec: Arc::default(),
            effective: None,
            status: Arc::default(),
            internal: false,
            partial: false,
        };
        let resources = keys.iter().map(observed).collect();
        Page { resources, failures: Vec::new(), next: next.map(str::to_owned), version: None }
    }

    fn broken(keys: &[(&str, &str)], next: Option<&str>, metadata_type: &str) -> String {
        let asked =
            PageAsked { metadata_type: metadata_type.to_owned(), cursor: Some("here".to_owned()), limit: 3 };
        kept(page(keys, next), &asked).err().unwrap_or_default()
    }

    #[test]
    fn a_page_keeps_to_its_order_type_size_and_way() {
        let good = [("B", "cluster"), ("a", "node:1"), ("a", "node:2")];
        assert_eq!(broken(&good, Some("there"), "topic"), "");
        let cases = [
            (broken(&[("a", "cluster"), ("B", "cluster")], None, "topic"), "out of order: `a` at cluster"),
            (broken(&[("a", "node:2"), ("a", "node:10")], None, "topic"), "out of order: `a` at node:2"),
            (broken(&[("a", "cluster"), ("a", "cluster")], None, "topic"), "holds `a` at cluster twice"),
            (broken(&good, None, "group"), "the listing of `group` holds the topic `B`"),
            (broken(&[("a", "cluster"); 4], None, "topic"), "4 resources where 3 were asked for"),
            (broken(&good, Some("here"), "topic"), "would never end"),
        ];
        for (message, part) in cases {
            assert!(message.contains(part), "no `{part}`: {message}");
        }
    }
}
