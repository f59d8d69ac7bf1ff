//! The WebAssembly engine: its settings, the ticker that charges CPU, and the threads that guests run on.
//!
//! Invariant: guests run on threads of their own, so that a spinning plugin never slows the API.

use std::sync::Arc;
use std::thread;

use tokio::runtime::{Builder, Handle, Runtime};
use wasmtime::{Config, Enabled, Engine, EngineWeak, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::limits::{
    POOL_COMPONENT_BYTES_MAX, POOL_INSTANCES, POOL_MEMORIES, POOL_MEMORY_BYTES, POOL_TABLE_ELEMENTS, TICK,
};

/// A memory slot keeps this much between guests: the start of a Rust guest's memory, so that it is not mapped anew.
/// Only where the kernel tells which pages were written; zeroing all of it would be slower than mapping.
const RESIDENT_BYTES: usize = 2 << 20;

/// Guests of more threads than this would starve the pipelines that ask them.
const THREADS_MAX: usize = 4;

/// How far the guests' threads stand back: where all of them spin and there are no more processors than that, a read of the
/// API took three times as long at the 99th percentile without it. Less is not enough, and what waits for a processor is
/// charged a part of its waiting (`guest::Cpu`), so more would cost honest guests.
#[cfg(target_os = "linux")]
const NICENESS: libc::c_int = 10;

#[derive(Clone)]
pub(super) struct GuestEngine(Arc<Parts>);

struct Parts {
    engine: Engine,
    pooled: bool,
    /// For components that would take too much of the pool: each instance maps its own memory.
    roomy: Engine,
    /// Taken only by `drop`.
    runtime: Option<Runtime>,
    handle: Handle,
}

impl GuestEngine {
    pub(super) fn start() -> wasmtime::Result<Self> {
        let roomy = Engine::new(&config())?;
        let (engine, pooled) = match Engine::new(config().allocation_strategy(pool())) {
            Ok(engine) => (engine, true),
            Err(error) => {
                tracing::info!(%error, "no room for a pool of instances: each plugin call maps its own memory");
                (roomy.clone(), false)
            }
        };
        start_ticker(if pooled { vec![&engine, &roomy] } else { vec![&engine] })?;
        let threads = thread::available_parallelism().map_or(1, usize::from).clamp(1, THREADS_MAX);
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("guest")
            .on_thread_start(stand_back())
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        Ok(Self(Arc::new(Parts { engine, pooled, roomy, runtime: Some(runtime), handle })))
    }

    pub(super) fn wasm(&self) -> &Engine {
        &self.0.engine
    }

    /// For a component of so many bytes, and whether it draws on the pool.
    pub(super) fn of_size(&self, bytes: usize) -> (&Engine, bool) {
        if bytes > POOL_COMPONENT_BYTES_MAX {
            (&self.0.roomy, false)
        } else {
            (&self.0.engine, self.0.pooled)
        }
    }

    /// Of the guests' own threads.
    pub(super) fn handle(&self) -> &Handle {
        &self.0.handle
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        // A runtime that is dropped waits for its threads, which async code must not do.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What a thread does at its start so that all others go first. Linux counts niceness by thread; elsewhere it is the whole
/// process's.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "both calls take numbers alone; 0 is the thread that calls")]
fn stand_back() -> impl Fn() + Send + Sync + 'static {
    // Of the host, so that a thread which a guest's thread starts stands no further back.
    let niceness = unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) }.saturating_add(NICENESS);
    move || {
        if unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, niceness) } != 0 {
            tracing::debug!("the guests' threads could not be made to stand back");
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn stand_back() -> impl Fn() + Send + Sync + 'static {
    || {}
}

fn config() -> Config {
    let mut config = Config::new();
    config.epoch_interruption(true);
    config
}

fn pool() -> InstanceAllocationStrategy {
    let mut pool = PoolingAllocationConfig::new();
    // A component of Rust is three core instances: itself and two that join it to the host; what uses WASI has some more.
    pool.total_component_instances(POOL_INSTANCES)
        .total_core_instances(POOL_INSTANCES * 8)
        .total_memories(POOL_MEMORIES)
        .total_tables(POOL_INSTANCES * 4)
        .total_stacks(POOL_INSTANCES)
        .max_component_instance_size(16 << 20)
        .max_memory_size(POOL_MEMORY_BYTES)
        .table_elements(POOL_TABLE_ELEMENTS)
        .max_tables_per_module(4)
        .max_memories_per_module(2)
        .pagemap_scan(Enabled::Auto);
    if PoolingAllocationConfig::is_pagemap_scan_available() {
        pool.linear_memory_keep_resident(RESIDENT_BYTES);
    }
    InstanceAllocationStrategy::Pooling(pool)
}

fn start_ticker(engines: Vec<&Engine>) -> std::io::Result<()> {
    let engines: Vec<_> = engines.into_iter().map(Engine::weak).collect();
    let tick = move || {
        loop {
            let mut alive = false;
            for engine in engines.iter().filter_map(EngineWeak::upgrade) {
                engine.increment_epoch();
                alive = true;
            }
            if !alive {
                return;
            }
            thread::sleep(TICK);
        }
    };
    thread::Builder::new().name("guest-ticker".to_owned()).spawn(tick).map(drop)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    /// The 19th field; the second, in parentheses, may hold spaces.
    fn niceness() -> i32 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        stat.rsplit_once(')').unwrap().1.split_whitespace().nth(16).unwrap().parse().unwrap()
    }

    #[tokio::test]
    async fn guests_stand_back_behind_everything_else() {
        let engine = GuestEngine::start().unwrap();
        let of_guests = engine.handle().spawn(async { niceness() }).await.unwrap();
        assert_eq!(of_guests, (niceness() + NICENESS).min(19));
    }
}
