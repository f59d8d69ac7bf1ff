//! What plugins do, as Prometheus metrics. Labels are bounded: kinds that are loaded, calls of the contract.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use super::driver::Failure;
use super::health::Health;
use super::usage::{Spent, Usage};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Plugin {
    plugin: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    plugin: String,
    call: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    plugin: String,
    call: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HostCall {
    plugin: String,
    interface: &'static str,
}

type Seconds = Counter<f64, std::sync::atomic::AtomicU64>;

/// All plugins' metrics.
#[derive(Clone)]
pub struct Metrics {
    calls: Family<Outcome, Counter>,
    duration: Family<Call, Histogram, fn() -> Histogram>,
    cpu: Family<Call, Seconds>,
    host_calls: Family<HostCall, Counter>,
    messages_out: Family<Plugin, Counter>,
    bytes_in: Family<Plugin, Counter>,
    bytes_out: Family<Plugin, Counter>,
    memory: Family<Plugin, Gauge>,
    sessions: Family<Plugin, Gauge>,
    queued: Family<Plugin, Gauge>,
    instantiate: Family<Plugin, Histogram, fn() -> Histogram>,
    compile: Family<Plugin, Gauge<f64, std::sync::atomic::AtomicU64>>,
}

/// From 0.1 ms to 100 s.
fn call_buckets() -> Histogram {
    Histogram::new(exponential_buckets(1e-4, 4.0, 11))
}

/// From 1 µs to 0.3 s.
fn instantiate_buckets() -> Histogram {
    Histogram::new(exponential_buckets(1e-6, 4.0, 10))
}

impl Metrics {
    pub fn register(registry: &mut Registry) -> Self {
        let all = Self {
            calls: Family::default(),
            duration: Family::new_with_constructor(call_buckets),
            cpu: Family::default(),
            host_calls: Family::default(),
            messages_out: Family::default(),
            bytes_in: Family::default(),
            bytes_out: Family::default(),
            memory: Family::default(),
            sessions: Family::default(),
            queued: Family::default(),
            instantiate: Family::new_with_constructor(instantiate_buckets),
            compile: Family::default(),
        };
        let registry = registry.sub_registry_with_prefix("plugin");
        registry.register("calls", "Calls into plugins by outcome", all.calls.clone());
        let help = "Wall time of calls into plugins";
        registry.register_with_unit("call_duration", help, Unit::Seconds, all.duration.clone());
        let help = "CPU time of plugins without their waiting";
        registry.register_with_unit("cpu", help, Unit::Seconds, all.cpu.clone());
        registry.register("host_calls", "Calls of plugins into the host", all.host_calls.clone());
        let help = "Messages sent to backends by plugins: requests, and what a login takes";
        registry.register("messages_sent", help, all.messages_out.clone());
        let help = "Received from backends by plugins";
        registry.register_with_unit("received", help, Unit::Bytes, all.bytes_in.clone());
        registry.register_with_unit(
            "sent",
            "Sent to backends by plugins",
            Unit::Bytes,
            all.bytes_out.clone(),
        );
        let help = "Largest memory that an instance took";
        registry.register_with_unit("memory_high_water", help, Unit::Bytes, all.memory.clone());
        registry.register("sessions", "Sessions that hold an instance", all.sessions.clone());
        registry.register("queued_calls", "Calls that wait for their session", all.queued.clone());
        let help = "Time to make an instance";
        registry.register_with_unit("instantiate", help, Unit::Seconds, all.instantiate.clone());
        let help = "Time to compile or load the plugin";
        registry.register_with_unit("compile", help, Unit::Seconds, all.compile.clone());
        all
    }

    pub(super) fn of(&self, plugin: &str) -> PluginMetrics {
        self.watched(plugin, Arc::new(Health::unwatched()))
    }

    /// Of a version that serves, whose health follows.
    pub(super) fn watched(&self, plugin: &str, health: Arc<Health>) -> PluginMetrics {
        let labels = Plugin { plugin: plugin.to_owned() };
        let series = Series {
            messages_out: self.messages_out.get_or_create_owned(&labels),
            bytes_in: self.bytes_in.get_or_create_owned(&labels),
            bytes_out: self.bytes_out.get_or_create_owned(&labels),
            memory: self.memory.get_or_create_owned(&labels),
            sessions: self.sessions.get_or_create_owned(&labels),
            queued: self.queued.get_or_create_owned(&labels),
            instantiate: self.instantiate.get_or_create_owned(&labels),
            calls: Kept::default(),
            host_calls: Kept::default(),
            plugin: labels.plugin,
            all: self.clone(),
        };
        PluginMetrics { series: Arc::new(series), health, usage: None }
    }

    pub(super) fn compiled(&self, plugin: &str, took: Duration) {
        self.compile.get_or_create(&Plugin { plugin: plugin.to_owned() }).set(took.as_secs_f64());
    }
}

/// One plugin's, of one version.
#[derive(Clone)]
pub(super) struct PluginMetrics {
    series: Arc<Series>,
    health: Arc<Health>,
    usage: Option<Arc<Usage>>,
}

/// Looked up once: every call and every host call counts in some of them.
struct Series {
    messages_out: Counter,
    bytes_in: Counter,
    bytes_out: Counter,
    memory: Gauge,
    sessions: Gauge,
    queued: Gauge,
    instantiate: Histogram,
    calls: Kept<CallSeries>,
    host_calls: Kept<Counter>,
    plugin: String,
    all: Metrics,
}

struct CallSeries {
    answered: Counter,
    duration: Histogram,
    cpu: Seconds,
}

/// By a name of the contract.
struct Kept<T>(RwLock<HashMap<&'static str, T>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<T> Kept<T> {
    fn with(&self, name: &'static str, make: impl FnOnce() -> T, count: impl FnOnce(&T)) {
        if let Some(kept) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return count(kept);
        }
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        count(all.entry(name).or_insert_with(make));
    }
}

