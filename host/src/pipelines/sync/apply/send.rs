//! One batch of writes: stored as running, sent, and its outcomes stored.

use serde_json::json;

use super::Run;
use crate::domain::contract::Granularity;
use crate::domain::error::{BackendError, ErrorKind};
use crate::domain::plan::{Step, StepState, Verb};
use crate::domain::resource::{Outcome, ResourceKey, Write};
use crate::domain::status::StatusEvent;
use crate::domain::stream::SYNC;
use crate::pipelines::sync::observe::Noticed;
use crate::pipelines::sync::plan::settle;
use crate::pipelines::sync::{Sync, SyncError, Told, WHOLE_BATCH_MAX};
use crate::plugins::driver::CallError;
use crate::store::Tx;

/// Writes in one call: bounds what a lost answer leaves unknown, and the guest's memory.
const WRITES_MAX: usize = 500;

/// Writes that go next, at most. Deletes of whole objects go one by one in the backend, and are bounded as others are.
pub(super) fn writes_max(run: &Run) -> usize {
    let next = run.plan.steps.iter().find(|step| step.state == StepState::Waiting);
    let is_whole = next.filter(|step| step.verb != Verb::Delete).is_some_and(|step| {
        run.lens.shape(&step.key.metadata_type).is_ok_and(|shape| shape.granularity == Granularity::Whole)
    });
    if is_whole { WHOLE_BATCH_MAX } else { WRITES_MAX }
}

impl Sync {
    pub(super) async fn send(&self, run: &mut Run, seqs: &[u32]) -> Result<(), SyncError> {
        let writes = self.store_running(run, seqs).await?;
        let asked = writes.len();
        tracing::debug!(target: SYNC, cluster = %run.cluster.name, plan = %run.plan.id, writes = asked, "writes are sent");
        let answer = run.session.driver.write(writes, false).await;
        let (outcomes, interrupted) = match answer {
            Ok(outcomes) if outcomes.len() == asked => (outcomes, None),
            Ok(outcomes) => (vec![lost(&short_answer(asked, outcomes.len())); asked], None),
            Err(error @ CallError::Plugin { .. }) => (vec![lost(&error.to_string()); asked], None),
            Err(error) => match refusal(&error) {
                Some(refused) => (vec![Outcome::Failed { error: refused }; asked], None),
                None => (Vec::new(), Some(error)),
            },
        };
        if let Some(error) = interrupted {
            self.store_unsent(run, seqs).await?;
            return Err(SyncError::Call(error));
        }
        self.store_outcomes(run, seqs, outcomes).await
    }

    async fn store_running(&self, run: &mut Run, seqs: &[u32]) -> Result<Vec<Write>, SyncError> {
        let now_ms = self.now_ms();
        let mut writes = Vec::with_capacity(seqs.len());
        for step in chosen(run, seqs) {
            step.state = StepState::Running;
            step.attempt += 1;
            step.started_at_ms = Some(now_ms);
            step.ended_at_ms = None;
            step.message = None;
            writes.extend(step.write.clone());
        }
        self.save_activity(run, seqs, |_| Some(StatusEvent::Sent)).await?;
        Ok(writes)
    }

    /// Nothing left the host: as if the batch had never been begun.
    async fn store_unsent(&self, run: &mut Run, seqs: &[u32]) -> Result<(), SyncError> {
        for step in chosen(run, seqs) {
            step.state = StepState::Waiting;
            step.attempt = step.attempt.saturating_sub(1);
            step.started_at_ms = None;
        }
        self.save_activity(run, seqs, |_| Some(StatusEvent::TakenBack)).await
    }

    async fn store_outcomes(
        &self,
        run: &mut Run,
        seqs: &[u32],
        outcomes: Vec<Outcome>,
    ) -> Result<(), SyncError> {
        let now_ms = self.now_ms();
        for (step, outcome) in chosen(run, seqs).zip(outcomes) {
            conclude(step, outcome, now_ms);
        }
        let mut seqs = seqs.to_vec();
        seqs.extend(settle::skip_dependants(&mut run.plan.steps, now_ms));
        self.save_activity(run, &seqs, event_of).await
    }

