//! Whom failures are charged to: the session of one cluster, or the plugin; and the way back, by a probe or by hand.
//!
//! Invariant: pure. What is shut lets one call through at a time, at intervals that double; its answer opens it again.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::plugin::Charge;

/// Older failures explain nothing of now.
const WINDOW_MS: u64 = 10 * 60 * 1_000;

/// Failures on one cluster without an answer between them: its session is shut.
const IN_A_ROW: u32 = 3;

/// Clusters that fail at the same time: it is the plugin, not what one of them holds.
const CLUSTERS: usize = 3;

/// Failures on more than one cluster that are as good a sign.
const FAILURES: u32 = 5;

/// Until the first probe, and between two at most.
const WAIT_MIN_MS: u64 = 1_000;
const WAIT_MAX_MS: u64 = 5 * 60 * 1_000;

/// A probe whose caller left: the next one takes its place after this.
const PROBE_LOST_MS: u64 = 60 * 1_000;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Gate {
    #[default]
    Open,
    Shut {
        reason: String,
        wait_ms: u64,
        until_ms: u64,
    },
    Probing {
        reason: String,
        wait_ms: u64,
        since_ms: u64,
    },
}

impl Gate {
    fn shut(reason: &str, wait_ms: u64, now_ms: u64) -> Self {
        Self::Shut { reason: reason.to_owned(), wait_ms, until_ms: now_ms + wait_ms }
    }

    /// Lets a call through, or says why not and for how long.
    fn admit(&mut self, now_ms: u64) -> Result<(), (String, u64)> {
        match self {
            Self::Open => Ok(()),
            Self::Shut { reason, until_ms, .. } if now_ms < *until_ms => {
                Err((reason.clone(), *until_ms - now_ms))
            }
            Self::Probing { reason, since_ms, .. } if now_ms < *since_ms + PROBE_LOST_MS => {
                Err((reason.clone(), *since_ms + PROBE_LOST_MS - now_ms))
            }
            Self::Shut { reason, wait_ms, .. } | Self::Probing { reason, wait_ms, .. } => {
                *self = Self::Probing { reason: std::mem::take(reason), wait_ms: *wait_ms, since_ms: now_ms };
                Ok(())
            }
        }
    }

    /// Whether the probe came back.
    fn answered(&mut self) -> bool {
        let probed = matches!(self, Self::Probing { .. });
        if probed {
            *self = Self::Open;
        }
        probed
    }

    /// A failed probe shuts it for twice as long. `false`: it was no probe.
    fn failed(&mut self, reason: &str, now_ms: u64) -> bool {
        let Self::Probing { wait_ms, .. } = self else { return false };
        *self = Self::shut(reason, (*wait_ms * 2).min(WAIT_MAX_MS), now_ms);
        true
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::Open => None,
            Self::Shut { reason, .. } | Self::Probing { reason, .. } => Some(reason),
        }
    }
}

/// What is known of one cluster's calls.
#[derive(Debug, Default)]
struct Strikes {
    /// Without an answer between them.
    in_a_row: u32,
    failed_ms: u64,
    answered_ms: Option<u64>,
}

/// Of one version of a plugin.
#[derive(Debug, Default)]
pub(super) struct Quarantine {
    plugin: Gate,
    sessions: BTreeMap<String, Gate>,
    /// By cluster; calls that decide belong to the one without a name.
    strikes: BTreeMap<String, Strikes>,
}

impl Quarantine {
    /// Lets a call through, or says in one sentence why not.
    pub(super) fn admit(&mut self, cluster: &str, now_ms: u64) -> Result<(), String> {
        self.plugin.admit(now_ms).map_err(|(reason, left_ms)| {
            format!(
                "it is quarantined: {reason}; it is probed in {} s, or release it with `headgate plugin enable`",
                left_ms.div_ceil(1_000)
            )
        })?;
        let Some(gate) = self.sessions.get_mut(cluster) else { return Ok(()) };
        gate.admit(now_ms).map_err(|(reason, left_ms)| {
            let seconds = left_ms.div_ceil(1_000);
            format!("its calls here are stopped: {reason}; one is let through in {seconds} s")
        })
    }

