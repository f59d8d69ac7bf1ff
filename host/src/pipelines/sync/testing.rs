//! A model of a backend, its kind and its clock: refusals, lost and late answers, hidden and failing listings by
//! script, and a count of what really happened.

mod kind;
mod operating;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Sync, Timing};
use crate::clock::{Clock, SystemClock};
use crate::domain::cluster::{Check, Discovery, Health, Node};
use crate::domain::contract::Description;
use crate::domain::error::{BackendError, ErrorKind};
use crate::domain::fields;
use crate::domain::id::OperationId;
use crate::domain::operation::{Forecast, Progress, Subject};
use crate::domain::place::Place;
use crate::domain::resource::{
    Action, Edit, ListFailure, Lookup, Observed, Outcome, Page, Query, ResourceKey, Write, Written,
};
use crate::plugins::driver::{CallError, Driver, Failure};
use crate::store::Store;
pub(crate) use kind::{Loaded, Models};

/// The machine's clock, which never shows the same time twice.
#[derive(Default)]
pub(crate) struct TestClock {
    last: AtomicI64,
}

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        let now = SystemClock.now_ms();
        let last =
            self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(now.max(last + 1)));
        now.max(last.unwrap() + 1)
    }
}

/// What happens to the next write of an id.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    Refused,
    /// The answer is lost, and so was the request.
    LostBefore,
    /// The answer is lost, the write was done.
    LostAfter,
    /// The plugin traps, the write was done.
    Trap,
    /// Promised, and not seen for so long.
    Lag(Duration),
}

#[derive(Clone, Debug)]
pub(crate) struct Copy {
    pub(crate) spec: Value,
    pub(crate) incarnation: u64,
    pub(crate) seen_from_ms: i64,
}

/// What the cluster holds, and how it behaves.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) copies: BTreeMap<String, Copy>,
    next_incarnation: u64,
    pub(crate) faults: BTreeMap<String, Vec<Fault>>,
    /// Left out of listings, found by name.
    pub(crate) hidden: BTreeSet<String>,
    /// Named as failures by listings and look-ups.
    pub(crate) unreadable: BTreeSet<String>,
    /// Every call fails.
    pub(crate) down: bool,
    /// Calls never answer.
    pub(crate) hangs: bool,
    /// The page of that number fails.
    pub(crate) lost_page: Option<usize>,
    pub(crate) page_size: usize,
    /// Listings say which state they stand for.
    pub(crate) tells_version: bool,
    pub(crate) identity: String,
    pub(crate) lists: usize,
    pub(crate) gets: usize,
    pub(crate) writes: usize,
    /// Polls until what runs is done.
    pub(crate) runs_left: u32,
    /// What really happened, in order: `+a`, `~a`, `-a`, `poke topic a`.
    pub(crate) done: Vec<String>,
}

pub(crate) struct Model {
    world: Mutex<World>,
    clock: Arc<TestClock>,
    description: Description,
}

impl Model {
    pub(crate) fn start(clock: &Arc<TestClock>) -> Arc<Self> {
        let world = World { identity: "one".to_owned(), page_size: 3, ..World::default() };
        Arc::new(Self {
            world: Mutex::new(world),
            clock: Arc::clone(clock),
            description: kind::description(),
        })
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// Somebody else makes or changes it.
    pub(crate) fn put(&self, id: &str, spec: Value) {
        let mut world = self.world();
        match world.copies.get_mut(id) {
            Some(copy) => copy.spec = spec,
            None => world.create(id, spec, 0),
        }
    }

    /// Somebody else deletes it.
    pub(crate) fn take(&self, id: &str) {
        self.world().copies.remove(id);
    }

    pub(crate) fn spec(&self, id: &str) -> Option<Value> {
        self.world().copies.get(id).map(|copy| copy.spec.clone())
    }

    async fn answer(&self) -> Result<(), CallError> {
        tokio::task::yield_now().await;
        let hangs = self.world().hangs;
        if hangs {
            std::future::pending::<()>().await;
        }
        if self.world().down {
            let error = BackendError::new(ErrorKind::Unavailable, "nobody listens there");
            return Err(CallError::Backend(error));
        }
        Ok(())
    }
}

impl World {
    fn version(&self) -> String {
        format!("{:?}", self.copies)
    }

    fn create(&mut self, id: &str, spec: Value, seen_from_ms: i64) {
        self.next_incarnation += 1;
        let copy = Copy { spec, incarnation: self.next_incarnation, seen_from_ms };
        self.copies.insert(id.to_owned(), copy);
    }

