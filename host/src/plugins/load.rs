//! From a file's bytes to a version that can serve, stage by stage.

use std::sync::{Arc, Weak};

use tokio::sync::{Semaphore, mpsc};

use super::cache::Cache;
use super::describe;
use super::engine::GuestEngine;
use super::grants::Given;
use super::health::{Health, Identity, Report};
use super::imports::net::Places;
use super::imports::state::StateStore;
use super::limits::Limits;
use super::linked::Linked;
use super::metrics::{Metrics, PluginMetrics};
use super::package::Package;
use super::plugin::{Parts, Plugin};
use super::refusal::{Refusal, Stage};
use super::sessions::Sessions;
use super::smoke;
use super::toolchain::toolchain;
use super::watch::life::Passed;
use crate::clock::SharedClock;
use crate::domain::contract::Description;

/// Hears which stages are passed, from any thread.
pub(super) type Progress = Arc<dyn Fn(Passed) + Send + Sync>;

pub(super) struct Loader {
    pub(super) engine: GuestEngine,
    pub(super) cache: Arc<Cache>,
    pub(super) limits: Limits,
    pub(super) clock: SharedClock,
    pub(super) state: Arc<dyn StateStore>,
    pub(super) metrics: Metrics,
    pub(super) places: Places,
    /// One file is compiled at a time: the compiler takes all cores that it finds.
    pub(super) compiler: Semaphore,
    pub(super) reports: mpsc::Sender<Report>,
}

/// A version that said what it is.
#[derive(Clone)]
pub(super) struct Candidate {
    pub(super) digest: String,
    pub(super) linked: Arc<Linked>,
    pub(super) description: Description,
    /// What made it, by its own word.
    pub(super) toolchain: Vec<String>,
}

/// A version that serves as soon as it is published.
pub(super) struct Made {
    pub(super) plugin: Arc<Plugin>,
    pub(super) health: Arc<Health>,
    /// Lives as long as anybody works with this version.
    pub(super) alive: Weak<Parts>,
}

impl Loader {
    pub(super) async fn prepare(&self, package: Package, passed: Progress) -> Result<Candidate, Refusal> {
        let name = package.name.clone();
        let (engine, cache) = (self.engine.clone(), Arc::clone(&self.cache));
        let (metrics, told) = (self.metrics.clone(), Arc::clone(&passed));
        let compile = move || {
            let tools = toolchain(&package.bytes);
            let verified = package.verify()?;
            told(Passed::Verified);
            let compiled = verified.compile(&engine, &cache, &metrics)?;
            told(Passed::Compiled);
            let digest = compiled.digest.clone();
            let linked = compiled.link()?;
            told(Passed::Typed);
            Ok((linked, digest, tools))
        };
        let turn = self.compiler.acquire().await;
        let compiled = tokio::task::spawn_blocking(compile).await.unwrap_or_else(|stopped| {
            let advice = "report it with the file";
            Err(Refusal::new(&name, Stage::Compile, "a compiler that ends", stopped.to_string(), advice))
        });
        drop(turn);
        let (linked, digest, toolchain) = compiled?;
        let parts = self.parts(&name, &digest, &linked, self.metrics.of(&name));
        let description = parts.describe().await.map_err(|failed| {
            let advice = "its log lines above may say why; try it with the plugin's own tests";
            Refusal::new(&name, Stage::Describe, "a description of itself", failed.to_string(), advice)
        })?;
        describe::check(&name, &description)?;
        passed(Passed::Described);
        Ok(Candidate { digest, linked, description, toolchain })
    }

    /// Asks it what a version is asked first, without any grant.
    pub(super) async fn test(&self, name: &str, candidate: &Candidate) -> Result<(), Refusal> {
        let parts = self.parts(name, &candidate.digest, &candidate.linked, self.metrics.of(name));
        let plugin = self.assemble(parts, candidate, Given::default(), self.places.of_another());
        smoke::check(name, &plugin).await
    }

    pub(super) fn make(&self, candidate: &Candidate, given: Given, places: Places) -> Made {
        let Description { kind, version, .. } = &candidate.description;
        let health = Arc::new(Health::new(Identity {
            kind: kind.clone(),
            digest: candidate.digest.clone(),
            version: version.clone(),
            reports: Some(self.reports.clone()),
        }));
        let metrics = self.metrics.watched(kind, Arc::clone(&health));
        let parts = self.parts(kind, &candidate.digest, &candidate.linked, metrics);
        let alive = Arc::downgrade(&parts);
        Made { plugin: Arc::new(self.assemble(parts, candidate, given, places)), health, alive }
    }

    fn parts(&self, name: &str, digest: &str, linked: &Arc<Linked>, metrics: PluginMetrics) -> Arc<Parts> {
        Arc::new(Parts {
            name: Arc::from(name),
            digest: digest.to_owned(),
            linked: Arc::clone(linked),
            engine: self.engine.clone(),
            limits: linked.limits(&self.limits),
            clock: Arc::clone(&self.clock),
            metrics,
        })
    }

    fn assemble(&self, parts: Arc<Parts>, candidate: &Candidate, given: Given, places: Places) -> Plugin {
        let (description, state) = (candidate.description.clone(), Arc::clone(&self.state));
        let sessions = Sessions::new(Arc::clone(&parts), description.clone(), given, places, state);
        Plugin::new(parts, description, sessions)
    }
}
