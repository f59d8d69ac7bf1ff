//! One component by itself: loaded by the host's own loader under the host's own limits, without a server, a database
//! and a plugin folder. For tools that a plugin's author runs.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::Context;
use async_trait::async_trait;
use serde::Serialize;
use tokio::sync::{Semaphore, mpsc};

use super::cache::Cache;
use super::driver::{CallError, Kind, Secrets};
use super::engine::GuestEngine;
use super::grants::{Given, NetworkGrant};
use super::imports::net::Places;
use super::limits::Limits;
use super::load::{Candidate, Instruments, Loader, Made};
use super::metrics::Metrics;
use super::package::{Package, Shape};
use super::plugin::Plugin;
use super::refusal::Refusal;
use super::registry::StateStore;
use super::tape::Tape;
use super::usage::Usage;
use crate::clock::SharedClock;
use crate::domain::cluster::Cluster;
use crate::domain::contract::{Description, MetadataType};
use crate::domain::id::ClusterId;
use crate::domain::operation::OperationType;

/// Reports of failures go nowhere: who calls has the failure itself.
const REPORTS_MAX: usize = 1;

/// The engine and the compiler's cache. Lives as long as what it loaded.
pub struct Alone {
    loader: Loader,
}

/// What is known of a file, as far as it came.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Facts {
    pub bytes: usize,
    /// Lower-case hexadecimal SHA-256; of a component alone.
    pub digest: Option<String>,
    /// Names of interfaces with their versions; none before it is compiled.
    pub imports: Vec<String>,
    pub exports: Vec<String>,
    /// Compiled, or taken from the cache, within so long.
    pub compile_ms: Option<u64>,
    /// Whether the limits of a component with an interpreter hold for it.
    pub interpreted: bool,
    pub description: Option<Description>,
    /// Without the facts of a cluster: what any release has.
    pub types: Vec<MetadataType>,
    pub operations: Vec<OperationType>,
}

/// A file that was led through the stages of a plugin that is dropped into a host's folder.
pub struct Examined {
    pub facts: Facts,
    /// Where it was stopped, and why.
    pub version: Result<Version, Refusal>,
}

/// A component that a host would let serve.
pub struct Version {
    loader: Loader,
    candidate: Candidate,
}

/// What a version works under.
#[derive(Clone, Default)]
pub struct Terms {
    pub given: Given,
    /// The host's own where none are named.
    pub limits: Option<Limits>,
    /// Counts what its calls use.
    pub usage: Option<Arc<Usage>>,
    pub tape: Tape,
    /// Another beginning for time and random bytes of calls that decide; 0 where a plugin serves.
    pub moment: u64,
}

impl Terms {
    /// What the manifest asks of the network, whole: the author runs it against a cluster of the author's own.
    pub fn of_author(description: &Description) -> Self {
        let asked = description.grants.iter().filter_map(NetworkGrant::of);
        let given = Given { network: asked.collect(), ..Given::default() };
        Self { given, ..Self::default() }
    }
}

impl Alone {
    /// `cache` holds machine code: a folder of this user alone, made where it is missing.
    pub fn start(cache: PathBuf, clock: SharedClock) -> anyhow::Result<Self> {
        let engine = GuestEngine::start()
            .map_err(|error| anyhow::anyhow!("the WebAssembly engine does not start: {error:#}"))?;
        let cache = Cache::open(&cache, engine.wasm())
            .with_context(|| format!("the cache folder {} cannot be used", cache.display()))?;
        let metrics = Metrics::register(&mut prometheus_client::registry::Registry::default());
        let (reports, _nobody_hears) = mpsc::channel(REPORTS_MAX);
        let loader = Loader {
            engine,
            cache: Arc::new(cache),
            limits: Limits::default(),
            clock,
            state: Arc::new(MemoryState::default()),
            metrics,
            places: Places::default(),
            compiler: Semaphore::new(1),
            reports,
            instruments: Instruments::default(),
        };
        Ok(Self { loader })
    }

    /// By the stages of a host, to the first that refuses. `name` stands in messages: the file's.
    pub async fn examine(&self, name: &str, bytes: Vec<u8>) -> Examined {
        let mut facts = Facts { bytes: bytes.len(), ..Facts::default() };
        let version = self.load(name, bytes, &mut facts).await;
        Examined { facts, version }
    }

    async fn load(&self, name: &str, bytes: Vec<u8>, facts: &mut Facts) -> Result<Version, Refusal> {
        let package = || Package { name: name.to_owned(), bytes: bytes.clone() };
        let began = Instant::now();
        let (digest, Shape { imports, exports }) = self.loader.shape(package()).await?;
        facts.compile_ms = u64::try_from(began.elapsed().as_millis()).ok();
        (facts.digest, facts.imports, facts.exports) = (Some(digest), imports, exports);
        let candidate = self.loader.prepare(package(), Arc::new(|_| {})).await?;
        facts.interpreted = candidate.linked.is_interpreted();
        facts.description = Some(candidate.description.clone());
        self.loader.test(name, &candidate).await?;
        let version = Version { loader: self.loader.another(), candidate };
        let kind = version.kind(Terms::default());
        // They were listed a moment ago; what fails now is said by whoever asks again.
        facts.types = kind.types(None).await.unwrap_or_default();
        facts.operations = kind.operations(None).await.unwrap_or_default();
        Ok(version)
    }
}

