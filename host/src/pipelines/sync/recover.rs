//! After a stop at any moment: what was running is unknown, and is read back before anything else is sent.

use super::apply::{Run, event_of};
use super::plan::settle;
use super::{Sync, SyncError};
use crate::domain::plan::{Step, StepState};

impl Sync {
    pub(super) async fn recover(&self, run: &mut Run) -> Result<(), SyncError> {
        let mut seqs = Vec::new();
        // What the backend carries out over time says itself what became of it.
        let is_lost = |step: &&mut Step| step.state == StepState::Running && step.started().is_none();
        for step in run.plan.steps.iter_mut().filter(is_lost) {
            step.state = StepState::Unknown;
            step.message = Some("the host stopped before it was read back".to_owned());
            seqs.push(step.seq);
        }
        // A stop between the failure of a step and the next save leaves its dependants waiting.
        seqs.extend(settle::skip_dependants(&mut run.plan.steps, self.now_ms()));
        if seqs.is_empty() {
            return Ok(());
        }
        self.save_activity(run, &seqs, event_of).await
    }
}
