//! What was checked of a plugin, and what came of it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::plugins::alone::Facts;
use crate::plugins::usage::{Peak, Usage};

/// Findings of one check that are told: more of them say the same.
const FINDINGS_MAX: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    Static,
    Contract,
    Failures,
    Network,
    Resources,
}

impl Group {
    pub fn word(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Contract => "contract",
            Self::Failures => "failures",
            Self::Network => "network",
            Self::Resources => "resources",
        }
    }
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub expected: String,
    pub found: String,
    pub advice: String,
}

impl Finding {
    pub(super) fn new(
        expected: impl Into<String>,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { expected: expected.into(), found: found.into(), advice: advice.into() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "verdict")]
pub enum Verdict {
    Passed {
        /// What was looked at, in numbers.
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    Failed {
        findings: Vec<Finding>,
    },
    Skipped {
        reason: String,
    },
}

impl Verdict {
    /// Passed where there is nothing to find.
    pub(super) fn of(mut findings: Vec<Finding>, note: Option<String>) -> Self {
        if findings.is_empty() {
            return Self::Passed { note };
        }
        let more = findings.len().saturating_sub(FINDINGS_MAX);
        findings.truncate(FINDINGS_MAX);
        if let Some(last) = findings.last_mut().filter(|_| more > 0) {
            last.found.push_str(&format!(" (and {more} more of the kind)"));
        }
        Self::Failed { findings }
    }

    pub(super) fn failed(finding: Finding) -> Self {
        Self::Failed { findings: vec![finding] }
    }

    pub(super) fn skipped(reason: impl Into<String>) -> Self {
        Self::Skipped { reason: reason.into() }
    }

    /// In a few words, where it did not pass.
    pub(super) fn why_not(&self) -> Option<String> {
        match self {
            Self::Passed { .. } => None,
            Self::Failed { findings } => findings.first().map(|finding| finding.found.clone()),
            Self::Skipped { reason } => Some(reason.clone()),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    pub group: Group,
    pub name: &'static str,
    #[serde(flatten)]
    pub verdict: Verdict,
    pub took_ms: u64,
}

impl Checked {
    pub(super) fn new(group: Group, name: &'static str, verdict: Verdict, took: Duration) -> Self {
        Self { group, name, verdict, took_ms: milliseconds(took) }
    }

    pub fn is_failed(&self) -> bool {
        matches!(self.verdict, Verdict::Failed { .. })
    }
}

/// All of it. `passed`, `failed` and `skipped` count checks.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub file: String,
    pub kind: Option<String>,
    pub version: Option<String>,
    pub digest: Option<String>,
    pub bytes: usize,
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
    pub took_ms: u64,
    pub checks: Vec<Checked>,
    /// By function: the most that one call used, beside what it may use.
    pub usage: BTreeMap<&'static str, Peak>,
}

impl Report {
    pub(super) fn new(
        file: String,
        facts: &Facts,
        checks: Vec<Checked>,
        usage: &Usage,
        took: Duration,
    ) -> Self {
        let count = |wanted: fn(&Verdict) -> bool| checks.iter().filter(|one| wanted(&one.verdict)).count();
        let description = facts.description.as_ref();
        Self {
            file,
            kind: description.map(|description| description.kind.clone()),
            version: description.map(|description| description.version.clone()),
            digest: facts.digest.clone(),
            bytes: facts.bytes,
            passed: count(|verdict| matches!(verdict, Verdict::Passed { .. })),
            failed: count(|verdict| matches!(verdict, Verdict::Failed { .. })),
            skipped: count(|verdict| matches!(verdict, Verdict::Skipped { .. })),
            took_ms: milliseconds(took),
            checks,
            usage: usage.peaks(),
        }
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_findings_are_told_in_a_few() {
        let finding = |number: usize| Finding::new("order", format!("row {number}"), "sort");
        let Verdict::Failed { findings } = Verdict::of((0..9).map(finding).collect(), None) else {
            panic!("passed")
        };
        assert_eq!(findings.len(), 5);
        assert!(findings[4].found.ends_with("(and 4 more of the kind)"), "{}", findings[4].found);
        assert_eq!(Verdict::of(Vec::new(), None), Verdict::Passed { note: None });
    }
}
