//! One call of a function that does nothing: through the host, against wasmtime alone.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use futures::future::try_join_all;
use headgate::clock::SystemClock;
use headgate::plugins::alone::{Alone, Terms};
use headgate::plugins::driver::{Driver, Kind, Secrets};
use headgate_tests::{Behaviour, guest};
use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};

use crate::measure::median;
use crate::plugin::cluster;
use crate::table::{Row, Table};
use crate::{say, share};

/// Taken in turns, so that what else the machine does is met by all.
const ROUNDS: usize = 15;
const CALLS: u32 = 4_000;
/// On a fresh instance each: they take longer.
const FRESH_CALLS: u32 = 500;
/// As many as a session's queue takes.
const AT_ONCE: u32 = 16;
/// Of the runtime behind a queue.
const THREADS: usize = 2;

const RATIO_MAX: f64 = 2.0;

/// wasmtime alone. The same component, compiled with the same check of epochs, its instances from a pool. A call is the
/// typed, asynchronous call of `probe` on an instance that lives: no limits, no deadline that is ever reached, nobody who
/// counts. It answers an empty list. *In place*, it is awaited by who makes it; *behind a queue*, a task on another
/// runtime's thread makes it for who asks and waits, as whatever keeps guests off the threads of others has to.
mod bare {
    use anyhow::{Context, Result, anyhow};
    use exports::headgate::plugin::storage_driver::{Guest, GuestIndices};
    use wasmtime::component::{Component, InstancePre, Linker};
    use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};

    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "package bench:guest; world driver { export headgate:plugin/storage-driver@0.1.0; }",
        world: "bench:guest/driver",
        exports: { default: async },
    });

    pub(super) struct Bare {
        pre: InstancePre<()>,
        indices: GuestIndices,
    }

    pub(super) struct Live {
        store: Store<()>,
        guest: Guest,
    }

    impl Bare {
        pub(super) fn of(component: &[u8]) -> Result<Self> {
            let mut config = Config::new();
            config.epoch_interruption(true);
            config.allocation_strategy(InstanceAllocationStrategy::Pooling(PoolingAllocationConfig::new()));
            let engine = told(Engine::new(&config))?;
            let component = told(Component::from_binary(&engine, component))?;
            let pre = told(Linker::new(&engine).instantiate_pre(&component))?;
            let indices = told(GuestIndices::new(&pre))?;
            Ok(Self { pre, indices })
        }

        pub(super) async fn instance(&self) -> Result<Live> {
            let mut store = Store::new(self.pre.engine(), ());
            store.set_epoch_deadline(u64::MAX / 2);
            let instance = told(self.pre.instantiate_async(&mut store).await)?;
            let guest = told(self.indices.load(&mut store, &instance))?;
            Ok(Live { store, guest })
        }
    }

    impl Live {
        pub(super) async fn probe(&mut self) -> Result<()> {
            let answer = told(self.guest.call_probe(&mut self.store).await)?;
            answer.ok().context("the guest refused")?;
            Ok(())
        }
    }

    fn told<T>(result: wasmtime::Result<T>) -> Result<T> {
        result.map_err(|error| anyhow!("wasmtime alone: {error:#}"))
    }
}

/// Nanoseconds a call, of each round.
#[derive(Default)]
struct Times {
    in_place: Vec<f64>,
    queued: Vec<f64>,
    queued_together: Vec<f64>,
    host: Vec<f64>,
    host_together: Vec<f64>,
    fresh: Vec<f64>,
    host_fresh: Vec<f64>,
}

pub(crate) fn rows(table: &mut Table) -> Result<()> {
    say("single calls")?;
    let component = guest("empty", "1.0.0", Behaviour::Answers)?;
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let times = runtime.block_on(measured(component))?;
    let (host, in_place) = (median(times.host), median(times.in_place));
    let row =
        |what: &str, ours: f64, against: (&str, f64)| Row::ratio(what, "ns", ours, against, Some(RATIO_MAX));
    table.add(&row("a call of an empty function", host, ("behind a queue", median(times.queued))))?;
    let (host_together, queued) = (median(times.host_together), median(times.queued_together));
    table.add(&row("  sixteen callers at a time: each call", host_together, ("behind a queue", queued)))?;
    table.add(&row("  one caller, against the call alone", host, ("in place", in_place)))?;
    table.add(&row("  sixteen callers, against the call alone", host_together, ("in place", in_place)))?;
    let fresh = ("in place", median(times.fresh));
    table.add(&row("an instance for nothing", median(times.host_fresh), fresh))?;
    Ok(())
}