    fn act(&mut self, write: &Write, seen_from_ms: i64) -> Result<(), BackendError> {
        let id = write.key.id.as_str();
        let is_there = self.copies.get(id);
        let other = is_there.is_some_and(|copy| {
            write.incarnation.as_ref().is_some_and(|meant| *meant != copy.incarnation.to_string())
        });
        let refuse = |kind| Err(BackendError::new(kind, format!("{id}: {kind:?}")));
        match (&write.action, is_there.is_some()) {
            (_, true) if other => return refuse(ErrorKind::Conflict),
            (Action::Create(_), true) => return refuse(ErrorKind::AlreadyExists),
            (Action::Edit(_) | Action::Delete | Action::Replace(_) | Action::Run { .. }, false) => {
                return refuse(ErrorKind::NotFound);
            }
            (Action::Create(spec), false) => {
                self.create(id, without_nulls(spec), seen_from_ms);
                self.done.push(format!("+{id}"));
            }
            (Action::Edit(edits), true) => {
                let copy = self.copies.get_mut(id).unwrap();
                edits.iter().for_each(|edit| edit_one(&mut copy.spec, edit));
                self.done.push(format!("~{id}"));
            }
            (Action::Delete, true) => {
                self.copies.remove(id);
                self.done.push(format!("-{id}"));
            }
            (Action::Replace(_) | Action::Run { .. }, true) => return refuse(ErrorKind::Unsupported),
        }
        Ok(())
    }

    fn observed(&self, id: &str, brief: bool) -> Option<Observed> {
        let copy = self.copies.get(id)?;
        let spec = if brief { fields::pick(&copy.spec, &["/partitions"]) } else { copy.spec.clone() };
        Some(Observed {
            key: topic(id),
            revision: None,
            incarnation: Some(copy.incarnation.to_string()),
            spec: Arc::new(spec),
            effective: None,
            status: Arc::new(json!({})),
            internal: id.starts_with("__"),
            partial: brief,
        })
    }
}

fn edit_one(spec: &mut Value, edit: &Edit) {
    match &edit.value {
        Some(value) if !value.is_null() => fields::set(spec, &edit.path, value.clone()),
        Some(_) | None => drop(fields::remove(spec, &edit.path)),
    }
}

fn without_nulls(spec: &Value) -> Value {
    let set = fields::leaves(spec).into_iter().filter(|(_, value)| !value.is_null());
    let paths: Vec<String> = set.map(|(path, _)| path).collect();
    fields::pick(spec, &paths)
}

#[async_trait]
impl Driver for Model {
    async fn probe(&self) -> Result<Vec<Check>, CallError> {
        self.answer().await.map(|()| Vec::new())
    }

    async fn discover(&self) -> Result<Discovery, CallError> {
        self.answer().await?;
        let node = |id: &str| Node {
            id: id.to_owned(),
            roles: vec!["broker".to_owned()],
            group: None,
            rank: 0,
            addresses: Vec::new(),
            version: None,
            rack: None,
            health: Health::Up,
            facts: json!({}),
        };
        Ok(Discovery {
            identity: Some(self.world().identity.clone()),
            version: Some("1".to_owned()),
            facts: json!({"nodes": 1}),
            nodes: vec![node("1")],
            relations: Some(Vec::new()),
        })
    }

    async fn list(&self, query: Query) -> Result<Page, CallError> {
        self.answer().await?;
        let now_ms = self.clock.now_ms();
        let mut world = self.world();
        world.lists += 1;
        let from: usize = query.cursor.as_deref().map_or(0, |cursor| cursor.parse().unwrap());
        if world.lost_page == Some(from / world.page_size) {
            let error = BackendError::new(ErrorKind::Timeout, "the page was lost");
            return Err(CallError::Backend(error));
        }
        let ids: Vec<String> = world
            .copies
            .iter()
            .filter(|(id, copy)| copy.seen_from_ms <= now_ms && !world.hidden.contains(*id))
            .map(|(id, _)| id.clone())
            .collect();
        let version = world.tells_version.then(|| world.version());
        if version.is_some() && version == query.since {
            return Ok(Page { resources: Vec::new(), failures: Vec::new(), next: None, version });
        }
        let shown = ids.iter().skip(from).take(world.page_size);
        let (failing, fine): (Vec<&String>, Vec<&String>) =
            shown.partition(|id| world.unreadable.contains(*id));
        let failure = |id: &&String| ListFailure {
            metadata_type: "topic".to_owned(),
            id: Some((*id).clone()),
            place: Place::Cluster,
            error: not_for_you(),
        };
        let next = from + world.page_size;
        Ok(Page {
            resources: fine.iter().filter_map(|id| world.observed(id, query.brief)).collect(),
            failures: failing.iter().map(failure).collect(),
            next: (next < ids.len()).then(|| next.to_string()),
            version,
        })
    }

