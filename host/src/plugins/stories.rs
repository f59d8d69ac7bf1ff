//! Whole plugins through the registry: what is refused, and what a bad guest can and cannot do.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::driver::{CallError, Driver, Failure, Kinds, Plugins, Secrets};
use super::fixture;
use super::ledger::NoLedger;
use super::limits::{Limits, SESSIONS_MAX};
use super::metrics::Metrics;
use super::registry::{Options, Pace, Registry, StateStore};
use crate::clock::SystemClock;
use crate::domain::address::AddressMap;
use crate::domain::cluster::{Cluster, Reach};
use crate::domain::id::{ClusterId, DEFAULT_ORGANIZATION, OrganizationId};
use crate::domain::policy::Authority;
use crate::domain::signature::SignatureRules;

pub(super) struct NoState;

#[async_trait]
impl StateStore for NoState {
    async fn get(&self, _: &str, _: &ClusterId, _: &str) -> Result<Option<Vec<u8>>, String> {
        Ok(None)
    }
    async fn set(&self, _: &str, _: &ClusterId, _: &str, _: Vec<u8>) -> Result<(), String> {
        Ok(())
    }
    async fn delete(&self, _: &str, _: &ClusterId, _: &str) -> Result<(), String> {
        Ok(())
    }
}

/// A registry over these files.
pub(super) struct World {
    pub(super) registry: Registry,
    folders: [TempDir; 2],
}

impl World {
    pub(super) async fn of(files: &[(&str, Vec<u8>)]) -> Self {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        for (name, bytes) in files {
            std::fs::write(folders[0].path().join(name), bytes).unwrap();
        }
        let registry = Registry::start(options(folders[0].path(), folders[1].path())).await.unwrap();
        Self { registry, folders }
    }

    async fn guest(probe: &str) -> Self {
        Self::of(&[("fixture.wasm", fixture::guest("fixture", probe))]).await
    }

    /// Names in the plugin folder, sorted.
    pub(super) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folders[0].path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    pub(super) async fn driver(&self, kind: &str) -> Arc<dyn Driver> {
        let plugin =
            self.registry.find(kind).unwrap_or_else(|| panic!("refused: {:?}", self.registry.refusals()));
        plugin.driver(&cluster(kind), Secrets::default()).await.unwrap()
    }
}

pub(super) fn options(directory: &Path, cache: &Path) -> Options {
    let mut limits = Limits::default();
    limits.talk.cpu = Duration::from_millis(150);
    Options {
        builtin: Vec::new(),
        directory: Some(directory.to_owned()),
        cache: cache.to_owned(),
        archive: cache.join("versions"),
        limits,
        pace: Pace::default(),
        signatures: SignatureRules::default(),
        clock: Arc::new(SystemClock),
        state: Arc::new(NoState),
        ledger: Arc::new(NoLedger),
        follows: false,
        metrics: Metrics::register(&mut prometheus_client::registry::Registry::default()),
    }
}

pub(super) fn cluster(kind: &str) -> Cluster {
    cluster_of(kind, "lab")
}

pub(super) fn cluster_of(kind: &str, name: &str) -> Cluster {
    Cluster {
        id: ClusterId(format!("of {name}")),
        organization: OrganizationId(DEFAULT_ORGANIZATION.to_owned()),
        name: name.to_owned(),
        kind: kind.to_owned(),
        connection: json!({}),
        addresses: AddressMap::default(),
        named_nodes: Vec::new(),
        credential_revision: 1,
        authority: Authority::Observe,
        paused: false,
        identity: None,
        backend_version: None,
        facts: Value::Null,
        discovered_at_ms: None,
        reach: Reach::New,
        created_at_ms: 0,
        updated_at_ms: 0,
        version: 1,
    }
}

fn failure<T: std::fmt::Debug>(answer: Result<T, CallError>) -> Failure {
    match answer {
        Err(CallError::Plugin { failure, .. }) => failure,
        other => panic!("not a plugin's failure: {other:?}"),
    }
}

