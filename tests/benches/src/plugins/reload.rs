//! From the settled file to the first answer of the new version, under a load of calls that wait for their backend.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use headgate::domain::cluster::Cluster;
use headgate::plugins::driver::Kinds;
use serde_json::json;
use tokio::task::JoinHandle;

use super::guests;
use super::world::World;
use crate::measure::median;
use crate::plugin::cluster;
use crate::table::{Row, Table};
use crate::{say, share};

/// Clusters of the kind under load, and calls of each that are queued or running at any time: 1,260, while a session
/// takes 16 in its queue.
const CLUSTERS: u32 = 180;
const CALLERS: u32 = 7;

/// A call waits this long in the host, as for an answer of its backend.
const CALL_MS: u32 = 200;

const COLD: u32 = 10;
const WARM: u32 = 20;

/// The kind under load: a small plugin in Rust.
const LOADED: &str = "hostile";
/// The largest plugin in Rust, beside that load.
const LARGE: &str = "kafka";

const COLD_MAX_MS: f64 = 500.0;
const WARM_MAX_MS: f64 = 100.0;

/// Longer than the queue of a session takes.
const DRAINED_WITHIN: Duration = Duration::from_secs(60);
const NOTICED_WITHIN: Duration = Duration::from_secs(10);
const BEGUN_WITHIN: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);

pub(crate) fn rows(table: &mut Table) -> Result<()> {
    say("reloads under load")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (small, large) = (guests::hostile()?, guests::kafka()?);
    let cache = tempfile::tempdir()?;
    runtime.block_on(async {
        let world = Arc::new(World::of(&[(LOADED, &small), (LARGE, &large)], cache.path()).await?);
        let load = Load::start(&world, share(CLUSTERS)?, CALLERS);
        load.begun().await?;
        let mut fewest = u64::MAX;
        for (kind, component) in [(LOADED, &small), (LARGE, &large)] {
            let times = reloads(&world, kind, component, &load).await?;
            fewest = fewest.min(times.fewest);
            let what =
                format!("reload {kind}.wasm ({} KiB) under load, not compiled", component.len() / 1024);
            table.add(&Row::figure(&what, "ms", median(times.cold), Some(COLD_MAX_MS)))?;
            table.add(&Row::figure("  compiled before", "ms", median(times.warm), Some(WARM_MAX_MS)))?;
        }
        let told = load.end().await?;
        table.add(&Row::figure("  calls queued or running, at least", "calls", count(fewest), None))?;
        table.add(&Row::figure("  calls answered over all of it", "calls", count(told.answered), None))?;
        table.add(&Row::figure("  calls that failed", "calls", count(told.failed), Some(0.0)))?;
        Ok(())
    })
}

#[expect(clippy::cast_precision_loss, reason = "thousands of calls")]
fn count(calls: u64) -> f64 {
    calls as f64
}

struct Times {
    cold: Vec<f64>,
    warm: Vec<f64>,
    /// Calls of the load that were queued or running, where they were fewest.
    fewest: u64,
}

async fn reloads(world: &Arc<World>, kind: &str, component: &[u8], load: &Load) -> Result<Times> {
    let mut times = Times { cold: Vec::new(), warm: Vec::new(), fewest: u64::MAX };
    let (cold, warm) = (share(COLD)?, share(WARM)?);
    for round in 0..cold + warm {
        // The last two contents that were new are kept, compiled, as versions to go back to.
        let number = if round < cold { round } else { cold - 1 - (round - cold + 1) % 2 };
        let (took, fewest) = reload(world, kind, guests::another(component, number), load).await?;
        if round < cold {
            times.cold.push(took);
        } else {
            times.warm.push(took);
        }
        times.fewest = times.fewest.min(fewest);
    }
    Ok(times)
}

