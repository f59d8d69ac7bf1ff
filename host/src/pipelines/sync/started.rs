//! Writes that the backend carries out over time: asked about until they end, cancelled where the plan is.

use super::apply::{Run, event_of};
use super::{Sync, SyncError};
use crate::domain::operation::Progress;
use crate::domain::plan::{Step, StepState};
use crate::domain::resource::{Outcome, Written};
use crate::domain::stream::SYNC;
use crate::plugins::driver::CallError;

impl Sync {
    /// Asks about each once. One that has ended is read back like any other write, from now on.
    pub(super) async fn follow_started(&self, run: &mut Run) -> Result<(), SyncError> {
        let started: Vec<(u32, String)> = run.plan.steps.iter().filter_map(handle_of).collect();
        if started.is_empty() {
            return Ok(());
        }
        let is_cancelled = self.store.cancelled_by(&run.plan.id).await?.is_some();
        let mut changed = Vec::new();
        for (seq, handle) in started {
            if is_cancelled && let Err(error) = run.session.driver.cancel(&handle).await {
                tracing::warn!(target: SYNC, plan = %run.plan.id, seq, %error, "a step that goes on could not be cancelled");
            }
            let told = run.session.driver.poll(&handle).await;
            let now_ms = self.now_ms();
            let Some(step) = run.plan.steps.iter_mut().find(|step| step.seq == seq) else { continue };
            let before = step.clone();
            take_in(step, told, is_cancelled, now_ms);
            if *step != before {
                changed.push(seq);
            }
        }
        if changed.is_empty() {
            return Ok(());
        }
        self.save_activity(run, &changed, event_of).await
    }
}

fn handle_of(step: &Step) -> Option<(u32, String)> {
    step.started().map(|handle| (step.seq, handle.to_owned()))
}

fn take_in(step: &mut Step, told: Result<Progress, CallError>, is_cancelled: bool, now_ms: i64) {
    match told {
        Ok(Progress::Running { handle, share }) => {
            step.message = share.map(|share| format!("{:.0} % done", share.clamp(0.0, 1.0) * 100.0));
            step.outcome = Some(Outcome::Started { handle });
        }
        Ok(Progress::Done(finished)) => {
            step.message = Some(finished.summary);
            step.outcome = Some(Outcome::Done(Written::default()));
            if is_cancelled {
                // It may have been done before it was cancelled: the look says.
                step.state = StepState::Unknown;
            } else {
                // The clock of reading back begins.
                step.started_at_ms = Some(now_ms);
            }
        }
        Ok(Progress::Unknown(error)) => {
            step.state = StepState::Unknown;
            step.message = Some(error.message.clone());
            step.outcome = Some(Outcome::Unknown { error });
        }
        // It goes on, whether it answers or not.
        Err(error) => step.message = Some(format!("not heard of: {error}")),
    }
}
