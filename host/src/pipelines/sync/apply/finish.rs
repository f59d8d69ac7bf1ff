//! The end of a plan, and what cancelling leaves undone.

use serde_json::{Value, json};

use super::Run;
use crate::domain::plan::{PlanState, StepState};
use crate::domain::record::{Change, RecordOutcome};
use crate::domain::status::StatusEvent;
use crate::pipelines::sync::{Sync, SyncError, Told};

impl Run {
    fn count(&self, state: StepState) -> usize {
        self.plan.steps.iter().filter(|step| step.state == state).count()
    }

    /// How the plan ended, for the records: its steps have their own.
    pub(super) fn change(&self, outcome: RecordOutcome) -> Change {
        let mut counts = serde_json::Map::new();
        for step in &self.plan.steps {
            if let Ok(Value::String(word)) = serde_json::to_value(step.state) {
                let count = counts.get(&word).and_then(Value::as_u64).unwrap_or(0);
                counts.insert(word, Value::from(count + 1));
            }
        }
        let id = self.plan.id.as_str();
        let change = Change::new("plan.apply", id).part_of(id).after(json!({"steps": counts}));
        change.ended(outcome).saying(self.plan.message.clone())
    }
}

impl Sync {
    /// Takes what nobody began out of a plan that is being cancelled, or that took too long.
    pub(super) async fn skip_what_ends_early(&self, run: &mut Run) -> Result<(), SyncError> {
        let Some(reason) = self.ends_early(run).await? else { return Ok(()) };
        let now_ms = self.now_ms();
        let mut seqs = Vec::new();
        for step in run.plan.steps.iter_mut().filter(|step| step.state == StepState::Waiting) {
            step.state = StepState::Skipped;
            step.message = Some(reason.clone());
            step.ended_at_ms = Some(now_ms);
            seqs.push(step.seq);
        }
        if seqs.is_empty() {
            return Ok(());
        }
        self.save_activity(run, &seqs, |_| Some(StatusEvent::TakenBack)).await
    }

    async fn ends_early(&self, run: &Run) -> Result<Option<String>, SyncError> {
        if let Some(actor) = self.store.cancelled_by(&run.plan.id).await? {
            return Ok(Some(format!("cancelled by {actor}")));
        }
        let began_ms = run.plan.steps.iter().filter_map(|step| step.started_at_ms).min();
        let limit = self.timing.plan_deadline;
        let limit_ms = i64::try_from(limit.as_millis()).unwrap_or(i64::MAX);
        let is_over = began_ms.is_some_and(|began| self.now_ms().saturating_sub(began) >= limit_ms);
        let hours = limit.as_secs() / 3_600;
        Ok(is_over
            .then(|| format!("the plan was not done within {hours} hours; apply again what is still wanted")))
    }

    pub(super) async fn finish(&self, run: &mut Run) -> Result<(), SyncError> {
        let (done, all) = (run.count(StepState::Done), run.plan.steps.len());
        let cancelled = self.store.cancelled_by(&run.plan.id).await?;
        let (state, kind, outcome) = match (&cancelled, done == all) {
            (_, true) => (PlanState::Applied, "plan.applied", RecordOutcome::Done),
            (Some(_), false) => (PlanState::Cancelled, "plan.cancelled", RecordOutcome::Cancelled),
            (None, false) if done > 0 => (PlanState::Failed, "plan.failed", RecordOutcome::Partial),
            (None, false) => (PlanState::Failed, "plan.failed", RecordOutcome::Failed),
        };
        run.plan.state = state;
        run.plan.updated_at_ms = self.now_ms();
        if done < all {
            let first = run.plan.steps.iter().find(|step| step.state == StepState::Failed);
            let why =
                first.and_then(|step| step.message.clone()).map_or(String::new(), |why| format!(": {why}"));
            run.plan.message = Some(format!("{done} of {all} steps done{why}"));
        }
        let mut tx = self.store.begin().await?;
        if !tx.save_plan(&mut run.plan).await? {
            return Err(SyncError::Changed(format!("plan {}", run.plan.id)));
        }
        let data = json!({
            "done": done, "steps": all,
            "failed": run.count(StepState::Failed), "skipped": run.count(StepState::Skipped),
            "message": run.plan.message,
        });
        let told = Told::new(kind, run.plan.id.as_str(), data).by(&run.plan.by()).kept(run.change(outcome));
        self.tell(&mut tx, &run.cluster, told).await?;
        tx.commit().await?;
        Ok(())
    }
}