async fn measured(component: Vec<u8>) -> Result<Times> {
    let (calls, fresh_calls) = (share(CALLS)?, share(FRESH_CALLS)?);
    let cache = tempfile::tempdir()?;
    let bare = bare::Bare::of(&component)?;
    let mut live = bare.instance().await?;
    let queue = Queue::of(bare.instance().await?)?;
    let alone = Alone::start(cache.path().to_owned(), Arc::new(SystemClock))?;
    let kind = alone.examine("empty.wasm", component).await.version?.kind(Terms::default());
    let driver = kind.driver(&cluster("empty", "bench", json!({})), Secrets::default()).await?;
    let mut times = Times::default();
    for round in 0..=ROUNDS {
        let mut one = Times::default();
        one.in_place.push(repeated(calls, async || live.probe().await).await?);
        one.queued.push(repeated(calls, async || queue.probe().await).await?);
        one.host.push(repeated(calls, async || through(&driver).await).await?);
        one.queued_together.push(together(calls, async || queue.probe().await).await?);
        one.host_together.push(together(calls, async || through(&driver).await).await?);
        one.fresh.push(repeated(fresh_calls, async || bare.instance().await.map(drop)).await?);
        one.host_fresh.push(repeated(fresh_calls, async || instance(&kind).await).await?);
        // In the first round caches, the heap and the pool are cold.
        if round > 0 {
            times.append(one);
        }
    }
    queue.end();
    Ok(times)
}

impl Times {
    fn append(&mut self, mut other: Self) {
        self.in_place.append(&mut other.in_place);
        self.queued.append(&mut other.queued);
        self.queued_together.append(&mut other.queued_together);
        self.host.append(&mut other.host);
        self.host_together.append(&mut other.host_together);
        self.fresh.append(&mut other.fresh);
        self.host_fresh.append(&mut other.host_fresh);
    }
}

/// Through the session's queue to the guests' thread, with limits and metrics.
async fn through(driver: &Arc<dyn Driver>) -> Result<()> {
    driver.probe().await?;
    Ok(())
}

/// The plugin has no types: what is left is the instance, made and ended on the guests' thread.
async fn instance(kind: &Arc<dyn Kind>) -> Result<()> {
    kind.types(None).await?;
    Ok(())
}

/// One after another: nanoseconds for each.
async fn repeated(count: u32, mut call: impl AsyncFnMut() -> Result<()>) -> Result<f64> {
    let began = Instant::now();
    for _ in 0..count {
        call().await?;
    }
    Ok(began.elapsed().as_secs_f64() * 1e9 / f64::from(count))
}

/// The queue is never empty: neither side sleeps.
async fn together(count: u32, call: impl AsyncFn() -> Result<()>) -> Result<f64> {
    let each = count.div_ceil(AT_ONCE);
    let began = Instant::now();
    try_join_all((0..AT_ONCE).map(|_| repeated(each, async || call().await))).await?;
    Ok(began.elapsed().as_secs_f64() * 1e9 / f64::from(each * AT_ONCE))
}

/// An instance of wasmtime's on a runtime of its own.
struct Queue {
    questions: mpsc::Sender<oneshot::Sender<Result<()>>>,
    runtime: Runtime,
}

impl Queue {
    fn of(mut live: bare::Live) -> Result<Self> {
        let (questions, mut asked) = mpsc::channel::<oneshot::Sender<Result<()>>>(AT_ONCE as usize);
        let runtime = Builder::new_multi_thread().worker_threads(THREADS).build()?;
        runtime.spawn(async move {
            while let Some(reply) = asked.recv().await {
                // Who asked waits for it.
                drop(reply.send(live.probe().await));
            }
        });
        Ok(Self { questions, runtime })
    }

    async fn probe(&self) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        self.questions.send(reply).await.ok().context("the other thread ended")?;
        answer.await?
    }

    /// A runtime that is dropped waits for its threads, which async code must not do.
    fn end(self) {
        self.runtime.shutdown_background();
    }
}
