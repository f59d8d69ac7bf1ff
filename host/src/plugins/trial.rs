//! The first calls of a new version, held against those of the one before it: whether it stays.
//!
//! Invariant: pure. Only the plugin's own failures count; what a backend refuses speaks against nobody.

/// The trial ends after so many calls, or after so long if there was any.
const CALLS: u64 = 20;
const TIME_MS: u64 = 5 * 60 * 1_000;

/// A single failure may be anything.
const FAILURES_MIN: u64 = 2;

/// In hundredths, above the rate of the version before: below it, it is chance.
const MARGIN_PERCENT: u64 = 10;

/// Calls, and the plugin's own failures among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) calls: u64,
    pub(super) failures: u64,
}

impl Counts {
    fn percent(self) -> u64 {
        self.failures.saturating_mul(100).checked_div(self.calls).unwrap_or(0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trial {
    /// The last calls of the version before.
    pub(super) before: Counts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    Undecided,
    Stays,
    TakenBack,
}

impl Trial {
    pub(super) fn judge(self, new: Counts, age_ms: u64) -> Judgement {
        let worse = new.percent() > self.before.percent().saturating_add(MARGIN_PERCENT);
        if new.failures >= FAILURES_MIN && worse {
            return Judgement::TakenBack;
        }
        if new.calls >= CALLS || (age_ms >= TIME_MS && new.calls > 0) {
            return Judgement::Stays;
        }
        Judgement::Undecided
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(before: (u64, u64), new: (u64, u64), age_ms: u64) -> Judgement {
        let counts = |(calls, failures)| Counts { calls, failures };
        Trial { before: counts(before) }.judge(counts(new), age_ms)
    }

    #[test]
    fn a_version_that_fails_more_than_the_one_before_is_taken_back() {
        assert_eq!(judged((100, 0), (2, 2), 10), Judgement::TakenBack);
        assert_eq!(judged((0, 0), (15, 2), 10), Judgement::TakenBack);
        assert_eq!(judged((100, 50), (10, 7), 10), Judgement::TakenBack);
    }

    #[test]
    fn a_version_that_fails_no_more_than_the_one_before_stays_after_its_trial() {
        assert_eq!(judged((100, 0), (1, 1), 10), Judgement::Undecided);
        assert_eq!(judged((100, 0), (20, 2), 10), Judgement::Stays);
        assert_eq!(judged((100, 50), (20, 10), 10), Judgement::Stays);
        assert_eq!(judged((100, 0), (0, 0), TIME_MS), Judgement::Undecided, "nobody asked it yet");
        assert_eq!(judged((100, 0), (1, 0), TIME_MS), Judgement::Stays);
    }
}