#[tokio::test]
async fn a_spinning_guest_is_killed_and_others_answer_meanwhile() {
    let files = [
        ("spin.wasm", fixture::guest("spin", fixture::SPIN)),
        ("good.wasm", fixture::guest("good", fixture::NOTHING)),
    ];
    let world = World::of(&files).await;
    let (spinning, good) = (world.driver("spin").await, world.driver("good").await);
    let spin = async { failure(spinning.probe().await) };
    let others = async {
        for _ in 0..10 {
            good.discover().await.unwrap();
        }
    };
    let (killed, ()) = tokio::join!(spin, others);
    assert!(matches!(killed, Failure::Cpu(_)), "{killed}");
    assert!(spinning.discover().await.is_ok(), "the next call has no new instance");
}

#[tokio::test]
async fn a_guest_that_waits_longer_than_its_cpu_budget_lives() {
    let world = World::guest(fixture::WAIT).await;
    let began = Instant::now();
    world.driver("fixture").await.probe().await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(400));
}

#[tokio::test]
async fn a_guest_that_wants_all_memory_gets_its_limit_and_a_name_for_it() {
    let world = World::guest(fixture::EAT_MEMORY).await;
    let killed = failure(world.driver("fixture").await.probe().await);
    assert!(matches!(killed, Failure::Memory(_)), "{killed}");
}

#[tokio::test]
async fn a_trap_tells_message_and_function_and_the_next_call_works() {
    let world = World::guest(fixture::PANIC).await;
    let driver = world.driver("fixture").await;
    let killed = failure(driver.probe().await).to_string();
    assert!(killed.contains("(boom)") && killed.contains("the_probe"), "{killed}");
    driver.discover().await.unwrap();
}

#[tokio::test]
async fn a_caller_that_leaves_takes_its_call_with_it() {
    let world = World::guest(fixture::WAIT).await;
    let driver = world.driver("fixture").await;
    let left = tokio::time::timeout(Duration::from_millis(50), driver.probe()).await;
    assert!(left.is_err());
    let began = Instant::now();
    driver.discover().await.unwrap();
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "it waited {:?} for a call that nobody wants",
        began.elapsed()
    );
}

#[tokio::test]
async fn memory_and_tables_count_together_however_many_there_are() {
    let many = fixture::guest_with_memories("memories", fixture::EAT_SECOND_MEMORY);
    let tables = fixture::guest("tables", fixture::EAT_TABLES);
    let world = World::of(&[("memories.wasm", many), ("tables.wasm", tables)]).await;
    let killed = failure(world.driver("memories").await.probe().await).to_string();
    assert_eq!(killed, "it wanted more than 67108864 bytes of memory");
    let killed = failure(world.driver("tables").await.probe().await).to_string();
    assert!(killed.starts_with("it trapped: it wanted more than 20000 elements of tables"), "{killed}");
    for kind in ["memories", "tables"] {
        world.driver(kind).await.discover().await.unwrap();
    }
}

#[tokio::test]
async fn as_many_sessions_as_two_plugins_may_keep_find_room_with_two_memories_each() {
    let two = |kind: &str| fixture::guest_with_memories(kind, fixture::NOTHING);
    let world = World::of(&[("one.wasm", two("one")), ("other.wasm", two("other"))]).await;
    for kind in ["one", "other"] {
        let plugin = world.registry.find(kind).unwrap();
        for number in 0..SESSIONS_MAX {
            let cluster = cluster_of(kind, &format!("cluster {number}"));
            let driver = plugin.driver(&cluster, Secrets::default()).await.unwrap();
            driver.discover().await.unwrap();
        }
    }
    let statuses = world.registry.statuses();
    let kept: Vec<_> = statuses.iter().map(|status| status.traffic.sessions).collect();
    assert_eq!(kept, [SESSIONS_MAX as u64; 2]);
}