impl Alone {
    /// As far as a host takes it before it serves, and without any grant.
    pub(super) async fn plugin(&self, name: &str, bytes: Vec<u8>) -> Result<Arc<Plugin>, Refusal> {
        let package = Package { name: name.to_owned(), bytes };
        let candidate = self.loader.prepare(package, Arc::new(|_| {})).await?;
        self.loader.test(name, &candidate).await?;
        Ok(self.loader.make(&candidate, Given::default(), self.loader.places.of_another()).plugin)
    }
}

impl Version {
    pub fn description(&self) -> &Description {
        &self.candidate.description
    }

    /// A plugin of its own each time: one's failures do not stop another's calls, connections are counted for each.
    pub fn kind(&self, terms: Terms) -> Arc<dyn Kind> {
        self.made(terms).plugin
    }

    fn made(&self, terms: Terms) -> Made {
        let Terms { given, limits, usage, tape, moment } = terms;
        let mut loader = self.loader.another();
        loader.limits = limits.unwrap_or(loader.limits);
        loader.instruments = Instruments { usage, tape, moment };
        loader.make(&self.candidate, given, loader.places.of_another())
    }

    /// Asked again, on an instance of its own.
    pub async fn describe(&self, moment: u64) -> Result<Description, CallError> {
        self.made(Terms { moment, ..Terms::default() }).plugin.describe().await
    }

    /// A session that is opened once more than a host does.
    pub async fn open_again(
        &self,
        terms: Terms,
        cluster: &Cluster,
        secrets: Secrets,
    ) -> Result<(), CallError> {
        self.made(terms).plugin.open_again(cluster, secrets).await
    }

    /// The limits that hold for it.
    pub fn limits(&self, limits: &Limits) -> Limits {
        self.candidate.linked.limits(limits)
    }
}

/// State of plugins that lasts as long as the process.
#[derive(Default)]
struct MemoryState(Mutex<HashMap<[String; 3], Vec<u8>>>);

impl MemoryState {
    fn with<T>(&self, work: impl FnOnce(&mut HashMap<[String; 3], Vec<u8>>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// By kind, cluster and key.
fn place(kind: &str, cluster: &ClusterId, key: &str) -> [String; 3] {
    [kind, &cluster.0, key].map(str::to_owned)
}

#[async_trait]
impl StateStore for MemoryState {
    async fn get(&self, kind: &str, cluster: &ClusterId, key: &str) -> Result<Option<Vec<u8>>, String> {
        Ok(self.with(|kept| kept.get(&place(kind, cluster, key)).cloned()))
    }

    async fn set(&self, kind: &str, cluster: &ClusterId, key: &str, value: Vec<u8>) -> Result<(), String> {
        self.with(|kept| kept.insert(place(kind, cluster, key), value));
        Ok(())
    }

    async fn delete(&self, kind: &str, cluster: &ClusterId, key: &str) -> Result<(), String> {
        self.with(|kept| kept.remove(&place(kind, cluster, key)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::domain::contract::Grant;
    use crate::plugins::fixture;
    use crate::plugins::refusal::Stage;
    use crate::plugins::stories::cluster;

    async fn examined(bytes: Vec<u8>) -> Examined {
        let cache = tempfile::tempdir().unwrap();
        let alone = Alone::start(cache.path().to_owned(), Arc::new(SystemClock)).unwrap();
        alone.examine("plugin.wasm", bytes).await
    }

    #[tokio::test]
    async fn a_component_serves_without_a_host() {
        let found = examined(fixture::plain()).await;
        let version = found.version.unwrap();
        assert_eq!((version.description().kind.as_str(), found.facts.interpreted), ("fixture", false));
        assert!(found.facts.exports.contains(&"headgate:plugin/manifest@0.1.0".to_owned()));
        assert!(found.facts.imports.contains(&"headgate:host/net@0.1.0".to_owned()));
        let kind = version.kind(Terms::default());
        let driver = kind.driver(&cluster("fixture"), Secrets::default()).await.unwrap();
        assert_eq!(driver.probe().await.unwrap(), []);
        assert_eq!(Some(kind.digest().to_owned()), found.facts.digest);
    }

    #[tokio::test]
    async fn a_failure_of_one_is_not_held_against_the_next() {
        let version = examined(fixture::guest("fixture", fixture::PANIC)).await.version.unwrap();
        for _ in 0..6 {
            let kind = version.kind(Terms::default());
            let driver = kind.driver(&cluster("fixture"), Secrets::default()).await.unwrap();
            let failed = driver.probe().await.unwrap_err().to_string();
            assert!(failed.contains("boom"), "{failed}");
        }
    }

    #[tokio::test]
    async fn what_is_known_of_a_refused_file_is_told_as_far_as_it_came() {
        let text = examined(b"text".to_vec()).await;
        assert_eq!(text.version.err().map(|refusal| refusal.stage), Some(Stage::Verify));
        assert_eq!((text.facts.bytes, text.facts.digest), (4, None));
        let foreign = examined(fixture::foreign()).await;
        assert_eq!(foreign.version.err().map(|refusal| refusal.stage), Some(Stage::Link));
        assert!(foreign.facts.imports.contains(&"other:program/thing".to_owned()));
        assert!(foreign.facts.digest.is_some() && foreign.facts.description.is_none());
    }

    #[test]
    fn an_author_is_given_what_the_manifest_asks_of_the_network() {
        let network = |host: &str| Grant::Network { host: host.to_owned(), ports: "1-9".to_owned() };
        let asked = [network("${connection./bootstrap}"), network("*.svc"), Grant::Wasi("clocks".to_owned())];
        let given: Vec<_> = asked.iter().filter_map(NetworkGrant::of).map(|given| given.host).collect();
        assert_eq!(given, ["${connection./bootstrap}", "*.svc"]);
    }
}
