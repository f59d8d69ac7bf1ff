//! Files that come, change, break and go while calls run, through the whole registry with real guests.

mod following;
mod granting;
mod memory;
mod signing;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::Pace;
use crate::domain::plugin::{Charge, HostVersion, PluginState, PluginStatus, Stopped};
use crate::domain::record::By;
use crate::domain::signature::SignatureRules;
use crate::plugins::driver::{CallError, Kinds, PluginChange, PluginChangeError, Plugins, Secrets};
use crate::plugins::fixture;
use crate::plugins::registry::{Options, Registry};
use crate::plugins::stories::{cluster, cluster_of, options};
use memory::Memory;

/// Nothing takes as long, on the slowest machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// A host with a directory of plugins, whose looks come fast.
struct World {
    registry: Arc<Registry>,
    memory: Arc<Memory>,
    directory: TempDir,
    data: TempDir,
}

impl World {
    async fn of(files: &[(&str, Vec<u8>)]) -> Self {
        let (directory, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for (name, bytes) in files {
            fs::write(directory.path().join(name), bytes).unwrap();
        }
        let memory = Arc::new(Memory::default());
        let registry = start(&directory, &data, &memory).await;
        Self { registry, memory, directory, data }
    }

    /// Another life of the host on the same data.
    async fn restart(&mut self) {
        self.registry = start(&self.directory, &self.data, &self.memory).await;
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// As a careful copy does it: beside it first, then renamed.
    fn put(&self, name: &str, bytes: &[u8]) {
        let partial = self.path(".partial");
        fs::write(&partial, bytes).unwrap();
        fs::rename(partial, self.path(name)).unwrap();
    }

    fn status(&self, name: &str) -> Option<PluginStatus> {
        let statuses = self.registry.statuses();
        let named = |status: &&PluginStatus| {
            status.kind.as_deref() == Some(name) || status.file.as_deref() == Some(name)
        };
        statuses.iter().find(named).cloned()
    }

    fn version(&self) -> Option<String> {
        // What waits has a version, too.
        self.status("toy").filter(|status| status.digest.is_some()).and_then(|status| status.version)
    }

    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let waiting = async {
            while !holds(self) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(DEADLINE, waiting)
            .await
            .unwrap_or_else(|_| panic!("never: {what}: {:#?}", self.registry.statuses()));
    }

    async fn until_version(&self, version: &str) {
        self.until(version, |world| world.version().as_deref() == Some(version)).await;
    }

    async fn until_refused(&self, file: &str, stage: &str) -> String {
        let refused = |world: &Self| {
            let refusal = world.status(file).and_then(|status| status.refusal);
            refusal.filter(|refusal| refusal.stage == stage).map(|refusal| format!("{refusal:?}"))
        };
        self.until("it is refused", |world| refused(world).is_some()).await;
        refused(self).unwrap()
    }

    async fn change(&self, name: &str, change: PluginChange) -> Result<(), PluginChangeError> {
        let by = By { actor: "ann".to_owned(), request_id: None };
        self.registry.change(name, change, &by).await
    }

    async fn probe(&self, cluster_name: &str) -> Result<(), CallError> {
        let kind = self.registry.find("toy").expect("it serves");
        let driver = kind.driver(&cluster_of("toy", cluster_name), Secrets::default()).await?;
        driver.probe().await.map(drop)
    }

    fn told(&self, event: &str) -> usize {
        self.memory.told.lock().unwrap().iter().filter(|told| **told == event).count()
    }
}

async fn start(directory: &TempDir, data: &TempDir, memory: &Arc<Memory>) -> Arc<Registry> {
    start_with(directory, data, memory, SignatureRules::default()).await
}

async fn start_with(
    directory: &TempDir,
    data: &TempDir,
    memory: &Arc<Memory>,
    signatures: SignatureRules,
) -> Arc<Registry> {
    let pace = Pace {
        settle: Duration::from_millis(50),
        gone: Duration::from_millis(150),
        rescan: Duration::from_millis(50),
        meet: Duration::from_millis(50),
    };
    let ledger = Arc::<Memory>::clone(memory);
    let options = Options { pace, ledger, signatures, ..options(directory.path(), data.path()) };
    Arc::new(Registry::start(options).await.unwrap())
}

fn toy(version: &str) -> Vec<u8> {
    fixture::versioned("toy", version, fixture::NOTHING)
}

const QUICK_WAIT: &str = "(call $wait (i32.const 0) (i32.const 0) (i32.const 20) (i32.const 256))";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_replaced_while_calls_run_and_none_fails() {
    let busy = |version: &str| fixture::versioned("toy", version, QUICK_WAIT);
    let world = World::of(&[("toy.wasm", busy("1.0.0"))]).await;
    let (stop, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let workers = (0..8).map(|number| {
        let (registry, stop, calls) = (Arc::clone(&world.registry), Arc::clone(&stop), Arc::clone(&calls));
        tokio::spawn(async move {
            let cluster = cluster_of("toy", &format!("lab {number}"));
            while !stop.load(Ordering::Relaxed) {
                let kind = registry.find("toy").expect("the kind is served all the time");
                let driver = kind.driver(&cluster, Secrets::default()).await.unwrap();
                // The second one begins on a version that may have been replaced meanwhile.
                driver.probe().await.unwrap();
                driver.discover().await.unwrap();
                calls.fetch_add(2, Ordering::Relaxed);
            }
        })
    });
    let workers: Vec<_> = workers.collect();
    for version in ["1.1.0", "1.2.0", "1.3.0"] {
        world.put("toy.wasm", &busy(version));
        world.until_version(version).await;
        world.until("calls on it", |world| world.status("toy").unwrap().traffic.calls > 50).await;
    }
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.await.unwrap();
    }
    let status = world.status("toy").unwrap();
    assert_eq!((status.generation, status.traffic.failures), (4, 0));
    assert!(calls.load(Ordering::Relaxed) > 200);
    world.until("the old ones are drained", |world| world.status("toy").unwrap().draining.is_empty()).await;
}

#[tokio::test]
async fn what_began_on_the_old_version_ends_on_it() {
    let waiting = fixture::versioned("toy", "1.0.0", fixture::WAIT);
    let world = World::of(&[("toy.wasm", waiting)]).await;
    let old = world.registry.find("toy").unwrap();
    let driver = old.driver(&cluster("toy"), Secrets::default()).await.unwrap();
    drop(old);
    // One runs and three are queued.
    let calls: Vec<_> = (0..4)
        .map(|_| {
            let driver = Arc::clone(&driver);
            tokio::spawn(async move { driver.probe().await })
        })
        .collect();
    drop(driver);
    world.put("toy.wasm", &toy("1.1.0"));
    world.until_version("1.1.0").await;
    let draining = world.status("toy").unwrap().draining;
    assert_eq!(draining.iter().map(|drain| drain.version.as_str()).collect::<Vec<_>>(), ["1.0.0"]);
    for call in calls {
        call.await.unwrap().unwrap();
    }
    world.until("it is drained", |world| world.status("toy").unwrap().draining.is_empty()).await;
}

#[tokio::test]
async fn a_file_that_is_written_slowly_is_taken_when_it_is_whole() {
    let world = World::of(&[("toy.wasm", toy("1.0.0"))]).await;
    let bytes = toy("1.1.0");
    let mut written = Vec::new();
    for part in bytes.chunks(bytes.len() / 6) {
        written.extend_from_slice(part);
        fs::write(world.path("toy.wasm"), &written).unwrap();
        tokio::time::sleep(Duration::from_millis(15)).await;
        assert!(world.registry.find("toy").is_some());
    }
    world.until_version("1.1.0").await;
    assert_eq!(world.status("toy").unwrap().refusal, None);
}

#[tokio::test]
async fn a_broken_file_is_refused_with_stage_and_reason_and_the_old_version_serves() {
    let world = World::of(&[("toy.wasm", toy("1.0.0"))]).await;
    let whole = toy("1.1.0");
    world.put("toy.wasm", &whole[..whole.len() / 2]);
    let refusal = world.until_refused("toy", "compile").await;
    assert!(refusal.contains("was the file copied whole?"), "{refusal}");
    let status = world.status("toy").unwrap();
    assert_eq!((status.state, status.version.as_deref()), (PluginState::Active, Some("1.0.0")));
    world.probe("lab").await.unwrap();
    world.put("toy.wasm", b"text");
    world.until_refused("toy", "verify").await;
    world.put("toy.wasm", &whole);
    world.until_version("1.1.0").await;
    assert_eq!(world.status("toy").unwrap().refusal, None);
    assert_eq!(world.told("plugin.refused"), 2);
}

#[tokio::test]
async fn a_new_file_of_a_new_kind_is_loaded_and_a_deleted_one_stops_its_kind() {
    let world = World::of(&[]).await;
    assert!(world.registry.find("toy").is_none());
    world.put("toy.wasm", &toy("1.0.0"));
    world.until_version("1.0.0").await;
    let held = world.registry.find("toy").unwrap();
    let driver = held.driver(&cluster("toy"), Secrets::default()).await.unwrap();
    fs::remove_file(world.path("toy.wasm")).unwrap();
    world.until("it is gone", |world| world.registry.find("toy").is_none()).await;
    driver.probe().await.unwrap();
    let why = world.registry.why_absent("toy");
    assert_eq!(why, "is not loaded: its file `toy.wasm` was removed; put it back");
    assert_eq!(world.status("toy").unwrap().state, PluginState::Removed);
    world.put("toy.wasm", &toy("1.0.0"));
    world.until_version("1.0.0").await;
}

#[tokio::test]
async fn a_renamed_file_serves_on_without_a_gap_or_a_new_generation() {
    let world = World::of(&[("toy.wasm", toy("1.0.0"))]).await;
    fs::rename(world.path("toy.wasm"), world.path("other.wasm")).unwrap();
    let renamed = |world: &World| {
        assert!(world.registry.find("toy").is_some(), "a gap");
        world.status("toy").unwrap().file.as_deref() == Some("other.wasm")
    };
    world.until("it has the other name", renamed).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(renamed(&world));
    assert_eq!(world.status("toy").unwrap().generation, 1);
}

#[tokio::test]
async fn a_link_that_is_turned_to_another_file_is_followed() {
    let world = World::of(&[]).await;
    let elsewhere = tempfile::tempdir().unwrap();
    for version in ["1.0.0", "1.1.0"] {
        let target = elsewhere.path().join(version);
        fs::write(&target, toy(version)).unwrap();
        std::os::unix::fs::symlink(&target, world.path(".link")).unwrap();
        fs::rename(world.path(".link"), world.path("toy.wasm")).unwrap();
        world.until_version(version).await;
    }
    // The target itself is overwritten: no event tells of it.
    fs::write(elsewhere.path().join("1.1.0"), toy("1.2.0")).unwrap();
    world.until_version("1.2.0").await;
}

#[tokio::test]
async fn the_second_of_two_files_waits_until_the_first_is_gone() {
    let world = World::of(&[("a.wasm", toy("1.0.0"))]).await;
    world.put("b.wasm", &toy("0.9.0"));
    let refusal = world.until_refused("b.wasm", "activate").await;
    assert!(refusal.contains("the kind `toy`, which `a.wasm` serves"), "{refusal}");
    assert_eq!(world.version().as_deref(), Some("1.0.0"));
    fs::remove_file(world.path("a.wasm")).unwrap();
    world.until_version("0.9.0").await;
}

#[tokio::test]
async fn an_older_version_is_refused_until_it_is_asked_for() {
    let world = World::of(&[("toy.wasm", toy("1.1.0"))]).await;
    world.put("toy.wasm", &toy("1.0.0"));
    let refusal = world.until_refused("toy", "activate").await;
    assert!(refusal.contains("a version of 1.1.0 or later"), "{refusal}");
    world.change("toy", PluginChange::Enable { downgrade: false }).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    world.until_refused("toy", "activate").await;
    world.change("toy", PluginChange::Enable { downgrade: true }).await.unwrap();
    world.until_version("1.0.0").await;
}

#[tokio::test]
async fn a_version_that_fails_more_than_the_one_before_is_taken_back_by_itself() {
    let mut world = World::of(&[("toy.wasm", toy("1.0.0"))]).await;
    for _ in 0..5 {
        world.probe("lab").await.unwrap();
    }
    world.put("toy.wasm", &fixture::versioned("toy", "1.1.0", fixture::PANIC));
    world.until_version("1.1.0").await;
    for _ in 0..2 {
        assert!(matches!(world.probe("lab").await, Err(CallError::Plugin { .. })));
    }
    world.until_version("1.0.0").await;
    world.probe("lab").await.unwrap();
    let status = world.status("toy").unwrap();
    let out = &status.taken_back[0];
    assert_eq!((out.reason.as_str(), out.by.as_str()), ("it failed 2 of its first 2 calls", "headgate"));
    assert_eq!((status.generation, status.refusal.unwrap().stage.as_str()), (3, "serve"));
    world.until("incidents", |world| world.memory.incidents.lock().unwrap().len() == 2).await;
    let incident = world.memory.incidents.lock().unwrap()[0].clone();
    assert_eq!((incident.call.as_str(), incident.cluster.as_deref()), ("probe", Some("lab")));
    assert_eq!((incident.failure.as_str(), incident.lines.as_slice()), ("trap", &["boom".to_owned()][..]));
    assert!(incident.backtrace.iter().any(|name| name.contains("the_probe")), "{incident:?}");

    // The bad file still lies there when the host starts again.
    world.restart().await;
    assert_eq!(world.version().as_deref(), Some("1.0.0"));
    assert_eq!(world.status("toy").unwrap().refusal.unwrap().stage, "serve");
    world.put("toy.wasm", &toy("1.1.1"));
    world.until_version("1.1.1").await;
}

#[tokio::test]
async fn a_rollback_by_hand_works_though_the_file_was_overwritten_and_can_be_undone() {
    let world = World::of(&[("toy.wasm", toy("1.0.0"))]).await;
    let none = world.change("toy", PluginChange::RollBack).await.unwrap_err().to_string();
    assert!(none.contains("has no earlier version"), "{none}");
    world.put("toy.wasm", &toy("1.1.0"));
    world.until_version("1.1.0").await;
    world.change("toy", PluginChange::RollBack).await.unwrap();
    assert_eq!(world.version().as_deref(), Some("1.0.0"));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(world.version().as_deref(), Some("1.0.0"), "the file stays out");
    world.change("toy", PluginChange::Enable { downgrade: false }).await.unwrap();
    world.until_version("1.1.0").await;
    assert_eq!(world.told("plugin.rolled-back"), 1);
}

#[tokio::test]
async fn a_file_that_broke_while_the_host_was_down_leaves_the_last_version_serving() {
    let mut world = World::of(&[("toy.wasm", toy("1.0.0"))]).await;
    world.until("it is kept", |world| world.told("plugin.activated") == 1).await;
    fs::write(world.path("toy.wasm"), b"half").unwrap();
    world.restart().await;
    let status = world.status("toy").unwrap();
    assert_eq!((status.version.as_deref(), status.generation), (Some("1.0.0"), 1));
    assert_eq!(status.refusal.unwrap().stage, "verify");
    world.probe("lab").await.unwrap();
}

#[tokio::test]
async fn a_disabled_kind_serves_nobody_also_after_a_restart() {
    let mut world = World::of(&[("toy.wasm", toy("1.0.0"))]).await;
    world.change("toy", PluginChange::Disable).await.unwrap();
    assert!(world.registry.find("toy").is_none());
    let why = world.registry.why_absent("toy");
    assert!(why.contains("is disabled by ann; `headgate plugin enable toy`"), "{why}");
    world.restart().await;
    assert!(world.registry.find("toy").is_none());
    let disabled = world.memory.records.lock().unwrap()["toy"].disabled.clone();
    assert!(matches!(disabled, Some(Stopped { by, .. }) if by == "ann"));
    world.change("toy", PluginChange::Enable { downgrade: false }).await.unwrap();
    world.probe("lab").await.unwrap();
    let unknown = world.change("nothing", PluginChange::Disable).await.unwrap_err();
    assert!(matches!(unknown, PluginChangeError::NotFound(_)));
}

#[tokio::test]
async fn a_plugin_that_fails_on_several_clusters_stops_and_is_released_by_hand() {
    let world = World::of(&[("toy.wasm", fixture::versioned("toy", "1.0.0", fixture::PANIC))]).await;
    for name in ["a", "b", "c"] {
        assert!(matches!(world.probe(name).await, Err(CallError::Plugin { .. })));
    }
    let refused = world.probe("d").await.unwrap_err().to_string();
    assert!(refused.contains("it is quarantined: it failed on `a`, `b`, `c`"), "{refused}");
    let status = world.status("toy").unwrap();
    assert_eq!(status.state, PluginState::Quarantined);
    world.until("it is told", |world| world.told("plugin.quarantined") == 1).await;
    let charge = world.memory.incidents.lock().unwrap().last().unwrap().charge;
    assert_eq!(charge, Charge::Plugin);
    world.change("toy", PluginChange::Enable { downgrade: false }).await.unwrap();
    assert_eq!(world.status("toy").unwrap().state, PluginState::Active);
    assert!(matches!(world.probe("d").await, Err(CallError::Plugin { .. })), "it is asked again");
}

#[tokio::test]
async fn grants_are_read_again_and_a_file_that_cannot_be_read_changes_nothing() {
    let world = World::of(&[("toy.wasm", toy("1.0.0"))]).await;
    let first = world.registry.find("toy").unwrap();
    world.put("grants.yaml", b"toy:\n  network: [{host: \"*\", ports: \"1-65535\"}]\n");
    let changed = |world: &World, held: &Arc<dyn crate::plugins::driver::Kind>| {
        world.registry.find("toy").is_some_and(|now| !Arc::ptr_eq(&now, held))
    };
    world.until("it has grants", |world| changed(world, &first)).await;
    let granted = world.registry.find("toy").unwrap();
    assert_eq!(world.status("toy").unwrap().generation, 1);
    world.put("grants.yaml", b"toy: [nonsense");
    let refusal = world.until_refused("grants.yaml", "read").await;
    assert!(refusal.contains("the grants hold that were read last"), "{refusal}");
    assert!(!changed(&world, &granted));
    fs::remove_file(world.path("grants.yaml")).unwrap();
    world.until("it has none", |world| changed(world, &granted)).await;
    assert_eq!(world.status("grants.yaml"), None);
}

#[tokio::test]
async fn hosts_that_serve_different_versions_are_said_to() {
    let world = World::of(&[("toy.wasm", toy("1.0.0"))]).await;
    world.until("it meets", |world| world.status("toy").unwrap().hosts.len() == 1).await;
    assert!(world.status("toy").unwrap().agreed);
    let other = HostVersion {
        host: "there".to_owned(),
        digest: "other".to_owned(),
        version: "0.9.0".to_owned(),
        seen_at_ms: 0,
    };
    world.memory.others.lock().unwrap().push(("toy".to_owned(), other));
    world.until("they disagree", |world| !world.status("toy").unwrap().agreed).await;
    assert_eq!(world.status("toy").unwrap().hosts.len(), 2);
    assert!(world.registry.find("toy").is_some(), "it serves all the same");
}

#[tokio::test]
async fn a_directory_that_nobody_touches_is_looked_at_seldom() {
    let world = World::of(&[("toy.wasm", toy("1.0.0"))]).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let (before, began) = (world.registry.looks(), Instant::now());
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (looks, passed) = (world.registry.looks() - before, began.elapsed());
    let most = passed.as_millis() / 50 + 1;
    assert!((1..=most).contains(&looks.into()), "{looks} looks in {passed:?}, with one every 50 ms");
}
