//! What can be sent at once: waiting steps whose dependencies are done, of one sort of type, in order.

use crate::domain::plan::{Plan, Step, StepState, Verb};

/// The positions of the next writes, `max` at most; empty where nothing can be sent now.
///
/// A type is not begun before the one ordered ahead of it has come to its end, and deletes not before all else.
pub fn batch(plan: &Plan, max: usize) -> Vec<u32> {
    let Some(first) = plan.steps.iter().find(|step| !is_ended(step)) else { return Vec::new() };
    let group = group(first);
    let ready = |step: &&Step| step.write.is_some() && is_ready(&plan.steps, step);
    let mut keys = std::collections::BTreeSet::new();
    // Steps of one resource never share a batch: the answers of a batch have no order.
    plan.steps
        .iter()
        .take_while(|step| is_ended(step) || self::group(step) == group)
        .filter(ready)
        .filter(|step| keys.insert(&step.key))
        .take(max)
        .map(|step| step.seq)
        .collect()
}

/// All batches in the order in which they go if every step is done at once: what a person can expect.
pub fn batches(plan: &Plan, max: usize) -> Vec<Vec<u32>> {
    let mut plan = plan.clone();
    let mut batches = Vec::new();
    loop {
        while let Some(step) = next_local(&plan.steps) {
            finish(&mut plan.steps, &[step]);
        }
        let next = batch(&plan, max);
        if next.is_empty() {
            return batches;
        }
        finish(&mut plan.steps, &next);
        batches.push(next);
    }
}

fn next_local(steps: &[Step]) -> Option<u32> {
    steps.iter().find(|step| step.write.is_none() && is_ready(steps, step)).map(|step| step.seq)
}

fn finish(steps: &mut [Step], seqs: &[u32]) {
    for seq in seqs {
        if let Some(step) = usize::try_from(*seq).ok().and_then(|position| steps.get_mut(position)) {
            step.state = StepState::Done;
        }
    }
}

fn is_ready(steps: &[Step], step: &Step) -> bool {
    // A step's number is its position.
    let at = |seq: &u32| steps.get(usize::try_from(*seq).ok()?);
    let is_done = |seq: &u32| at(seq).is_some_and(|step| step.state == StepState::Done);
    step.state == StepState::Waiting && step.depends_on.iter().all(is_done)
}

fn is_ended(step: &Step) -> bool {
    match step.state {
        StepState::Done | StepState::Failed | StepState::Skipped => true,
        StepState::Waiting | StepState::Running | StepState::Unknown => false,
    }
}

fn group(step: &Step) -> (&str, bool) {
    let is_delete = match step.verb {
        Verb::Delete | Verb::Release => true,
        Verb::Create | Verb::Edit | Verb::Adopt | Verb::Wish => false,
    };
    (&step.key.metadata_type, is_delete)
}
