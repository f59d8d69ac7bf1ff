//! What a store holds for its guest: the call that runs, what it has used, and what the host's functions work on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use wasmtime::component::ResourceTable;
use wasmtime::{Engine, ResourceLimiter, Store, UpdateDeadline};

use super::imports::http::Pool;
use super::imports::log::Lines;
use super::imports::net::Net;
use super::imports::secrets::SecretBox;
use super::imports::state::State;
use super::imports::wasi::Wasi;
use super::limits::{Space, TICK, Time};
use super::metrics::PluginMetrics;
use super::tape::Track;
use super::usage::Spent;
use crate::clock::SharedClock;

/// The data of a store. A call that decides has neither network nor secrets: its instance is not linked to them, and
/// here they are empty.
pub(super) struct Guest {
    /// Of the plugin, for messages.
    pub(super) plugin: Arc<str>,
    /// Name of the cluster, for messages; empty for a call that decides.
    pub(super) cluster: String,
    pub(super) table: ResourceTable,
    pub(super) memory: Memory,
    pub(super) cpu: Cpu,
    pub(super) call: Call,
    pub(super) lines: Lines,
    pub(super) secrets: SecretBox,
    pub(super) net: Net,
    /// Connections of `http` that wait for their next request.
    pub(super) pool: Pool,
    pub(super) state: State,
    pub(super) wasi: Wasi,
    pub(super) track: Track,
    pub(super) clock: SharedClock,
    pub(super) metrics: PluginMetrics,
    pub(super) born: Instant,
    host_calls_max: u64,
}

/// What a guest is given when it is made.
pub(super) struct Equipment {
    pub(super) plugin: Arc<str>,
    pub(super) cluster: String,
    pub(super) secrets: SecretBox,
    pub(super) net: Net,
    pub(super) state: State,
    pub(super) wasi: Wasi,
    pub(super) track: Track,
    pub(super) clock: SharedClock,
    pub(super) metrics: PluginMetrics,
}

/// A store with its limits in force.
pub(super) fn store(engine: &Engine, space: Space, equipment: Equipment) -> Store<Guest> {
    let mut table = ResourceTable::new();
    table.set_max_capacity(space.handles_max);
    let Equipment { plugin, cluster, secrets, net, state, wasi, track, clock, metrics } = equipment;
    let guest = Guest {
        plugin,
        cluster,
        table,
        memory: Memory::new(space),
        cpu: Cpu::new(Duration::ZERO),
        call: Call::idle(),
        lines: Lines::new(space.lines_burst, space.lines_per_second),
        secrets,
        net,
        pool: Pool::default(),
        state,
        wasi,
        track,
        clock,
        metrics,
        born: Instant::now(),
        host_calls_max: space.host_calls_max,
    };
    let mut store = Store::new(engine, guest);
    store.limiter(|guest| &mut guest.memory);
    store.set_hostcall_fuel(space.hostcall_bytes_max);
    // Before instantiation, or the guest's own start would be cut.
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut context| {
        let guest = context.data_mut();
        if guest.cpu.tick(&guest.call) {
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
        } else {
            Ok(UpdateDeadline::Interrupt)
        }
    });
    store
}

/// More host calls than a call may make.
#[derive(Debug, thiserror::Error)]
#[error("it made more than {0} host calls in one call")]
pub(super) struct TooManyHostCalls(u64);

impl Guest {
    pub(super) fn begin(&mut self, name: &'static str, time: Time, cancelled: watch::Receiver<bool>) {
        self.call = Call::new(name, time.wall, cancelled);
        self.cpu = Cpu::new(time.cpu);
        self.lines.begin();
    }

    /// What the call that ends now used.
    pub(super) fn spent(&self, failed: bool, cpu_max: Duration) -> Spent {
        Spent {
            failed,
            wall: self.call.began.elapsed(),
            cpu: self.cpu.used,
            cpu_max,
            host_calls: self.call.host_calls,
            host_calls_max: self.host_calls_max,
            memory_bytes: self.memory.high_water_bytes,
            memory_bytes_max: self.memory.bytes_max,
        }
    }

    /// Every host function begins with this.
    pub(super) fn enter(&mut self, interface: &'static str) -> wasmtime::Result<()> {
        self.call.host_calls += 1;
        if self.call.host_calls > self.host_calls_max {
            return Err(TooManyHostCalls(self.host_calls_max).into());
        }
        self.metrics.host_call(interface);
        Ok(())
    }
}

/// Memory and tables, each over all that the instance has: what is asked for beyond the limit is refused and
/// remembered, as the guest itself only aborts.
pub(super) struct Memory {
    bytes: usize,
    bytes_max: usize,
    elements: usize,
    elements_max: usize,
    pub(super) high_water_bytes: usize,
    pub(super) refused: Option<Refused>,
}

/// What there was no more room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Memory { bytes_max: usize },
    Tables { elements_max: usize },
}

impl Memory {
    fn new(space: Space) -> Self {
        Self {
            bytes: 0,
            bytes_max: space.memory_bytes_max,
            elements: 0,
            elements_max: space.table_elements_max,
            high_water_bytes: 0,
            refused: None,
        }
    }

    pub(super) fn bytes_max(&self) -> usize {
        self.bytes_max
    }
}

