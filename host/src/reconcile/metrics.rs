//! How punctual cycles are, and how long they take, as Prometheus metrics.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    outcome: &'static str,
}

#[derive(Clone)]
pub struct Metrics {
    lag: Histogram,
    duration: Family<Ended, Histogram, fn() -> Histogram>,
}

/// From 1 ms to 65 s.
fn buckets() -> Histogram {
    Histogram::new(exponential_buckets(1e-3, 2.0, 17))
}

impl Metrics {
    pub fn register(registry: &mut Registry) -> Self {
        let all = Self { lag: buckets(), duration: Family::new_with_constructor(buckets) };
        let registry = registry.sub_registry_with_prefix("cycle");
        let help = "How late cycles begin after they are due";
        registry.register_with_unit("lag", help, Unit::Seconds, all.lag.clone());
        let help = "Wall time of cycles, complete or ended early";
        registry.register_with_unit("duration", help, Unit::Seconds, all.duration.clone());
        all
    }

    pub(super) fn began(&self, late: Duration) {
        self.lag.observe(late.as_secs_f64());
    }

    pub(super) fn ended(&self, took: Duration, is_complete: bool) {
        let outcome = if is_complete { "complete" } else { "ended-early" };
        self.duration.get_or_create(&Ended { outcome }).observe(took.as_secs_f64());
    }
}
