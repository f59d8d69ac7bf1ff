//! Reading back: what was sent is looked for, seldom, until it is seen, refuted or too late.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use super::apply::Run;
use super::observe::{Noticed, Sight};
use super::plan::settle::{self, Moment, Verdict};
use super::{Sync, SyncError, plan as planning};
use crate::domain::plan::{Base, Step, StepState};
use crate::domain::resource::{Lookup, Resource, ResourceKey};
use crate::domain::status::StatusEvent;

/// A step that nobody can read back for so long ends unknown: the plan is not kept open for ever.
const STEP_DEADLINE_MS: i64 = 600_000;

impl Sync {
    /// Until something can be sent or nothing is in flight. An error means that the cluster does not answer: the
    /// steps keep their state and are read back in a later go. `false`: what is left goes on in the backend for long,
    /// and is asked about in a later go, so that the cluster is looked at meanwhile.
    pub(super) async fn read_back(&self, run: &mut Run) -> Result<bool, SyncError> {
        let mut wait = self.timing.poll_min;
        while !self.is_held(&run.cluster.id).await? {
            tokio::time::sleep(wait).await;
            self.follow_started(run).await?;
            self.look_back(run).await?;
            let waits = run.plan.steps.iter().any(is_in_flight);
            if !waits || self.can_go_on(run).await? {
                return Ok(true);
            }
            if run.plan.steps.iter().all(|step| !is_in_flight(step) || step.started().is_some()) {
                return Ok(false);
            }
            wait = wait.saturating_mul(2).min(self.timing.poll_max);
        }
        Ok(true)
    }

    async fn can_go_on(&self, run: &Run) -> Result<bool, SyncError> {
        if !planning::batch(&run.plan, 1).is_empty() {
            return Ok(true);
        }
        let waits = run.plan.steps.iter().any(|step| step.state == StepState::Waiting);
        Ok(waits && self.store.cancelled_by(&run.plan.id).await?.is_some())
    }

    async fn look_back(&self, run: &mut Run) -> Result<(), SyncError> {
        let steps: Vec<Step> = run.plan.steps.iter().filter(|step| is_in_flight(step)).cloned().collect();
        let keys: BTreeSet<ResourceKey> = steps.iter().map(|step| step.key.clone()).collect();
        let keys: Vec<ResourceKey> = keys.into_iter().collect();
        let lookups = run.session.look(&keys, &run.lens.types).await?;
        let now_ms = self.now_ms();
        let bases: HashMap<&ResourceKey, &Base> =
            run.plan.base.iter().map(|base| (&base.key, base)).collect();
        let mut verdicts = Vec::new();
        for step in steps {
            let found = keys.binary_search(&step.key).ok().and_then(|at| lookups.get(at));
            let Some(lookup) = found else { continue };
            let verdict = self.verdict(run, &step, bases.get(&step.key).copied(), lookup, now_ms)?;
            if is_news(&step, &verdict, now_ms) {
                verdicts.push((step, lookup.clone(), verdict));
            }
        }
        if verdicts.is_empty() {
            return Ok(());
        }
        self.store_verdicts(run, verdicts).await
    }

    /// As wished is as wished, whenever it is seen; that nothing landed counts only once nothing can land any more.
    fn verdict(
        &self,
        run: &Run,
        step: &Step,
        base: Option<&Base>,
        lookup: &Lookup,
        now_ms: i64,
    ) -> Result<Verdict, SyncError> {
        let after = |limit: Duration| {
            let limit_ms = i64::try_from(limit.as_millis()).unwrap_or(i64::MAX);
            step.started_at_ms.unwrap_or(0).saturating_add(limit_ms)
        };
        let shape = run.lens.shape(&step.key.metadata_type)?;
        let landed_ms = after(self.timing.backend_timeout);
        let moment = Moment { now_ms, deadline_ms: after(self.timing.read_back), landed_ms: now_ms };
        let verdict = settle::read_back(step, base, shape, lookup, moment);
        let is_early = step.state == StepState::Unknown && now_ms < landed_ms;
        Ok(if is_early && verdict != Verdict::Done { Verdict::Later } else { verdict })
    }