/// Milliseconds until the first answer, and the fewest calls in flight that were seen.
async fn reload(world: &Arc<World>, kind: &str, bytes: Vec<u8>, load: &Load) -> Result<(f64, u64)> {
    let before = world.status(kind)?.digest;
    let mut changes = world.registry.changes();
    let noticed = {
        let (world, kind) = (Arc::clone(world), kind.to_owned());
        tokio::task::spawn_blocking(move || put(&world, &kind, &bytes))
    };
    let at_start = load.in_flight();
    while changes.recv().await? != kind {}
    let at_change = load.in_flight();
    let found = world.registry.find(kind).with_context(|| format!("{kind} is not served"))?;
    ensure!(Some(found.digest()) != before.as_deref(), "{kind} changed to the same version");
    first_call(world, kind).await?;
    let answered = Instant::now();
    let took = answered.duration_since(noticed.await??).as_secs_f64() * 1e3;
    let at_end = load.in_flight();
    let deadline = Instant::now() + DRAINED_WITHIN;
    while !world.status(kind)?.draining.is_empty() {
        ensure!(Instant::now() < deadline, "the version before still drains");
        tokio::time::sleep(PAUSE).await;
    }
    Ok((took, at_start.min(at_change).min(at_end)))
}

/// Replaces the file, and gives the moment at which the host has seen it. With no time to settle that is the look before
/// the one by which it is settled: never later.
fn put(world: &World, kind: &str, bytes: &[u8]) -> Result<Instant> {
    world.put(kind, bytes)?;
    let deadline = Instant::now() + NOTICED_WITHIN;
    while Instant::now() < deadline {
        // "its file was written to"
        if world.status(kind)?.reason.is_some() {
            return Ok(Instant::now());
        }
        thread::sleep(Duration::from_micros(100));
    }
    bail!("the host was not seen to notice the file of {kind}")
}

/// By the version that serves now: of a session where it needs no backend for it.
async fn first_call(world: &World, kind: &str) -> Result<()> {
    if kind == LOADED {
        world.driver(&cluster(kind, "first", json!({}))).await?.discover().await?;
        return Ok(());
    }
    world.registry.find(kind).context("not served")?.types(None).await?;
    Ok(())
}

/// Callers of many clusters, each of whom asks again as soon as it was answered.
struct Load {
    seen: Arc<Seen>,
    callers: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Seen {
    ended: AtomicBool,
    in_flight: AtomicU64,
    answered: AtomicU64,
    failures: Mutex<Vec<String>>,
}

struct Told {
    answered: u64,
    failed: u64,
}

impl Load {
    fn start(world: &Arc<World>, clusters: u32, callers: u32) -> Self {
        let seen = Arc::<Seen>::default();
        let call = json!({"attack": "wait", "ms": CALL_MS});
        let of = |number: u32| cluster(LOADED, &format!("load-{number}"), call.clone());
        let every = (0..clusters).flat_map(|number| (0..callers).map(move |_| number));
        let callers = every.map(|number| {
            let (world, seen, cluster) = (Arc::clone(world), Arc::clone(&seen), of(number));
            tokio::spawn(async move { seen.ask(&world, &cluster).await })
        });
        Self { callers: callers.collect(), seen }
    }

    fn in_flight(&self) -> u64 {
        self.seen.in_flight.load(Ordering::SeqCst)
    }

    /// Until every caller has asked.
    async fn begun(&self) -> Result<()> {
        let (all, deadline) = (u64::try_from(self.callers.len())?, Instant::now() + BEGUN_WITHIN);
        while self.in_flight() < all {
            ensure!(Instant::now() < deadline, "only {} of {all} callers ask", self.in_flight());
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }

    async fn end(self) -> Result<Told> {
        self.seen.ended.store(true, Ordering::SeqCst);
        for caller in self.callers {
            caller.await?;
        }
        let failures = self.seen.failures.lock().unwrap_or_else(PoisonError::into_inner);
        for failure in failures.iter().take(3) {
            say(&format!("  a call failed: {failure}"))?;
        }
        let answered = self.seen.answered.load(Ordering::SeqCst);
        Ok(Told { answered, failed: u64::try_from(failures.len())? })
    }
}

impl Seen {
    /// Whoever was failed asks no more.
    async fn ask(&self, world: &World, cluster: &Cluster) {
        while !self.ended.load(Ordering::SeqCst) {
            self.in_flight.fetch_add(1, Ordering::SeqCst);
            let answer = async { anyhow::Ok(world.driver(cluster).await?.probe().await?) }.await;
            self.in_flight.fetch_sub(1, Ordering::SeqCst);
            match answer {
                Ok(_checks) => self.answered.fetch_add(1, Ordering::SeqCst),
                Err(failure) => {
                    let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
                    return failures.push(format!("{failure:#}"));
                }
            };
        }
    }
}
