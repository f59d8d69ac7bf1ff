//! What a plugin's calls used of their limits, at most: for who measures one plugin, beside the metrics of all.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

/// One function's calls: how many, and the most that one of them used of what it may use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Peak {
    pub calls: u64,
    /// Traps, budgets and broken answers.
    pub failures: u64,
    /// Calls that did not end after they were cancelled.
    pub abandoned: u64,
    pub wall_ms: u64,
    pub cpu_ms: u64,
    pub cpu_ms_max: u64,
    pub host_calls: u64,
    pub host_calls_max: u64,
    pub memory_bytes: u64,
    pub memory_bytes_max: u64,
}

/// One call's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spent {
    pub(super) failed: bool,
    pub(super) wall: Duration,
    pub(super) cpu: Duration,
    pub(super) cpu_max: Duration,
    pub(super) host_calls: u64,
    pub(super) host_calls_max: u64,
    pub(super) memory_bytes: usize,
    pub(super) memory_bytes_max: usize,
}

#[derive(Default)]
pub struct Usage {
    peaks: Mutex<BTreeMap<&'static str, Peak>>,
    /// Sessions, and handles that each guest still held when its `close` had returned.
    closed: Mutex<Vec<usize>>,
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn lock<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Usage {
    /// By the function's name in the contract.
    pub fn peaks(&self) -> BTreeMap<&'static str, Peak> {
        lock(&self.peaks).clone()
    }

    /// Of each session that was closed: how many handles it had left open.
    pub fn left_open(&self) -> Vec<usize> {
        lock(&self.closed).clone()
    }

    pub(super) fn spent(&self, call: &'static str, spent: Spent) {
        let mut peaks = lock(&self.peaks);
        let peak = peaks.entry(call).or_default();
        let most = |held: &mut u64, now: u64| *held = now.max(*held);
        let bytes = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        peak.calls += 1;
        peak.failures += u64::from(spent.failed);
        most(&mut peak.wall_ms, milliseconds(spent.wall));
        most(&mut peak.cpu_ms, milliseconds(spent.cpu));
        most(&mut peak.host_calls, spent.host_calls);
        most(&mut peak.memory_bytes, bytes(spent.memory_bytes));
        peak.cpu_ms_max = milliseconds(spent.cpu_max);
        peak.host_calls_max = spent.host_calls_max;
        peak.memory_bytes_max = bytes(spent.memory_bytes_max);
    }

    pub(super) fn abandoned(&self, call: &'static str) {
        lock(&self.peaks).entry(call).or_default().abandoned += 1;
    }

    pub(super) fn closed(&self, left_open: usize) {
        lock(&self.closed).push(left_open);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_of_each_is_kept_beside_its_limit() {
        let usage = Usage::default();
        let spent = |cpu_ms, host_calls, failed| Spent {
            failed,
            wall: Duration::from_millis(cpu_ms * 2),
            cpu: Duration::from_millis(cpu_ms),
            cpu_max: Duration::from_secs(2),
            host_calls,
            host_calls_max: 100,
            memory_bytes: 1 << 20,
            memory_bytes_max: 64 << 20,
        };
        usage.spent("probe", spent(30, 1, false));
        usage.spent("probe", spent(10, 7, true));
        usage.abandoned("probe");
        let peaks = usage.peaks();
        let peak = &peaks["probe"];
        assert_eq!((peak.calls, peak.failures, peak.abandoned), (2, 1, 1));
        assert_eq!((peak.cpu_ms, peak.cpu_ms_max, peak.wall_ms), (30, 2_000, 60));
        assert_eq!((peak.host_calls, peak.host_calls_max), (7, 100));
    }
}
