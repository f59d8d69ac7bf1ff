//! A session: one instance bound to one cluster, behind a queue. Calls run one at a time, on a guest's thread.
//!
//! Invariant: an instance that failed, or whose caller left it in the middle of a call, is thrown away; the next call
//! gets a new one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot, watch};
use wasmtime::Store;

use super::bindings::exports::headgate::plugin::storage_driver::Target;
use super::bindings::headgate::host::errors::Error;
use super::contract::Talking;
use super::convert::{self, Broken};
use super::driver::{CallError, Failure};
use super::grants::NetworkPolicy;
use super::guest::{self, Equipment, Guest};
use super::imports::net::{Dialer, Net, Places};
use super::imports::secrets::SecretBox;
use super::imports::state::State;
use super::imports::wasi::Wasi;
use super::invoke::invoke;
use super::limits::{AGE_MAX, CALLS_MAX, GRACE, QUEUE_MAX};
use super::metrics::PluginMetrics;
use super::plugin::Parts;
use super::tape::Tape;
use crate::domain::address::AddressMap;

/// One function of a session's guest: what it is called, what it answers, and how that reads in the domain.
pub(super) trait Request: Send + 'static {
    type Raw: Send;
    type Answer: Send + 'static;
    /// What the answer is held against.
    type Expected: Send;
    const NAME: &'static str;

    fn call(
        self,
        guest: Arc<dyn Talking>,
        store: &mut Store<Guest>,
    ) -> BoxFuture<'_, wasmtime::Result<Result<Self::Raw, Error>>>;

    fn expected(&self) -> Self::Expected;

    fn read(raw: Self::Raw, expected: Self::Expected) -> Result<Self::Answer, Broken>;
}

/// What a session is made from, each time anew.
#[derive(Clone)]
pub(super) struct Recipe {
    pub(super) target: Target,
    pub(super) secrets: SecretBox,
    pub(super) policy: NetworkPolicy,
    pub(super) addresses: AddressMap,
    pub(super) places: Places,
    pub(super) state: State,
    pub(super) tape: Tape,
}

/// The handle: cheap, and good for as long as it is held.
pub(super) struct Session {
    queue: mpsc::Sender<Box<dyn Job>>,
    parts: Arc<Parts>,
    /// Name of the cluster.
    cluster: String,
}

impl Session {
    pub(super) fn start(parts: Arc<Parts>, recipe: Recipe) -> Self {
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let cluster = recipe.target.name.clone();
        let actor = Actor { parts: Arc::clone(&parts), recipe, live: None };
        parts.engine.handle().spawn(actor.run(jobs));
        Self { queue, parts, cluster }
    }

    /// Waits for its turn and the answer. Dropped, it cancels the call.
    pub(super) async fn ask<R: Request>(&self, request: R) -> Result<R::Answer, CallError> {
        self.parts.admit(&self.cluster)?;
        let (reply, answer) = oneshot::channel();
        self.put(Box::new(Asked { request, reply }))?;
        let ended = || CallError::Plugin {
            plugin: self.parts.name.to_string(),
            call: R::NAME,
            failure: Failure::HostPanic("its session ended".to_owned()),
        };
        answer.await.unwrap_or_else(|_gone| Err(ended()))
    }

    pub(super) async fn retire(&self) {
        let (done, retired) = oneshot::channel();
        if self.put(Box::new(Retire(done))).is_ok() {
            // Gone before it answered: retired all the same.
            retired.await.unwrap_or_default();
        }
    }

    fn put(&self, job: Box<dyn Job>) -> Result<(), CallError> {
        let busy = |_full| CallError::Busy { plugin: self.parts.name.to_string(), waiting: QUEUE_MAX };
        self.queue.try_send(job).map_err(busy)?;
        self.parts.metrics.queued(1);
        Ok(())
    }
}

#[async_trait]
trait Job: Send {
    async fn run(self: Box<Self>, actor: &mut Actor);
}

struct Asked<R: Request> {
    request: R,
    reply: oneshot::Sender<Result<R::Answer, CallError>>,
}

#[async_trait]
impl<R: Request> Job for Asked<R> {
    async fn run(self: Box<Self>, actor: &mut Actor) {
        let Self { request, mut reply } = *self;
        if reply.is_closed() {
            return;
        }
        let (cancel, cancelled) = watch::channel(false);
        let mut work = Box::pin(actor.perform(request, cancelled));
        let answer = tokio::select! {
            answer = &mut work => answer,
            () = reply.closed() => {
                cancel.send_replace(true);
                match tokio::time::timeout(GRACE, &mut work).await {
                    // The guest saw it and came to an end by itself: its instance is good.
                    Ok(_nobody_waits) => return,
                    Err(_elapsed) => {}
                }
                drop(work);
                actor.abandoned(R::NAME);
                return tracing::debug!(call = R::NAME, "a cancelled call did not end: its session is dropped");
            }
        };
        if reply.send(answer).is_err() {
            tracing::debug!(call = R::NAME, "nobody waits for the answer any more");
        }
    }
}

struct Retire(oneshot::Sender<()>);

#[async_trait]
impl Job for Retire {
    async fn run(self: Box<Self>, actor: &mut Actor) {
        actor.retire().await;
        // Who asked may have left.
        self.0.send(()).unwrap_or_default();
    }
}

struct Actor {
    parts: Arc<Parts>,
    recipe: Recipe,
    /// Taken out while a call runs: a call that ends badly or never leaves nothing behind.
    live: Option<Live>,
}