    async fn store_verdicts(
        &self,
        run: &mut Run,
        verdicts: Vec<(Step, Lookup, Verdict)>,
    ) -> Result<(), SyncError> {
        let now_ms = self.now_ms();
        for (judged, _, verdict) in &verdicts {
            // A step's number is its position.
            if let Some(step) = usize::try_from(judged.seq).ok().and_then(|at| run.plan.steps.get_mut(at)) {
                record(step, verdict, now_ms);
            }
        }
        let skipped = settle::skip_dependants(&mut run.plan.steps, now_ms);
        let mut seqs: Vec<u32> = verdicts.iter().map(|(step, ..)| step.seq).collect();
        seqs.extend(&skipped);
        let keys: Vec<ResourceKey> = run
            .plan
            .steps
            .iter()
            .filter(|step| seqs.contains(&step.seq))
            .map(|step| step.key.clone())
            .collect();
        let mut tx = self.store.begin().await?;
        let mut rows = self.rows(&mut tx, run, &keys).await?;
        for (step, lookup, verdict) in &verdicts {
            if let Some((_, row)) = rows.get_mut(&step.key) {
                settle_verdict(run, row, step, lookup, verdict)?;
                row.written_at_ms = Some(now_ms);
            }
        }
        for step in run.plan.steps.iter().filter(|step| skipped.contains(&step.seq)) {
            if let Some((_, row)) = rows.get_mut(&step.key) {
                let reason = step.message.clone().unwrap_or_default();
                row.activity = row.activity.clone().on(StatusEvent::Refused { reason });
                run.lens.judge(row)?;
            }
        }
        let mut noticed = Noticed::at(now_ms);
        let cause = format!("plan {}", run.plan.id);
        for (before, row) in rows.into_values() {
            noticed.change_or_forget(before, row, &cause);
        }
        self.tell_progress(&mut tx, run).await?;
        self.save_round(tx, run, &seqs, noticed).await
    }
}

/// Sent, not known to have arrived, and still asked for.
pub(super) fn is_in_flight(step: &Step) -> bool {
    match step.state {
        StepState::Running => true,
        StepState::Unknown => step.ended_at_ms.is_none(),
        StepState::Waiting | StepState::Done | StepState::Failed | StepState::Skipped => false,
    }
}

/// Whether the verdict changes anything: a step that stays unknown is not written at every look.
fn is_news(step: &Step, verdict: &Verdict, now_ms: i64) -> bool {
    let mut after = step.clone();
    record(&mut after, verdict, now_ms);
    after != *step
}

fn record(step: &mut Step, verdict: &Verdict, now_ms: i64) {
    let (state, message) = match verdict {
        Verdict::Later => return,
        Verdict::Done => (StepState::Done, None),
        Verdict::StillUnknown(why) => (StepState::Unknown, Some(why.clone())),
        Verdict::Again => (StepState::Waiting, Some(format!("attempt {} did not arrive", step.attempt))),
        Verdict::Changed(what) => (StepState::Failed, Some(what.clone())),
    };
    step.state = state;
    step.message = message;
    let is_given_up = now_ms.saturating_sub(step.started_at_ms.unwrap_or(now_ms)) >= STEP_DEADLINE_MS;
    let has_ended = match state {
        StepState::Done | StepState::Failed => true,
        StepState::Unknown => is_given_up,
        StepState::Waiting | StepState::Running | StepState::Skipped => false,
    };
    step.ended_at_ms = has_ended.then_some(now_ms);
}

fn settle_verdict(
    run: &Run,
    row: &mut Resource,
    step: &Step,
    lookup: &Lookup,
    verdict: &Verdict,
) -> Result<(), SyncError> {
    let event = match verdict {
        Verdict::Done => {
            run.confirm(row, step, lookup)?;
            StatusEvent::Confirmed
        }
        Verdict::Again => StatusEvent::TakenBack,
        Verdict::StillUnknown(why) => StatusEvent::Lost { reason: why.clone() },
        Verdict::Changed(what) => StatusEvent::Refused { reason: what.clone() },
        Verdict::Later => return Ok(()),
    };
    let sight = match lookup {
        Lookup::Found(observed) => Some(Sight::Seen(observed)),
        Lookup::Absent => Some(Sight::Absent),
        Lookup::Failed(_) => None,
    };
    if let Some(sight) = sight
        && let Some(after) = run.lens.settle(Some(row), &sight)?
    {
        *row = after;
    }
    // After the look: what it changed forgives an earlier refusal, not this one.
    row.activity = row.activity.clone().on(event);
    run.lens.judge(row)
}

impl Run {
    /// What a confirmed step makes of ownership and applied values.
    pub(super) fn confirm(&self, row: &mut Resource, step: &Step, lookup: &Lookup) -> Result<(), SyncError> {
        let wish = self.plan.wishes.iter().find(|wish| wish.key == step.key);
        let found = match lookup {
            Lookup::Found(observed) => Some(&**observed),
            Lookup::Absent | Lookup::Failed(_) => None,
        };
        planning::confirm(row, step, wish, self.lens.shape(&step.key.metadata_type)?, found);
        Ok(())
    }
}
