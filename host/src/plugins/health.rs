//! How one version of a plugin does: what it was asked, what it failed at, what it said, and whether calls may pass.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::mpsc;

use super::driver::Failure;
use super::quarantine::Quarantine;
use super::trial::Counts;
use crate::domain::plugin::{Charge, Traffic};

/// Outcomes that a rate is made of: the version before is judged by its last calls, not by its first.
const RECENT_MAX: usize = 100;

/// Log lines that an incident keeps, of one cluster.
const LINES_MAX: usize = 50;

/// Clusters whose lines are kept; the rest is in the host's log.
const SPEAKERS_MAX: usize = 1_024;

/// A failure, for whoever keeps incidents and judges versions.
#[derive(Clone, Debug)]
pub(super) struct Report {
    pub(super) kind: String,
    pub(super) digest: String,
    pub(super) version: String,
    pub(super) cluster: String,
    pub(super) call: &'static str,
    pub(super) failure: Failure,
    pub(super) lines: Vec<String>,
    pub(super) charge: Charge,
}

/// Of whom a health is, and who hears of its failures.
#[derive(Clone, Debug, Default)]
pub(super) struct Identity {
    pub(super) kind: String,
    pub(super) digest: String,
    pub(super) version: String,
    pub(super) reports: Option<mpsc::Sender<Report>>,
}

pub(super) struct Health {
    identity: Identity,
    born: Instant,
    sessions: AtomicU64,
    queued: AtomicU64,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    counts: Counts,
    /// Whether each of the last calls failed.
    recent: VecDeque<bool>,
    quarantine: Quarantine,
    /// By cluster.
    lines: HashMap<String, VecDeque<String>>,
}

impl Seen {
    fn count(&mut self, failed: bool) {
        self.counts.calls += 1;
        self.counts.failures += u64::from(failed);
        self.recent.push_back(failed);
        if self.recent.len() > RECENT_MAX {
            self.recent.pop_front();
        }
    }
}

impl Health {
    pub(super) fn new(identity: Identity) -> Self {
        let (sessions, queued) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { identity, born: Instant::now(), sessions, queued, seen: Mutex::default() }
    }

    /// Of a plugin that does not serve yet.
    pub(super) fn unwatched() -> Self {
        Self::new(Identity::default())
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn age_ms(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Lets a call through, or says in one sentence why not. `cluster` is empty for a call that decides.
    pub(super) fn admit(&self, cluster: &str) -> Result<(), String> {
        self.seen().quarantine.admit(cluster, self.age_ms())
    }

    /// The guest answered, with a result or with what its backend refused.
    pub(super) fn answered(&self, cluster: &str) {
        let mut seen = self.seen();
        seen.count(false);
        let opened = seen.quarantine.answered(cluster, self.age_ms());
        drop(seen);
        if opened {
            tracing::info!(plugin = self.identity.kind, cluster, "a probe was answered: calls pass again");
        }
    }

    /// The answer that was counted last cannot be used: it is about to be counted as a failure.
    pub(super) fn take_back_answer(&self) {
        let mut seen = self.seen();
        seen.counts.calls = seen.counts.calls.saturating_sub(1);
        seen.recent.pop_back();
    }

    pub(super) fn failed(&self, cluster: &str, call: &'static str, failure: &Failure) {
        let is_own = failure.is_the_plugins();
        let mut seen = self.seen();
        seen.count(is_own);
        let charge = match is_own {
            true => seen.quarantine.failed(cluster, &failure.to_string(), self.age_ms()),
            false => Charge::Call,
        };
        let lines = seen.lines.get(cluster).map(|lines| lines.iter().cloned().collect()).unwrap_or_default();
        drop(seen);
        let Some(reports) = &self.identity.reports else { return };
        let Identity { kind, digest, version, .. } = self.identity.clone();
        let (cluster, failure) = (cluster.to_owned(), failure.clone());
        let report = Report { kind, digest, version, cluster, call, failure, lines, charge };
        if reports.try_send(report).is_err() {
            tracing::debug!(
                call,
                "incidents come faster than they can be kept: this one stays in the log alone"
            );
        }
    }

    pub(super) fn said(&self, cluster: &str, line: &str) {
        let mut seen = self.seen();
        if seen.lines.len() >= SPEAKERS_MAX && !seen.lines.contains_key(cluster) {
            return;
        }
        let lines = seen.lines.entry(cluster.to_owned()).or_default();
        if lines.len() >= LINES_MAX {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    }

    pub(super) fn session(&self, change: i64) {
        add(&self.sessions, change);
    }

    pub(super) fn queued(&self, change: i64) {
        add(&self.queued, change);
    }

    pub(super) fn traffic(&self) -> Traffic {
        let Counts { calls, failures } = self.counts();
        let (sessions, queued) = (&self.sessions, &self.queued);
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Traffic { calls, failures, sessions: load(sessions), queued: load(queued) }
    }

    pub(super) fn counts(&self) -> Counts {
        self.seen().counts
    }

    /// Of the last calls.
    pub(super) fn recent(&self) -> Counts {
        let seen = self.seen();
        let failures = seen.recent.iter().filter(|failed| **failed).count();
        Counts { calls: seen.recent.len() as u64, failures: failures as u64 }
    }

    pub(super) fn quarantined(&self) -> Option<String> {
        self.seen().quarantine.reason().map(str::to_owned)
    }

    pub(super) fn isolated(&self) -> Vec<String> {
        self.seen().quarantine.isolated()
    }

    pub(super) fn release(&self) {
        self.seen().quarantine.release();
    }
}

fn add(count: &AtomicU64, change: i64) {
    let changed = |now: u64| Some(now.saturating_add_signed(change));
    // It always gives a value, so it always succeeds.
    count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, changed).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_made_of_the_last_calls_and_a_broken_answer_is_one_failure() {
        let health = Health::unwatched();
        for _ in 0..150 {
            health.answered("lab");
        }
        health.take_back_answer();
        health.failed("lab", "probe", &Failure::Protocol("no JSON".to_owned()));
        assert_eq!(health.counts(), Counts { calls: 150, failures: 1 });
        assert_eq!(health.recent(), Counts { calls: 100, failures: 1 });
        health.failed("lab", "probe", &Failure::HostPanic("the host's own".to_owned()));
        assert_eq!(health.counts(), Counts { calls: 151, failures: 1 });
    }

    #[tokio::test]
    async fn a_failure_is_reported_with_what_the_plugin_said_last() {
        let (reports, mut heard) = mpsc::channel(4);
        let health =
            Health::new(Identity { kind: "toy".to_owned(), reports: Some(reports), ..Identity::default() });
        for count in 0..60 {
            health.said("lab", &format!("line {count}"));
        }
        health.said("other", "not of this cluster");
        health.failed("lab", "probe", &Failure::Trap("unreachable".to_owned()));
        let report = heard.recv().await.unwrap();
        assert_eq!((report.kind.as_str(), report.call, report.charge), ("toy", "probe", Charge::Call));
        assert_eq!((report.lines.len(), report.lines.last().map(String::as_str)), (50, Some("line 59")));
    }
}