    /// Whether something was opened by it.
    pub(super) fn answered(&mut self, cluster: &str, now_ms: u64) -> bool {
        let released = self.plugin.answered();
        let opened = self.sessions.get_mut(cluster).is_some_and(Gate::answered);
        if opened {
            self.sessions.remove(cluster);
        }
        if !self.strikes.contains_key(cluster) {
            self.strikes.insert(cluster.to_owned(), Strikes::default());
        }
        if let Some(strikes) = self.strikes.get_mut(cluster) {
            strikes.in_a_row = 0;
            strikes.answered_ms = Some(now_ms);
        }
        released || opened
    }

    pub(super) fn failed(&mut self, cluster: &str, why: &str, now_ms: u64) -> Charge {
        let strikes = self.strikes.entry(cluster.to_owned()).or_default();
        if now_ms.saturating_sub(strikes.failed_ms) > WINDOW_MS {
            strikes.in_a_row = 0;
        }
        strikes.in_a_row = strikes.in_a_row.saturating_add(1);
        strikes.failed_ms = now_ms;
        let in_a_row = strikes.in_a_row;
        if self.plugin.failed(why, now_ms) {
            return Charge::Plugin;
        }
        if self.plugin != Gate::Open {
            // It began before the plugin was stopped.
            return Charge::Call;
        }
        if let Some(clusters) = self.is_the_plugins(now_ms) {
            let reason = format!("it failed on {}, last with: {why}", named(&clusters));
            self.plugin = Gate::shut(&reason, WAIT_MIN_MS, now_ms);
            return Charge::Plugin;
        }
        let gate = self.sessions.entry(cluster.to_owned()).or_default();
        if gate.failed(why, now_ms) {
            return Charge::Session;
        }
        if *gate == Gate::Open && in_a_row >= IN_A_ROW {
            let reason = format!("it failed {in_a_row} times in a row, last with: {why}");
            *gate = Gate::shut(&reason, WAIT_MIN_MS, now_ms);
            return Charge::Session;
        }
        Charge::Call
    }

    /// The clusters that fail, where they are several and most of those that are asked.
    fn is_the_plugins(&self, now_ms: u64) -> Option<BTreeSet<&str>> {
        let recent = |at_ms: u64| now_ms.saturating_sub(at_ms) <= WINDOW_MS;
        let failing = || self.strikes.iter().filter(|(_, one)| one.in_a_row > 0 && recent(one.failed_ms));
        let answering =
            self.strikes.values().filter(|one| one.in_a_row == 0 && one.answered_ms.is_some_and(recent));
        let (clusters, failures) = (failing().count(), failing().map(|(_, one)| one.in_a_row).sum::<u32>());
        let several = clusters >= CLUSTERS || (clusters > 1 && failures >= FAILURES);
        let most = clusters > answering.count();
        (several && most).then(|| failing().map(|(name, _)| name.as_str()).collect())
    }

    /// By hand: everything is open, and nothing is held against it.
    pub(super) fn release(&mut self) {
        *self = Self::default();
    }

    /// Why the plugin is stopped, where it is.
    pub(super) fn reason(&self) -> Option<&str> {
        self.plugin.reason()
    }

    /// The clusters whose calls are stopped.
    pub(super) fn isolated(&self) -> Vec<String> {
        let shut = self.sessions.iter().filter(|(name, gate)| **gate != Gate::Open && !name.is_empty());
        shut.map(|(name, _)| name.clone()).collect()
    }
}

