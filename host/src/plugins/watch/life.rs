//! The life of one file of the plugin directory: what a look at it means, and what is to be done about it.
//!
//! Invariant: pure. Nothing here serves: a kind goes on with its version whatever becomes of the file beside it.

use super::super::refusal::{Refusal, Stage};
use crate::domain::contract::Grant;

/// What tells that a file is not the one of the last look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::plugins) enum Stamp {
    /// Behind links, if there are any: a link that is turned elsewhere shows another one.
    File { bytes: u64, modified_ns: u128, inode: u64 },
    /// A link to nothing, a folder, a file of somebody else.
    Unreadable(String),
    /// With the signature beside it: one that comes, changes or goes makes it another file.
    Signed(Box<(Stamp, Stamp)>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::plugins) enum Look {
    There(Stamp),
    Absent,
}

/// One reading of a file; what is heard of an earlier one is no news.
pub(in crate::plugins) type Attempt = u64;

/// Stages that a file has behind it while it is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::plugins) enum Passed {
    Settled,
    Verified,
    Compiled,
    Typed,
    Described,
    Tested,
}

/// What was decided of a content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::plugins) enum Verdict {
    Active {
        digest: String,
    },
    Refused {
        digest: Option<String>,
        refusal: Refusal,
    },
    /// It asks for more than the operator decided on.
    Waiting(Waiting),
}

/// A version that could serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::plugins) struct Waiting {
    pub(in crate::plugins) digest: String,
    pub(in crate::plugins) version: String,
    pub(in crate::plugins) asked: Vec<Grant>,
    /// What of it nobody has decided on.
    pub(in crate::plugins) more: Vec<Grant>,
}

impl Verdict {
    pub(in crate::plugins) fn digest(&self) -> Option<&str> {
        match self {
            Self::Active { digest } => Some(digest),
            Self::Refused { digest, .. } => digest.as_deref(),
            Self::Waiting(Waiting { digest, .. }) => Some(digest),
        }
    }

