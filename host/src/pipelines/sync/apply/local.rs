//! Steps that send nothing: adopt, release, wish.

use std::collections::BTreeSet;

use super::Run;
use crate::domain::plan::{Step, StepState};
use crate::domain::resource::{Lookup, ResourceKey};
use crate::domain::status::StatusEvent;
use crate::pipelines::sync::observe::Noticed;
use crate::pipelines::sync::{Sync, SyncError};

impl Sync {
    /// Those whose dependencies are done, in one transaction.
    pub(super) async fn do_local(&self, run: &mut Run) -> Result<(), SyncError> {
        let ready = ready(run);
        if ready.is_empty() {
            return Ok(());
        }
        let now_ms = self.now_ms();
        let keys: Vec<ResourceKey> = ready.iter().map(|step| step.key.clone()).collect();
        let mut tx = self.store.begin().await?;
        let mut rows = self.rows(&mut tx, run, &keys).await?;
        for step in &ready {
            if let Some((_, row)) = rows.get_mut(&step.key) {
                // Nothing was sent: what is remembered of the cluster stays as it is.
                run.confirm(row, step, &Lookup::Absent)?;
                row.activity = row.activity.clone().on(StatusEvent::Confirmed);
                run.lens.judge(row)?;
            }
        }
        let mut noticed = Noticed::at(now_ms);
        let cause = format!("plan {}", run.plan.id);
        for (before, row) in rows.into_values() {
            noticed.change_or_forget(before, row, &cause);
        }
        let seqs: Vec<u32> = ready.iter().map(|step| step.seq).collect();
        for step in run.plan.steps.iter_mut().filter(|step| seqs.contains(&step.seq)) {
            step.state = StepState::Done;
            step.started_at_ms = Some(now_ms);
            step.ended_at_ms = Some(now_ms);
        }
        self.save_round(tx, run, &seqs, noticed).await?;
        // One of them may be what another waits for.
        Box::pin(self.do_local(run)).await
    }
}

fn ready(run: &Run) -> Vec<Step> {
    let is_done = |step: &&Step| step.state == StepState::Done;
    let done: BTreeSet<u32> = run.plan.steps.iter().filter(is_done).map(|step| step.seq).collect();
    let waits = |step: &&Step| step.state == StepState::Waiting && step.write.is_none();
    run.plan
        .steps
        .iter()
        .filter(waits)
        .filter(|step| step.depends_on.iter().all(|seq| done.contains(seq)))
        .cloned()
        .collect()
}
