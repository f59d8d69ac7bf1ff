//! What becomes of a step: decided from its outcome, from reading back, and after a crash. Pure; the executor only obeys.

use std::collections::BTreeSet;

use super::evidence::{self, Match};
use crate::domain::contract::MetadataType;
use crate::domain::error::{BackendError, ErrorKind};
use crate::domain::plan::{Base, Step, StepState};
use crate::domain::resource::{Lookup, Outcome, Sort};

/// A write is sent so often before its step fails.
pub const ATTEMPTS_MAX: u32 = 3;

/// What a step becomes, and what is to be said about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    pub state: StepState,
    pub message: Option<String>,
}

/// The times that reading back depends on, all in Unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    pub now_ms: i64,
    /// Until then an answered write may take to show: past it the step is unknown.
    pub deadline_ms: i64,
    /// From then on a write whose answer was lost can't land any more: the backend's own time-out has passed.
    pub landed_ms: i64,
}

/// What reading back says of a step in flight.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The cluster holds what was written.
    Done,
    /// Not yet clear, and time is left: look again.
    Later,
    /// As before: nothing landed, send it again.
    Again,
    /// Neither as wished nor as before, or refused too often: the step fails with these words.
    Changed(String),
    /// Time is up, or nobody can tell: the step is unknown, and is looked at again.
    StillUnknown(String),
}

/// The state of a running step after the backend's answer. An answered write goes on running until it was read back.
pub fn settle(step: &Step, outcome: &Outcome) -> Settled {
    match outcome {
        Outcome::Done(_) | Outcome::Accepted { .. } | Outcome::Started { .. } => {
            Settled { state: StepState::Running, message: None }
        }
        // A lost attempt before this one may have done what this one is refused for.
        Outcome::Failed { error } if step.attempt > 1 && is_echo(step, error) => {
            Settled { state: StepState::Unknown, message: Some(error.message.clone()) }
        }
        Outcome::Failed { error } => {
            Settled { state: StepState::Failed, message: Some(refusal(step, error)) }
        }
        Outcome::Unknown { error } => {
            Settled { state: StepState::Unknown, message: Some(error.message.clone()) }
        }
    }
}

/// What the look after a write says. `base` is that of the step's resource; `shape` its type.
pub fn read_back(
    step: &Step,
    base: Option<&Base>,
    shape: &MetadataType,
    lookup: &Lookup,
    moment: Moment,
) -> Verdict {
    match step.state {
        // It goes on, and is not over because it looks done.
        StepState::Running if step.started().is_some() => Verdict::Later,
        StepState::Running => match evidence::of(step, base, shape, lookup) {
            Match::AsWished => Verdict::Done,
            Match::AsBefore | Match::Neither(_) | Match::CannotTell(_)
                if moment.now_ms < moment.deadline_ms =>
            {
                Verdict::Later
            }
            Match::AsBefore => Verdict::StillUnknown("it was answered, and does not show".to_owned()),
            Match::Neither(what) | Match::CannotTell(what) => Verdict::StillUnknown(what),
        },
        // Deliberately not looked at before: a late write could land after the look.
        StepState::Unknown if moment.now_ms < moment.landed_ms => Verdict::Later,
        StepState::Unknown => match evidence::of(step, base, shape, lookup) {
            Match::AsWished => Verdict::Done,
            Match::AsBefore if step.attempt < ATTEMPTS_MAX => Verdict::Again,
            Match::AsBefore => Verdict::Changed(format!(
                "sent {} times, and the cluster still is as before; plan it again when the cluster is well",
                step.attempt
            )),
            Match::Neither(what) => Verdict::Changed(format!("changed meanwhile: {what}; plan again")),
            Match::CannotTell(why) => Verdict::StillUnknown(why),
        },
        StepState::Waiting | StepState::Done | StepState::Failed | StepState::Skipped => Verdict::Later,
    }
}

/// The state of a step that another life of the host left behind: nobody knows what became of one that ran.
pub fn recover(step: &Step) -> StepState {
    if step.started().is_some() {
        // Its handle says what became of it.
        return StepState::Running;
    }
    match step.state {
        StepState::Running | StepState::Unknown => StepState::Unknown,
        StepState::Waiting => StepState::Waiting,
        StepState::Done => StepState::Done,
        StepState::Failed => StepState::Failed,
        StepState::Skipped => StepState::Skipped,
    }
}

/// Skips what waits for a step that will never be done, dependants of dependants too; gives their positions.
pub fn skip_dependants(steps: &mut [Step], now_ms: i64) -> Vec<u32> {
    let mut lost = BTreeSet::new();
    let mut skipped = Vec::new();
    // Steps stand in the order of execution: what one depends on comes before it.
    for step in steps {
        let cause = step.depends_on.iter().find(|seq| lost.contains(*seq)).copied();
        match (step.state, cause) {
            (StepState::Failed | StepState::Skipped, _) => {
                lost.insert(step.seq);
            }
            (StepState::Waiting, Some(cause)) => {
                step.state = StepState::Skipped;
                step.message = Some(format!("skipped: step {cause} before it was not done"));
                step.ended_at_ms = Some(now_ms);
                lost.insert(step.seq);
                skipped.push(step.seq);
            }
            (StepState::Unknown, _) if step.ended_at_ms.is_some() => {
                lost.insert(step.seq);
            }
            (StepState::Waiting | StepState::Running | StepState::Done | StepState::Unknown, _) => {}
        }
    }
    skipped
}

/// The refusal that an earlier, lost attempt of the same write would cause.
fn is_echo(step: &Step, error: &BackendError) -> bool {
    match step.write.as_ref().map(|write| write.action.sort()) {
        Some(Sort::Create) => error.kind == ErrorKind::AlreadyExists,
        Some(Sort::Delete) => error.kind == ErrorKind::NotFound,
        Some(Sort::Edit | Sort::Run) => error.kind == ErrorKind::Conflict,
        None => false,
    }
}

fn refusal(step: &Step, error: &BackendError) -> String {
    let is_create = step.write.as_ref().is_some_and(|write| write.action.sort() == Sort::Create);
    if is_create && error.kind == ErrorKind::AlreadyExists {
        return format!("{}; it is not known to be ours: adopt it, or choose another name", error.message);
    }
    error.message.clone()
}
