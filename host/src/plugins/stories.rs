//! Whole plugins through the registry: what is refused, and what a bad guest can and cannot do.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::driver::{CallError, Driver, Failure, Kinds, Secrets};
use super::engine::GuestEngine;
use super::fixture;
use super::ledger::NoLedger;
use super::limits::Limits;
use super::metrics::Metrics;
use super::refusal::Stage;
use super::registry::{Options, Pace, Registry, StateStore};
use crate::clock::SystemClock;
use crate::domain::address::AddressMap;
use crate::domain::cluster::{Cluster, Reach};
use crate::domain::id::{ClusterId, DEFAULT_ORGANIZATION, OrganizationId};
use crate::domain::policy::Authority;

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
struct World {
    registry: Registry,
    _folders: [TempDir; 2],
}

impl World {
    async fn of(files: &[(&str, Vec<u8>)]) -> Self {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        for (name, bytes) in files {
            std::fs::write(folders[0].path().join(name), bytes).unwrap();
        }
        let registry = Registry::start(options(folders[0].path(), folders[1].path())).await.unwrap();
        Self { registry, _folders: folders }
    }

    async fn guest(probe: &str) -> Self {
        Self::of(&[("fixture.wasm", fixture::guest("fixture", probe))]).await
    }

    async fn driver(&self, kind: &str) -> Arc<dyn Driver> {
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
        clock: Arc::new(SystemClock),
        state: Arc::new(NoState),
        ledger: Arc::new(NoLedger),
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
async fn bad_files_are_listed_with_stage_and_reason_and_the_good_one_serves() {
    let plain = fixture::plain();
    let compiled = GuestEngine::start().unwrap().wasm().precompile_component(&plain).unwrap();
    let files = [
        ("a-compiled.cwasm", compiled.clone()),
        ("b-disguised.wasm", compiled),
        ("c-core.wasm", fixture::core_module()),
        ("d-cut.wasm", plain[..plain.len() / 2].to_vec()),
        ("e-foreign.wasm", fixture::foreign()),
        ("f-text.wasm", b"hello".to_vec()),
        ("g-good.wasm", plain.clone()),
        ("h-again.wasm", plain),
        ("i-shouting.wasm", fixture::guest("LOUD", fixture::NOTHING)),
        ("j-fickle.wasm", fixture::fickle()),
    ];
    let world = World::of(&files).await;
    let refusals = world.registry.refusals();
    let refused: Vec<(&str, Stage)> =
        refusals.iter().map(|refusal| (refusal.plugin.as_str(), refusal.stage)).collect();
    let expected = [
        ("a-compiled.cwasm", Stage::Verify),
        ("b-disguised.wasm", Stage::Verify),
        ("c-core.wasm", Stage::Verify),
        ("d-cut.wasm", Stage::Compile),
        ("e-foreign.wasm", Stage::Link),
        ("f-text.wasm", Stage::Verify),
        ("h-again.wasm", Stage::Activate),
        ("i-shouting.wasm", Stage::Describe),
        ("j-fickle.wasm", Stage::Describe),
    ];
    assert_eq!(refused, expected);
    let foreign = world.registry.refusals()[4].to_string();
    assert!(foreign.contains("the import other:program/thing"), "{foreign}");
    let fickle = world.registry.refusals()[8].to_string();
    assert!(fickle.contains("asked twice, it answers differently"), "{fickle}");
    assert_eq!(world.registry.list().len(), 1);
    assert!(world.driver("fixture").await.discover().await.unwrap().nodes.is_empty());
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