    async fn get(&self, keys: Vec<ResourceKey>) -> Result<Vec<Lookup>, CallError> {
        self.answer().await?;
        let now_ms = self.clock.now_ms();
        let mut world = self.world();
        world.gets += 1;
        let look = |key: &ResourceKey| match world.copies.get(&key.id) {
            _ if world.unreadable.contains(&key.id) => Lookup::Failed(not_for_you()),
            Some(copy) if copy.seen_from_ms <= now_ms => {
                Lookup::Found(Box::new(world.observed(&key.id, false).unwrap()))
            }
            Some(_) | None => Lookup::Absent,
        };
        Ok(keys.iter().map(look).collect())
    }

    async fn write(&self, writes: Vec<Write>, _dry_run: bool) -> Result<Vec<Outcome>, CallError> {
        self.answer().await?;
        let mut outcomes = Vec::new();
        let mut trapped = false;
        self.world().writes += 1;
        for write in &writes {
            tokio::task::yield_now().await;
            let fault = self
                .world()
                .faults
                .get_mut(&write.key.id)
                .and_then(|faults| if faults.is_empty() { None } else { Some(faults.remove(0)) });
            let lag = if let Some(Fault::Lag(lag)) = &fault { lag.as_millis() } else { 0 };
            let seen_from_ms = self.clock.now_ms() + i64::try_from(lag).unwrap();
            let lost =
                || Outcome::Unknown { error: BackendError::new(ErrorKind::Timeout, "the answer was lost") };
            let failed = |error| Outcome::Failed { error };
            let refused = || failed(BackendError::new(ErrorKind::InvalidArgument, "refused by script"));
            let outcome = match fault {
                Some(Fault::Refused) => refused(),
                Some(Fault::LostBefore) => lost(),
                Some(Fault::LostAfter) => {
                    self.world().act(write, seen_from_ms).map_or_else(failed, |()| lost())
                }
                Some(Fault::Trap) => {
                    trapped = true;
                    self.world().act(write, seen_from_ms).map_or_else(failed, |()| lost())
                }
                Some(Fault::Lag(_)) | None => {
                    self.world().act(write, seen_from_ms).map_or_else(failed, |()| answered(write))
                }
            };
            outcomes.push(outcome);
        }
        tokio::task::yield_now().await;
        if trapped {
            let failure = Failure::Trap("scripted".to_owned());
            return Err(CallError::Plugin { plugin: "model".to_owned(), call: "write-resources", failure });
        }
        Ok(outcomes)
    }

    async fn preview(&self, _name: &str, subject: Subject, input: Value) -> Result<Forecast, CallError> {
        self.answer().await?;
        let lines = vec![format!("{subject} with {input}")];
        Ok(Forecast { lines, warnings: Vec::new(), document: json!({}) })
    }

    async fn run(
        &self,
        name: &str,
        subject: Subject,
        input: Value,
        _id: &OperationId,
    ) -> Result<Progress, CallError> {
        self.answer().await?;
        self.world().done.push(format!("{name} {subject}"));
        self.world().scripted(name, &input)
    }

    async fn poll(&self, handle: &str) -> Result<Progress, CallError> {
        self.answer().await?;
        Ok(self.world().polled(handle))
    }

    async fn cancel(&self, handle: &str) -> Result<(), CallError> {
        self.answer().await?;
        self.world().done.push(format!("cancel {handle}"));
        self.world().runs_left = 0;
        Ok(())
    }

    async fn close(&self) {}
}

/// An edit of `config.slow` goes on in the backend, under that handle.
fn answered(write: &Write) -> Outcome {
    match &write.action {
        Action::Edit(edits) if edits.iter().any(|edit| edit.path == "/config/slow") => {
            Outcome::Started { handle: "slow".to_owned() }
        }
        _ => Outcome::Accepted { written: Written::default(), lag_ms: 10 },
    }
}

fn not_for_you() -> BackendError {
    BackendError::new(ErrorKind::PermissionDenied, "not for you")
}

pub(crate) fn topic(id: &str) -> ResourceKey {
    ResourceKey { metadata_type: "topic".to_owned(), id: id.to_owned(), place: Place::Cluster }
}

/// Waits are short: what takes a minute in earnest takes a fifth of a second.
pub(crate) fn timing() -> Timing {
    Timing {
        read_back: Duration::from_millis(200),
        poll_min: Duration::from_millis(1),
        poll_max: Duration::from_millis(5),
        backend_timeout: Duration::from_millis(30),
        plan_deadline: Duration::from_hours(6),
        calls_max: 4,
        interval: Duration::from_millis(10),
        backoff_max: Duration::from_millis(100),
    }
}

pub(crate) fn sync_over(store: &Store, model: &Arc<Model>) -> Sync {
    let kinds = Arc::new(Loaded(Arc::new(Models([("lab".to_owned(), Arc::clone(model))].into()))));
    Sync::new(store.clone(), kinds, Arc::clone(&model.clock) as Arc<dyn Clock>, timing())
}