    /// The steps and the activity of their resources. Marks the resources as written now: older looks are discarded.
    pub(in super::super) async fn save_activity(
        &self,
        run: &Run,
        seqs: &[u32],
        event: impl Fn(&Step) -> Option<StatusEvent>,
    ) -> Result<(), SyncError> {
        let now_ms = self.now_ms();
        let steps = run.plan.steps.iter().filter(|step| seqs.contains(&step.seq));
        let told: Vec<(&ResourceKey, StatusEvent)> =
            steps.filter_map(|step| Some((&step.key, event(step)?))).collect();
        let keys: Vec<ResourceKey> = told.iter().map(|(key, _)| (*key).clone()).collect();
        let mut tx = self.store.begin().await?;
        let mut rows = self.rows(&mut tx, run, &keys).await?;
        for (key, event) in told {
            if let Some((_, row)) = rows.get_mut(key) {
                row.activity = row.activity.clone().on(event);
                row.written_at_ms = Some(now_ms);
                run.lens.judge(row)?;
            }
        }
        let mut noticed = Noticed::at(now_ms);
        let cause = format!("plan {}", run.plan.id);
        for (before, row) in rows.into_values() {
            noticed.change(before.as_ref(), row, &cause);
        }
        self.tell_progress(&mut tx, run).await?;
        self.save_round(tx, run, seqs, noticed).await
    }

    pub(in super::super) async fn tell_progress(&self, tx: &mut Tx, run: &Run) -> Result<(), SyncError> {
        let done = run.plan.steps.iter().filter(|step| step.state == StepState::Done).count();
        let data = json!({"done": done, "steps": run.plan.steps.len()});
        self.tell(tx, &run.cluster, Told::new("plan.progress", run.plan.id.as_str(), data)).await?;
        Ok(())
    }
}

fn chosen<'a>(run: &'a mut Run, seqs: &'a [u32]) -> impl Iterator<Item = &'a mut Step> {
    run.plan.steps.iter_mut().filter(|step| seqs.contains(&step.seq))
}

fn lost(why: &str) -> Outcome {
    Outcome::Unknown { error: BackendError::new(ErrorKind::Internal, why) }
}

fn short_answer(asked: usize, answered: usize) -> String {
    format!("the plugin answered {asked} writes with {answered} outcomes")
}

/// What asking again would not change. `None`: nothing was sent, and later may be better.
fn refusal(error: &CallError) -> Option<BackendError> {
    let CallError::Backend(error) = error else { return None };
    match error.kind {
        ErrorKind::InvalidArgument
        | ErrorKind::PermissionDenied
        | ErrorKind::NotFound
        | ErrorKind::AlreadyExists
        | ErrorKind::Conflict
        | ErrorKind::Unsupported => Some(error.clone()),
        ErrorKind::Unauthenticated
        | ErrorKind::Unavailable
        | ErrorKind::Timeout
        | ErrorKind::Exhausted
        | ErrorKind::Protocol
        | ErrorKind::Cancelled
        | ErrorKind::Internal
        | ErrorKind::Other => None,
    }
}

fn conclude(step: &mut Step, outcome: Outcome, now_ms: i64) {
    let settled = settle::settle(step, &outcome);
    step.state = settled.state;
    step.message = settled.message;
    step.outcome = Some(outcome);
    if step.state == StepState::Failed {
        step.ended_at_ms = Some(now_ms);
    }
}

pub(in super::super) fn event_of(step: &Step) -> Option<StatusEvent> {
    let reason = step.message.clone().unwrap_or_default();
    match step.state {
        StepState::Unknown => Some(StatusEvent::Lost { reason }),
        StepState::Failed | StepState::Skipped => Some(StatusEvent::Refused { reason }),
        StepState::Running | StepState::Waiting | StepState::Done => None,
    }
}