impl Series {
    fn outcome(&self, call: &'static str, outcome: &'static str) -> Counter {
        self.all.calls.get_or_create_owned(&Outcome { plugin: self.plugin.clone(), call, outcome })
    }

    fn of_call(&self, call: &'static str) -> CallSeries {
        let labels = Call { plugin: self.plugin.clone(), call };
        CallSeries {
            answered: self.outcome(call, "answered"),
            duration: self.all.duration.get_or_create_owned(&labels),
            cpu: self.all.cpu.get_or_create_owned(&labels),
        }
    }

    fn of_host_call(&self, interface: &'static str) -> Counter {
        self.all.host_calls.get_or_create_owned(&HostCall { plugin: self.plugin.clone(), interface })
    }
}

impl PluginMetrics {
    /// Also for who measures this one.
    pub(super) fn counted(self, usage: Option<Arc<Usage>>) -> Self {
        Self { usage, ..self }
    }

    pub(super) fn usage(&self) -> Option<&Usage> {
        self.usage.as_deref()
    }

    pub(super) fn spent(&self, call: &'static str, spent: Spent) {
        if let Some(usage) = &self.usage {
            usage.spent(call, spent);
        }
    }

    pub(super) fn health(&self) -> &Health {
        &self.health
    }

    pub(super) fn call(
        &self,
        call: &'static str,
        failure: Option<&Failure>,
        duration: Duration,
        cpu: Duration,
    ) {
        let series = &self.series;
        let count = |kept: &CallSeries| {
            match failure {
                None => kept.answered.inc(),
                Some(failure) => series.outcome(call, failure.word()).inc(),
            };
            kept.duration.observe(duration.as_secs_f64());
            kept.cpu.inc_by(cpu.as_secs_f64());
        };
        series.calls.with(call, || series.of_call(call), count);
    }

    pub(super) fn host_call(&self, interface: &'static str) {
        let make = || self.series.of_host_call(interface);
        self.series.host_calls.with(interface, make, |kept| {
            kept.inc();
        });
    }

    pub(super) fn bytes_in(&self, count: usize) {
        self.series.bytes_in.inc_by(count as u64);
    }

    /// One message of so many bytes.
    pub(super) fn bytes_out(&self, count: usize) {
        self.series.messages_out.inc();
        self.series.bytes_out.inc_by(count as u64);
    }

    pub(super) fn memory(&self, bytes: usize) {
        let gauge = &self.series.memory;
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        if bytes > gauge.get() {
            gauge.set(bytes);
        }
    }

    pub(super) fn session(&self, change: i64) {
        self.health.session(change);
        self.series.sessions.inc_by(change);
    }

    pub(super) fn queued(&self, change: i64) {
        self.health.queued(change);
        self.series.queued.inc_by(change);
    }

    pub(super) fn instantiated(&self, took: Duration) {
        self.series.instantiate.observe(took.as_secs_f64());
    }
}