/// What is held after one of several grew; `None` where that is too much.
fn grown(held: usize, now: usize, wanted: usize, most: usize) -> Option<usize> {
    held.checked_sub(now)?.checked_add(wanted).filter(|total| *total <= most)
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, now: usize, wanted: usize, _max: Option<usize>) -> wasmtime::Result<bool> {
        let Some(bytes) = grown(self.bytes, now, wanted, self.bytes_max) else {
            self.refused = Some(Refused::Memory { bytes_max: self.bytes_max });
            return Ok(false);
        };
        self.bytes = bytes;
        self.high_water_bytes = self.high_water_bytes.max(bytes);
        Ok(true)
    }

    fn table_growing(&mut self, now: usize, wanted: usize, _max: Option<usize>) -> wasmtime::Result<bool> {
        let Some(elements) = grown(self.elements, now, wanted, self.elements_max) else {
            self.refused = Some(Refused::Tables { elements_max: self.elements_max });
            return Ok(false);
        };
        self.elements = elements;
        Ok(true)
    }
}

/// CPU time of the running call, in steps of a tick. Time that passed inside of waiting host calls is not charged, and
/// a tick is charged once however long the machine was busy with others.
pub(super) struct Cpu {
    budget: Duration,
    pub(super) used: Duration,
    pub(super) exhausted: bool,
    seen: Instant,
    waited_ns: u64,
}

impl Cpu {
    fn new(budget: Duration) -> Self {
        Self { budget, used: Duration::ZERO, exhausted: false, seen: Instant::now(), waited_ns: 0 }
    }

    /// False once the budget is used up.
    fn tick(&mut self, call: &Call) -> bool {
        self.charge(call);
        self.exhausted = self.used > self.budget;
        !self.exhausted
    }

    /// What a host function worked for the guest on another thread: it is no waiting.
    pub(super) fn work(&mut self, took: Duration) {
        self.used += took;
    }

    /// Also at the end of a call, for what is left of the last tick.
    pub(super) fn charge(&mut self, call: &Call) {
        let now = Instant::now();
        let waited_ns = call.wait.waited_ns.load(Ordering::Relaxed);
        let waited = Duration::from_nanos(waited_ns.saturating_sub(self.waited_ns));
        self.used += now.saturating_duration_since(self.seen).saturating_sub(waited).min(TICK);
        (self.seen, self.waited_ns) = (now, waited_ns);
    }
}

/// The call that runs now.
pub(super) struct Call {
    pub(super) name: &'static str,
    pub(super) wait: Wait,
    pub(super) wall: Duration,
    began: Instant,
    host_calls: u64,
}

impl Call {
    fn new(name: &'static str, wall: Duration, cancelled: watch::Receiver<bool>) -> Self {
        let began = Instant::now();
        let wait = Wait { deadline: began + wall, cancelled, waited_ns: Arc::new(AtomicU64::new(0)) };
        Self { name, wait, wall, began, host_calls: 0 }
    }

    fn idle() -> Self {
        Self::new("none", Duration::ZERO, watch::channel(false).1)
    }
}

/// How host functions wait: not beyond the call's deadline, not after it was cancelled, and uncharged.
#[derive(Clone)]
pub(super) struct Wait {
    pub(super) deadline: Instant,
    cancelled: watch::Receiver<bool>,
    waited_ns: Arc<AtomicU64>,
}

/// Why waiting ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    Timeout(Duration),
    Deadline,
    Cancelled,
}

impl Wait {
    pub(super) fn cancelled(&self) -> bool {
        *self.cancelled.borrow()
    }

    pub(super) async fn on<T>(&self, timeout: Duration, work: impl Future<Output = T>) -> Result<T, Cut> {
        let began = Instant::now();
        let left = self.deadline.saturating_duration_since(began);
        let (limit, cut) =
            if timeout < left { (timeout, Cut::Timeout(timeout)) } else { (left, Cut::Deadline) };
        let mut cancelled = self.cancelled.clone();
        let end = async {
            if cancelled.wait_for(|cancelled| *cancelled).await.is_err() {
                // Nobody is left who could cancel.
                std::future::pending::<()>().await;
            }
        };
        let answer = tokio::select! {
            biased;
            answer = work => Ok(answer),
            () = end => Err(Cut::Cancelled),
            () = tokio::time::sleep(limit) => Err(cut),
        };
        let waited = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.waited_ns.fetch_add(waited, Ordering::Relaxed);
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiting_is_not_charged() {
        let (_keep, cancelled) = watch::channel(false);
        let call = Call::new("probe", Duration::from_secs(5), cancelled);
        let mut cpu = Cpu::new(Duration::from_millis(15));
        for _ in 0..4 {
            let cut = call.wait.on(Duration::from_millis(20), std::future::pending::<()>()).await;
            assert_eq!(cut, Err(Cut::Timeout(Duration::from_millis(20))));
            assert!(cpu.tick(&call), "charged {:?} for waiting", cpu.used);
        }
        assert!(cpu.used < Duration::from_millis(10), "charged {:?}", cpu.used);
    }

    #[tokio::test]
    async fn a_cancelled_call_waits_no_longer() {
        let (cancel, cancelled) = watch::channel(false);
        let call = Call::new("probe", Duration::from_secs(5), cancelled);
        cancel.send(true).unwrap();
        let cut = call.wait.on(Duration::from_secs(5), std::future::pending::<()>()).await;
        assert_eq!((cut, call.wait.cancelled()), (Err(Cut::Cancelled), true));
    }

    #[test]
    fn one_tick_is_the_most_that_a_check_charges() {
        let call = Call::new("probe", Duration::from_secs(5), watch::channel(false).1);
        let mut cpu = Cpu::new(Duration::from_secs(1));
        std::thread::sleep(TICK * 3);
        cpu.charge(&call);
        assert_eq!(cpu.used, TICK);
    }
}
