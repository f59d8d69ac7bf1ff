//! What plugins do, as Prometheus metrics. Labels are bounded: kinds that are loaded, calls of the contract.

use std::sync::Arc;
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
        PluginMetrics { all: self.clone(), plugin: plugin.to_owned(), health, usage: None }
    }
}

/// One plugin's, of one version.
#[derive(Clone)]
pub(super) struct PluginMetrics {
    all: Metrics,
    plugin: String,
    health: Arc<Health>,
    usage: Option<Arc<Usage>>,
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

    fn plugin(&self) -> Plugin {
        Plugin { plugin: self.plugin.clone() }
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
        let outcome = failure.map_or("answered", Failure::word);
        let plugin = || self.plugin.clone();
        self.all.calls.get_or_create(&Outcome { plugin: plugin(), call, outcome }).inc();
        let labels = Call { plugin: plugin(), call };
        self.all.duration.get_or_create(&labels).observe(duration.as_secs_f64());
        self.all.cpu.get_or_create(&labels).inc_by(cpu.as_secs_f64());
    }

    pub(super) fn host_call(&self, interface: &'static str) {
        self.all.host_calls.get_or_create(&HostCall { plugin: self.plugin.clone(), interface }).inc();
    }

    pub(super) fn bytes_in(&self, count: usize) {
        self.all.bytes_in.get_or_create(&self.plugin()).inc_by(count as u64);
    }

    /// One message of so many bytes.
    pub(super) fn bytes_out(&self, count: usize) {
        self.all.messages_out.get_or_create(&self.plugin()).inc();
        self.all.bytes_out.get_or_create(&self.plugin()).inc_by(count as u64);
    }

    pub(super) fn memory(&self, bytes: usize) {
        let gauge = self.all.memory.get_or_create_owned(&self.plugin());
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        if bytes > gauge.get() {
            gauge.set(bytes);
        }
    }

    pub(super) fn session(&self, change: i64) {
        self.health.session(change);
        self.all.sessions.get_or_create(&self.plugin()).inc_by(change);
    }

    pub(super) fn queued(&self, change: i64) {
        self.health.queued(change);
        self.all.queued.get_or_create(&self.plugin()).inc_by(change);
    }

    pub(super) fn instantiated(&self, took: Duration) {
        self.all.instantiate.get_or_create(&self.plugin()).observe(took.as_secs_f64());
    }

    pub(super) fn compiled(&self, took: Duration) {
        self.all.compile.get_or_create(&self.plugin()).set(took.as_secs_f64());
    }
}