    /// The digest, where the same content again would be judged the same: what is decided of grants may have changed.
    pub(in crate::plugins) fn stands_for(&self) -> Option<&str> {
        match self {
            // A signature may be there by now.
            Self::Refused { refusal, .. } if refusal.stage == Stage::Verify => None,
            Self::Active { .. } | Self::Refused { .. } => self.digest(),
            Self::Waiting(_) => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::plugins) enum Life {
    /// There, or written to a moment ago. `last` is what was decided of the content before.
    Seen {
        stamp: Stamp,
        since_ms: u64,
        last: Option<Verdict>,
    },
    /// It has kept still, and is on its way.
    Loading {
        stamp: Stamp,
        attempt: Attempt,
        passed: Passed,
        last: Option<Verdict>,
    },
    Decided {
        stamp: Stamp,
        verdict: Verdict,
    },
    /// Not there for a moment: it may be renamed, or about to be replaced.
    Missing {
        since_ms: u64,
        last: Option<Verdict>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plugins) enum Act {
    Nothing,
    Load(Attempt),
    /// Gone for good.
    Remove,
}

/// How long things have to stay as they are.
#[derive(Clone, Copy, Debug)]
pub(in crate::plugins) struct Patience {
    pub(in crate::plugins) settle_ms: u64,
    pub(in crate::plugins) gone_ms: u64,
}

impl Life {
    pub(in crate::plugins) fn first(stamp: Stamp, now_ms: u64) -> Self {
        Self::Seen { stamp, since_ms: now_ms, last: None }
    }

    /// `next` is the attempt that a load would be.
    pub(in crate::plugins) fn look(
        self,
        look: Look,
        now_ms: u64,
        patience: Patience,
        next: Attempt,
    ) -> (Self, Act) {
        let stamp = match look {
            Look::There(stamp) => stamp,
            Look::Absent => return self.absent(now_ms, patience),
        };
        match self {
            Self::Seen { stamp: before, since_ms, last } if before == stamp => {
                if now_ms.saturating_sub(since_ms) < patience.settle_ms {
                    return (Self::Seen { stamp, since_ms, last }, Act::Nothing);
                }
                (Self::Loading { stamp, attempt: next, passed: Passed::Settled, last }, Act::Load(next))
            }
            Self::Loading { stamp: before, attempt, passed, last } if before == stamp => {
                (Self::Loading { stamp, attempt, passed, last }, Act::Nothing)
            }
            Self::Decided { stamp: before, verdict } if before == stamp => {
                (Self::Decided { stamp, verdict }, Act::Nothing)
            }
            // What is loaded now is of no use any more: its end will be of another attempt.
            Self::Seen { last, .. } | Self::Loading { last, .. } | Self::Missing { last, .. } => {
                (Self::Seen { stamp, since_ms: now_ms, last }, Act::Nothing)
            }
            Self::Decided { verdict, .. } => {
                (Self::Seen { stamp, since_ms: now_ms, last: Some(verdict) }, Act::Nothing)
            }
        }
    }

    fn absent(self, now_ms: u64, patience: Patience) -> (Self, Act) {
        match self {
            Self::Missing { since_ms, last } => {
                let gone = now_ms.saturating_sub(since_ms) >= patience.gone_ms;
                (Self::Missing { since_ms, last }, if gone { Act::Remove } else { Act::Nothing })
            }
            Self::Seen { last, .. } | Self::Loading { last, .. } => {
                (Self::Missing { since_ms: now_ms, last }, Act::Nothing)
            }
            Self::Decided { verdict, .. } => {
                (Self::Missing { since_ms: now_ms, last: Some(verdict) }, Act::Nothing)
            }
        }
    }

    /// A stage is behind the file; of an earlier attempt it changes nothing.
    pub(in crate::plugins) fn pass(&mut self, of: Attempt, stage: Passed) {
        if let Self::Loading { attempt, passed, .. } = self
            && *attempt == of
        {
            *passed = stage;
        }
    }

    /// Whether the attempt is the one that is waited for.
    pub(in crate::plugins) fn awaits(&self, of: Attempt) -> bool {
        matches!(self, Self::Loading { attempt, .. } if *attempt == of)
    }

    /// The end of an attempt that is waited for; the end of another one changes nothing.
    pub(in crate::plugins) fn decide(self, of: Attempt, verdict: Verdict) -> Self {
        match self {
            Self::Loading { stamp, attempt, .. } if attempt == of => Self::Decided { stamp, verdict },
            Self::Loading { .. } | Self::Seen { .. } | Self::Decided { .. } | Self::Missing { .. } => self,
        }
    }

    /// Its content was not the same before and after it was loaded: it has to settle again.
    pub(in crate::plugins) fn changed_meanwhile(self, of: Attempt, now_ms: u64) -> Self {
        match self {
            Self::Loading { stamp, attempt, last, .. } if attempt == of => {
                Self::Seen { stamp, since_ms: now_ms, last }
            }
            Self::Loading { .. } | Self::Seen { .. } | Self::Decided { .. } | Self::Missing { .. } => self,
        }
    }

    /// What stood in its way is gone, or somebody asks for it: it is tried again without a change of the file.
    pub(in crate::plugins) fn again(self, now_ms: u64) -> Self {
        match self {
            Self::Decided { stamp, verdict: Verdict::Refused { .. } | Verdict::Waiting(_) } => {
                Self::Seen { stamp, since_ms: now_ms, last: None }
            }
            Self::Decided { .. } | Self::Seen { .. } | Self::Loading { .. } | Self::Missing { .. } => self,
        }
    }

    /// What served is taken back: the content that it came from stays out.
    pub(in crate::plugins) fn take_back(self, digest: &str, refusal: Refusal) -> Self {
        let out = |verdict: Verdict| match verdict {
            Verdict::Active { digest: active } if active == digest => {
                Verdict::Refused { digest: Some(active), refusal }
            }
            Verdict::Active { .. } | Verdict::Refused { .. } | Verdict::Waiting(_) => verdict,
        };
        match self {
            Self::Decided { stamp, verdict } => Self::Decided { stamp, verdict: out(verdict) },
            Self::Seen { stamp, since_ms, last } => Self::Seen { stamp, since_ms, last: last.map(out) },
            Self::Loading { stamp, attempt, passed, last } => {
                Self::Loading { stamp, attempt, passed, last: last.map(out) }
            }
            Self::Missing { since_ms, last } => Self::Missing { since_ms, last: last.map(out) },
        }
    }

    pub(in crate::plugins) fn is_there(&self) -> bool {
        !matches!(self, Self::Missing { .. })
    }

    /// Whether the next look should come soon.
    pub(in crate::plugins) fn is_restless(&self) -> bool {
        matches!(self, Self::Seen { .. } | Self::Missing { .. })
    }

    /// What it waits for a decision on, where it does.
    pub(in crate::plugins) fn waiting(&self) -> Option<&Waiting> {
        match self.verdict()? {
            Verdict::Waiting(waiting) => Some(waiting),
            Verdict::Active { .. } | Verdict::Refused { .. } => None,
        }
    }

    /// What was decided last, of this content or the one before.
    pub(in crate::plugins) fn verdict(&self) -> Option<&Verdict> {
        match self {
            Self::Decided { verdict, .. } => Some(verdict),
            Self::Seen { last, .. } | Self::Loading { last, .. } | Self::Missing { last, .. } => {
                last.as_ref()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience { settle_ms: 500, gone_ms: 2_000 };

    fn file(bytes: u64) -> Look {
        Look::There(stamp(bytes))
    }

    fn stamp(bytes: u64) -> Stamp {
        Stamp::File { bytes, modified_ns: 1, inode: 1 }
    }

    fn active() -> Verdict {
        Verdict::Active { digest: "a".to_owned() }
    }

    fn refused() -> Verdict {
        let refusal = Refusal::new("a.wasm", Stage::Verify, "a component", "text", "build it");
        Verdict::Refused { digest: Some("b".to_owned()), refusal }
    }

    fn loading(attempt: Attempt, last: Option<Verdict>) -> Life {
        Life::Loading { stamp: stamp(1), attempt, passed: Passed::Settled, last }
    }

    /// Looks at these times, and what was to be done at the last one.
    fn looked(life: Life, looks: &[(u64, Look)]) -> (Life, Act) {
        looks.iter().fold((life, Act::Nothing), |(life, _), (now_ms, look)| {
            life.look(look.clone(), *now_ms, PATIENCE, 7)
        })
    }

    #[test]
    fn a_file_is_loaded_once_it_has_kept_still() {
        let life = Life::first(stamp(1), 0);
        let (life, act) = looked(life, &[(400, file(1)), (450, file(2)), (800, file(2)), (949, file(2))]);
        assert_eq!(act, Act::Nothing, "it grew at 450: {life:?}");
        let (life, act) = looked(life, &[(950, file(2))]);
        assert_eq!(act, Act::Load(7));
        assert_eq!(looked(life, &[(960, file(2))]).1, Act::Nothing, "it is loaded once");
    }

    #[test]
    fn a_file_that_changes_while_it_is_loaded_is_seen_anew_and_the_late_end_is_no_news() {
        let (life, _) = looked(loading(1, Some(active())), &[(1_000, file(2))]);
        let seen = Life::Seen { stamp: stamp(2), since_ms: 1_000, last: Some(active()) };
        assert_eq!(life, seen);
        assert_eq!(life.decide(1, refused()), seen);
        let again = loading(2, None);
        assert!(again.awaits(2) && !again.awaits(1));
        assert_eq!(again.clone().decide(1, refused()), again);
        assert_eq!(again.clone().changed_meanwhile(1, 5), again);
        let changed = again.changed_meanwhile(2, 5);
        assert_eq!(changed, Life::Seen { stamp: stamp(1), since_ms: 5, last: None });
    }

    #[test]
    fn what_was_refused_stays_out_until_it_changes() {
        let life = loading(1, None).decide(1, refused());
        let (life, act) = looked(life, &[(1_000, file(1)), (90_000, file(1))]);
        assert_eq!((&life, act), (&Life::Decided { stamp: stamp(1), verdict: refused() }, Act::Nothing));
        let (life, _) = looked(life, &[(90_001, file(2))]);
        assert_eq!(looked(life, &[(90_501, file(2))]).1, Act::Load(7));
    }

    #[test]
    fn a_file_is_gone_only_after_a_while_and_may_come_back_meanwhile() {
        let served = loading(1, None).decide(1, active());
        let (missing, act) = looked(served, &[(0, Look::Absent), (1_999, Look::Absent)]);
        assert_eq!((missing.is_there(), act), (false, Act::Nothing));
        assert_eq!(looked(missing.clone(), &[(2_000, Look::Absent)]).1, Act::Remove);
        let (back, _) = looked(missing, &[(1_999, file(1))]);
        assert_eq!(back, Life::Seen { stamp: stamp(1), since_ms: 1_999, last: Some(active()) });
    }

    #[test]
    fn stages_are_passed_by_the_attempt_that_runs() {
        let mut life = loading(3, None);
        life.pass(2, Passed::Described);
        assert_eq!(life, loading(3, None));
        life.pass(3, Passed::Compiled);
        assert!(matches!(life, Life::Loading { passed: Passed::Compiled, .. }), "{life:?}");
    }

    #[test]
    fn what_is_taken_back_stays_out_and_can_be_asked_for_again() {
        let served = loading(1, None).decide(1, active());
        let Verdict::Refused { refusal, .. } = refused() else { unreachable!() };
        assert_eq!(served.clone().take_back("other", refusal.clone()), served);
        let out = served.take_back("a", refusal);
        assert_eq!(looked(out.clone(), &[(9_000, file(1))]).1, Act::Nothing);
        assert_eq!(looked(out.again(9_000), &[(9_500, file(1))]).1, Act::Load(7));
    }

    #[test]
    fn what_waits_for_a_grant_stays_out_and_is_tried_again_when_somebody_decides() {
        let waiting = Waiting {
            digest: "b".to_owned(),
            version: "1.1.0".to_owned(),
            asked: Vec::new(),
            more: vec![Grant::Wasi("http".to_owned())],
        };
        let verdict = Verdict::Waiting(waiting.clone());
        assert_eq!((verdict.digest(), verdict.stands_for()), (Some("b"), None), "it is judged anew");
        let life = loading(1, Some(active())).decide(1, verdict);
        let (life, act) = looked(life, &[(1_000, file(1)), (90_000, file(1))]);
        assert_eq!((life.waiting(), act), (Some(&waiting), Act::Nothing));
        let (life, _) = looked(life.again(90_000), &[(90_001, file(1))]);
        assert_eq!(life.waiting(), None);
        assert_eq!(looked(life, &[(90_500, file(1))]).1, Act::Load(7));
    }

    #[test]
    fn a_signature_that_comes_later_makes_it_another_file() {
        let unsigned = loading(1, None).decide(1, refused());
        let signed = Look::There(Stamp::Signed(Box::new((stamp(1), stamp(9)))));
        let (life, act) = looked(unsigned, &[(0, signed.clone()), (500, signed)]);
        assert_eq!(act, Act::Load(7));
        assert_eq!(life.verdict().and_then(Verdict::stands_for), None, "it is not known from before");
    }

    #[test]
    fn a_link_to_nothing_is_a_content_of_its_own() {
        let unreadable = Look::There(Stamp::Unreadable("a link to nothing".to_owned()));
        let served = loading(1, None).decide(1, active());
        let (life, act) = looked(served, &[(0, unreadable.clone()), (500, unreadable)]);
        assert_eq!(act, Act::Load(7));
        assert_eq!(life.verdict(), Some(&active()), "what served is not forgotten");
    }
}
