//! A plugin that serves: calls that decide, each on a fresh instance, and the door to its sessions.

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use serde_json::Value;
use tokio::sync::watch;
use wasmtime::Store;

use super::contract::{Deciding, Question};
use super::convert::{self, Broken};
use super::driver::{CallError, Driver, Failure, Kind, Secrets};
use super::engine::GuestEngine;
use super::guest::{self, Equipment, Guest};
use super::health::Health;
use super::imports::net::Net;
use super::imports::secrets::SecretBox;
use super::imports::state::State;
use super::imports::wasi::Wasi;
use super::invoke::invoke;
use super::limits::{Limits, Time};
use super::linked::Linked;
use super::metrics::PluginMetrics;
use super::sessions::Sessions;
use super::tape::Track;
use crate::clock::SharedClock;
use crate::domain::cluster::Cluster;
use crate::domain::contract::{Change, Description, Issue, MetadataType, StrategyStep};
use crate::domain::error::BackendError;
use crate::domain::operation::OperationType;

/// What every call of a plugin needs.
pub(super) struct Parts {
    /// The kind, once it is known; the file's name before.
    pub(super) name: Arc<str>,
    pub(super) digest: String,
    pub(super) linked: Arc<Linked>,
    pub(super) engine: GuestEngine,
    pub(super) limits: Limits,
    pub(super) clock: SharedClock,
    pub(super) metrics: PluginMetrics,
    pub(super) moment: u64,
}

pub(super) struct Plugin {
    parts: Arc<Parts>,
    description: Description,
    sessions: Sessions,
}

/// Stands for the cluster of a call that decides.
const DECIDING: &str = "";

type Running<'a, T> = BoxFuture<'a, wasmtime::Result<T>>;

impl Parts {
    fn health(&self) -> &Health {
        self.metrics.health()
    }

    /// On a fresh instance and a guest's thread; a dropped future ends it.
    async fn decide<T: Send + 'static>(
        self: &Arc<Self>,
        name: &'static str,
        time: Time,
        call: impl for<'a> FnOnce(&'a mut Store<Guest>, &'a dyn Deciding) -> Running<'a, T> + Send + 'static,
    ) -> Result<T, CallError> {
        self.admit(DECIDING)?;
        let parts = Arc::clone(self);
        let run = async move {
            let mut store = guest::store(parts.linked.engine(), parts.limits.pure, parts.equipment());
            // Nobody cancels a call that decides: it is short.
            let (_keep, cancelled) = watch::channel(false);
            invoke(&mut store, name, time, cancelled, move |store| {
                Box::pin(async move {
                    let began = std::time::Instant::now();
                    let instance = parts.linked.instantiate_pure(store).await?;
                    parts.metrics.instantiated(began.elapsed());
                    call(store, &*instance).await
                })
            })
            .await
        };
        let answer = Task(self.engine.handle().spawn(run)).await;
        match answer {
            Ok(answer) => {
                self.health().answered(DECIDING);
                Ok(answer)
            }
            Err(failure) => Err(self.failed(DECIDING, name, failure)),
        }
    }

    /// Refuses calls of a plugin that is quarantined, and of a cluster that it fails on.
    pub(super) fn admit(&self, cluster: &str) -> Result<(), CallError> {
        let refused = |why| CallError::Refused(format!("the plugin `{}` is not asked: {why}", self.name));
        self.health().admit(cluster).map_err(refused)
    }

    fn equipment(&self) -> Equipment {
        Equipment {
            plugin: Arc::clone(&self.name),
            cluster: String::new(),
            secrets: SecretBox::default(),
            net: Net::default(),
            state: State::default(),
            track: Track::default(),
            wasi: Wasi::counted(self.moment),
            clock: Arc::clone(&self.clock),
            metrics: self.metrics.clone(),
        }
    }

    /// `cluster` is empty for a call that decides.
    pub(super) fn failed(&self, cluster: &str, call: &'static str, failure: Failure) -> CallError {
        tracing::error!(plugin = &*self.name, cluster, call, %failure, "a plugin failed");
        self.health().failed(cluster, call, &failure);
        CallError::Plugin { plugin: self.name.to_string(), call, failure }
    }

    fn kept<T>(&self, call: &'static str, answer: Result<T, Broken>) -> Result<T, CallError> {
        answer.map_err(|broken| {
            self.health().take_back_answer();
            self.failed(DECIDING, call, Failure::Protocol(broken))
        })
    }

    fn counted<T>(&self, call: &'static str, answers: &[T], asked: usize) -> Result<(), CallError> {
        let broken = format!("{} answers to {asked} questions", answers.len());
        self.kept(call, if answers.len() == asked { Ok(()) } else { Err(broken) })
    }

    pub(super) async fn describe(self: &Arc<Self>) -> Result<Description, CallError> {
        let time = self.limits.describe;
        let told = self.decide("describe", time, |store, instance| {
            Box::pin(async move {
                let first = instance.describe(&mut *store).await?;
                Ok([first, instance.describe(store).await?])
            })
        });
        let [first, second] = told.await?.map(convert::description);
        let (first, second) = (self.kept("describe", first)?, self.kept("describe", second)?);
        // What it is asks no clock and counts no calls: the host keeps the first answer for as long as it serves.
        let same =
            if first == second { Ok(first) } else { Err("asked twice, it answers differently".to_owned()) };
        self.kept("describe", same)
    }

    fn lacks(&self, interface: &str) -> CallError {
        CallError::Refused(format!("the plugin `{}` has no `{interface}`", self.name))
    }
}