fn named(clusters: &BTreeSet<&str>) -> String {
    let name =
        |name: &&str| if name.is_empty() { "calls that decide".to_owned() } else { format!("`{name}`") };
    clusters.iter().map(name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(quarantine: &mut Quarantine, clusters: &[&str], now_ms: u64) -> Vec<Charge> {
        clusters.iter().map(|cluster| quarantine.failed(cluster, "it trapped", now_ms)).collect()
    }

    #[test]
    fn failures_on_one_cluster_stop_its_session_alone() {
        let mut quarantine = Quarantine::default();
        assert_eq!(
            failed(&mut quarantine, &["a"; 4], 10),
            [Charge::Call, Charge::Call, Charge::Session, Charge::Call]
        );
        let refused = quarantine.admit("a", 11).unwrap_err();
        assert!(refused.contains("3 times in a row, last with: it trapped"), "{refused}");
        assert!(quarantine.admit("b", 11).is_ok());
        assert_eq!((quarantine.isolated(), quarantine.reason()), (vec!["a".to_owned()], None));
        assert!(quarantine.admit("a", 1_010).is_ok(), "a probe");
        assert!(quarantine.admit("a", 1_011).is_err(), "one at a time");
        assert!(quarantine.answered("a", 1_012));
        assert!(quarantine.admit("a", 1_013).is_ok() && quarantine.isolated().is_empty());
    }

    #[test]
    fn an_answer_between_failures_forgives_them() {
        let mut quarantine = Quarantine::default();
        for now_ms in 0..20 {
            assert_eq!(failed(&mut quarantine, &["a", "a"], now_ms), [Charge::Call; 2]);
            assert!(!quarantine.answered("a", now_ms));
        }
    }

    #[test]
    fn failures_on_several_clusters_stop_the_plugin_and_a_probe_that_answers_releases_it() {
        let mut quarantine = Quarantine::default();
        assert_eq!(
            failed(&mut quarantine, &["a", "b", "c"], 0),
            [Charge::Call, Charge::Call, Charge::Plugin]
        );
        assert_eq!(quarantine.reason(), Some("it failed on `a`, `b`, `c`, last with: it trapped"));
        let refused = quarantine.admit("d", 1).unwrap_err();
        assert!(
            refused.contains("it is quarantined") && refused.contains("headgate plugin enable"),
            "{refused}"
        );
        assert!(quarantine.admit("d", 1_000).is_ok());
        assert_eq!(quarantine.failed("d", "again", 1_001), Charge::Plugin);
        assert!(quarantine.admit("d", 3_000).is_err(), "it waits twice as long");
        assert!(quarantine.admit("d", 3_001).is_ok());
        assert!(quarantine.answered("d", 3_002));
        assert_eq!(quarantine.reason(), None);
    }

    #[test]
    fn two_clusters_need_more_failures_and_a_majority_that_answers_speaks_for_the_plugin() {
        let mut quarantine = Quarantine::default();
        let charges = failed(&mut quarantine, &["a", "b", "a", "b", "b"], 0);
        assert_eq!(charges.last(), Some(&Charge::Plugin));
        let mut healthy = Quarantine::default();
        for cluster in ["d", "e", "f"] {
            healthy.answered(cluster, 0);
        }
        let charges = failed(&mut healthy, &["a", "b", "c", "a", "b", "c"], 1);
        assert!(!charges.contains(&Charge::Plugin), "{charges:?}");
    }

    #[test]
    fn old_failures_do_not_count_and_a_release_by_hand_forgets_all() {
        let mut quarantine = Quarantine::default();
        failed(&mut quarantine, &["a", "b"], 0);
        assert_eq!(failed(&mut quarantine, &["c"], WINDOW_MS + 1), [Charge::Call]);
        failed(&mut quarantine, &["a", "b"], WINDOW_MS + 2);
        assert!(quarantine.reason().is_some());
        quarantine.release();
        assert!(quarantine.admit("a", WINDOW_MS + 3).is_ok());
    }

    #[test]
    fn probes_come_ever_more_seldom_and_a_lost_one_is_replaced() {
        let mut quarantine = Quarantine::default();
        failed(&mut quarantine, &["a", "b", "c"], 0);
        let mut now_ms = 0;
        for wait_ms in
            [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000]
        {
            assert!(quarantine.admit("a", now_ms + wait_ms - 1).is_err(), "after {wait_ms}");
            now_ms += wait_ms;
            assert!(quarantine.admit("a", now_ms).is_ok(), "after {wait_ms}");
            quarantine.failed("a", "still", now_ms);
        }
        assert!(quarantine.admit("a", now_ms + 300_000).is_ok());
        assert!(quarantine.admit("a", now_ms + 300_001).is_err());
        assert!(quarantine.admit("a", now_ms + 300_000 + PROBE_LOST_MS).is_ok());
    }
}