/// An opened instance.
struct Live {
    store: Store<Guest>,
    guest: Arc<dyn Talking>,
    born: Instant,
    age_max: Duration,
    calls: u64,
    metrics: PluginMetrics,
}

impl Drop for Live {
    fn drop(&mut self) {
        self.metrics.session(-1);
    }
}

impl Live {
    /// Renewed before it hurts: age and count bound what a guest leaks, memory never shrinks.
    fn worn(&self) -> bool {
        let memory = &self.store.data().memory;
        self.calls >= CALLS_MAX
            || self.born.elapsed() >= self.age_max
            || memory.high_water_bytes > memory.bytes_max() / 4 * 3
    }
}

impl Actor {
    async fn run(mut self, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
        loop {
            match tokio::time::timeout(self.parts.limits.idle_max, jobs.recv()).await {
                Ok(Some(job)) => {
                    self.parts.metrics.queued(-1);
                    job.run(&mut self).await;
                    if self.live.as_ref().is_some_and(Live::worn) {
                        self.retire().await;
                    }
                }
                Ok(None) => return self.retire().await,
                Err(_idle) => self.retire().await,
            }
        }
    }

    async fn perform<R: Request>(
        &mut self,
        request: R,
        cancelled: watch::Receiver<bool>,
    ) -> Result<R::Answer, CallError> {
        let mut live = match self.live.take() {
            Some(live) => live,
            None => self.open(cancelled.clone()).await?,
        };
        live.calls += 1;
        let (guest, expected) = (Arc::clone(&live.guest), request.expected());
        let time = self.parts.limits.talk;
        let answer =
            invoke(&mut live.store, R::NAME, time, cancelled, |store| request.call(guest, store)).await;
        let answer = answer.map_err(|failure| self.failed(R::NAME, failure))?;
        let read = match answer {
            Ok(raw) => R::read(raw, expected)
                .map(Ok)
                .map_err(|broken| self.failed(R::NAME, Failure::Protocol(broken)))?,
            Err(error) => Err(CallError::Backend(convert::error(error))),
        };
        self.answered();
        self.live = Some(live);
        read
    }

    fn failed(&self, call: &'static str, failure: Failure) -> CallError {
        self.parts.failed(&self.recipe.target.name, call, failure)
    }

    fn abandoned(&self, call: &'static str) {
        if let Some(usage) = self.parts.metrics.usage() {
            usage.abandoned(call);
        }
    }

    /// What the backend refused is the plugin's answer all the same.
    fn answered(&self) {
        self.parts.metrics.health().answered(&self.recipe.target.name);
    }

    async fn open(&mut self, cancelled: watch::Receiver<bool>) -> Result<Live, CallError> {
        let parts = &self.parts;
        let mut store = guest::store(parts.linked.engine(), parts.limits.driver, self.equipment());
        let (linked, target, metrics) =
            (Arc::clone(&parts.linked), self.recipe.target.clone(), parts.metrics.clone());
        let opened = invoke(&mut store, "open", parts.limits.open, cancelled, move |store| {
            Box::pin(async move {
                let began = Instant::now();
                let Some(guest) = linked.instantiate_session(store).await? else { return Ok(None) };
                metrics.instantiated(began.elapsed());
                let opened = guest.open(store, &target).await?;
                Ok(Some(opened.map(|()| guest)))
            })
        });
        match opened.await.map_err(|failure| self.failed("open", failure))? {
            None => Err(CallError::Refused(format!("the plugin `{}` has no `storage-driver`", parts.name))),
            Some(Err(error)) => {
                self.answered();
                Err(CallError::Backend(convert::error(error)))
            }
            Some(Ok(guest)) => {
                parts.metrics.session(1);
                let (born, metrics) = (Instant::now(), parts.metrics.clone());
                Ok(Live { store, guest, born, age_max: age_max(), calls: 0, metrics })
            }
        }
    }

    fn equipment(&self) -> Equipment {
        let recipe = self.recipe.clone();
        let track = recipe.tape.session(recipe.secrets.values());
        Equipment {
            plugin: Arc::clone(&self.parts.name),
            cluster: recipe.target.name,
            secrets: recipe.secrets,
            net: Net::new(Dialer::new(recipe.policy, recipe.addresses, recipe.places)),
            state: recipe.state,
            wasi: Wasi::system(),
            track,
            clock: Arc::clone(&self.parts.clock),
            metrics: self.parts.metrics.clone(),
        }
    }

    /// Best effort: the guest may say good-bye to its backend.
    async fn retire(&mut self) {
        let Some(mut live) = self.live.take() else { return };
        let (guest, time) = (Arc::clone(&live.guest), self.parts.limits.close);
        let (_keep, cancelled) = watch::channel(false);
        let closed = invoke(&mut live.store, "close", time, cancelled, move |store| {
            Box::pin(async move { guest.close(store).await })
        });
        let closed = closed.await;
        match (closed, self.parts.metrics.usage()) {
            (Ok(()), Some(usage)) => usage.closed(live.store.data_mut().table.iter_mut().count()),
            (Ok(()), None) => {}
            (Err(failure), _) => {
                tracing::debug!(plugin = &*self.parts.name, %failure, "a session did not close well");
            }
        }
    }
}

/// Three quarters of the most and up, so that sessions that began together do not end together.
fn age_max() -> Duration {
    let share = uuid::Uuid::new_v4().as_u128() % 256;
    let quarter = AGE_MAX / 4;
    quarter * 3 + quarter * u32::try_from(share).unwrap_or(0) / 256
}