/// A task that ends with whoever waits for it.
struct Task<T>(tokio::task::JoinHandle<Result<T, Failure>>);

impl<T> Future for Task<T> {
    type Output = Result<T, Failure>;

    fn poll(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        let joined = std::pin::Pin::new(&mut self.0).poll(context);
        joined.map(|joined| joined.unwrap_or_else(|stopped| Err(Failure::HostPanic(stopped.to_string()))))
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Plugin {
    pub(super) fn new(parts: Arc<Parts>, description: Description, sessions: Sessions) -> Self {
        Self { parts, description, sessions }
    }

    /// An instance for nothing.
    pub(super) async fn only_instantiate(&self) -> Result<(), CallError> {
        let nothing = self
            .parts
            .decide("instantiate", self.parts.limits.describe, |_, _| Box::pin(std::future::ready(Ok(()))));
        nothing.await
    }

    /// Again: the description that is held was the first answer.
    pub(super) async fn describe(&self) -> Result<Description, CallError> {
        self.parts.describe().await
    }

    pub(super) async fn open_again(&self, cluster: &Cluster, secrets: Secrets) -> Result<(), CallError> {
        self.sessions.get(cluster, secrets).open_again(cluster).await
    }
}

#[async_trait]
impl Kind for Plugin {
    fn description(&self) -> &Description {
        &self.description
    }

    fn digest(&self) -> &str {
        &self.parts.digest
    }

    async fn types(&self, facts: Option<&Value>) -> Result<Vec<MetadataType>, CallError> {
        let facts = facts.map(Value::to_string);
        let time = self.parts.limits.decide;
        let types = self.parts.decide("list-types", time, |store, instance| {
            Box::pin(async move { Ok(instance.list_types(store, facts).await?.unwrap_or_default()) })
        });
        let types: Result<_, _> = types.await?.into_iter().map(convert::metadata_type).collect();
        self.parts.kept("list-types", types)
    }

    async fn normalize(
        &self,
        metadata_type: &str,
        specs: Vec<Value>,
        facts: &Value,
    ) -> Result<Vec<Result<Value, Vec<Issue>>>, CallError> {
        let asked = specs.len();
        let question = question(metadata_type, &specs, facts);
        let answers = self
            .parts
            .decide("normalize", self.parts.limits.decide, |store, instance| {
                Box::pin(async move { instance.normalize(store, &question).await })
            })
            .await?
            .ok_or_else(|| self.parts.lacks("config-strategy"))?;
        self.parts.counted("normalize", &answers, asked)?;
        let answers: Result<_, _> = answers.into_iter().map(convert::normalized).collect();
        self.parts.kept("normalize", answers)
    }

    async fn validate(
        &self,
        metadata_type: &str,
        specs: Vec<Value>,
        facts: &Value,
    ) -> Result<Vec<Vec<Issue>>, CallError> {
        let asked = specs.len();
        let question = question(metadata_type, &specs, facts);
        let answers = self
            .parts
            .decide("validate", self.parts.limits.decide, |store, instance| {
                Box::pin(async move { instance.validate(store, &question).await })
            })
            .await?
            .ok_or_else(|| self.parts.lacks("config-strategy"))?;
        self.parts.counted("validate", &answers, asked)?;
        Ok(answers.into_iter().map(|issues| issues.into_iter().map(convert::issue).collect()).collect())
    }

    async fn steps(
        &self,
        changes: Vec<Change>,
        facts: &Value,
    ) -> Result<Vec<Result<Vec<StrategyStep>, BackendError>>, CallError> {
        let asked = changes.len();
        let changes: Vec<_> = changes.into_iter().map(convert::change).collect();
        let facts = facts.to_string();
        let answers = self
            .parts
            .decide("steps", self.parts.limits.decide, |store, instance| {
                Box::pin(async move { instance.steps(store, changes, facts).await })
            })
            .await?
            .ok_or_else(|| self.parts.lacks("config-strategy"))?;
        self.parts.counted("steps", &answers, asked)?;
        let answers: Result<_, _> = answers.into_iter().map(convert::steps).collect();
        self.parts.kept("steps", answers)
    }

    async fn operations(&self, facts: Option<&Value>) -> Result<Vec<OperationType>, CallError> {
        let facts = facts.map(Value::to_string);
        let time = self.parts.limits.decide;
        let operations = self.parts.decide("list-operations", time, |store, instance| {
            Box::pin(async move { Ok(instance.list_operations(store, facts).await?.unwrap_or_default()) })
        });
        let operations: Result<_, _> = operations.await?.into_iter().map(convert::operation_type).collect();
        self.parts.kept("list-operations", operations)
    }

    async fn driver(&self, cluster: &Cluster, secrets: Secrets) -> Result<Arc<dyn Driver>, CallError> {
        if cluster.kind != self.description.kind {
            return Err(CallError::Refused(format!(
                "the cluster `{}` is of the kind `{}`, not `{}`",
                cluster.name, cluster.kind, self.description.kind
            )));
        }
        Ok(self.sessions.get(cluster, secrets))
    }
}

fn question(metadata_type: &str, specs: &[Value], facts: &Value) -> Question {
    let specs = specs.iter().map(Value::to_string).collect();
    Question { metadata_type: metadata_type.to_owned(), specs, facts: facts.to_string() }
}
