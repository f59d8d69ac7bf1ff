//! The beginning of a plan: the world is looked at, and either the plan is stale or its wishes become desired.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{Rows, Run};
use crate::domain::error::BackendError;
use crate::domain::fields;
use crate::domain::plan::{Base, Intent, PlanState, Step, StepState, Wish};
use crate::domain::policy::Authority;
use crate::domain::record::RecordOutcome;
use crate::domain::resource::{Lookup, Resource, ResourceKey};
use crate::domain::status::StatusEvent;
use crate::pipelines::sync::observe::{Noticed, Sight};
use crate::pipelines::sync::plan::settle;
use crate::pipelines::sync::{Sync, SyncError, Told, plan as planning};
use crate::store::Tx;

/// By resource, why it cannot be read.
type Unreadable = BTreeMap<ResourceKey, String>;

impl Sync {
    /// Whether it began. Nothing was written where it is stale.
    pub(super) async fn start(&self, run: &mut Run) -> Result<bool, SyncError> {
        let began_ms = self.now_ms();
        let keys = touched(run);
        let lookups = run.session.look(&keys, &run.lens.types).await?;
        let broken: BTreeMap<&ResourceKey, &BackendError> =
            keys.iter().zip(&lookups).filter_map(|(key, lookup)| Some((key, failed(lookup)?))).collect();
        // Where nothing can be read the plan waits; where a part can't, that part alone is not written.
        if let Some(error) = broken.values().next().filter(|_| broken.len() == keys.len()) {
            return Err(SyncError::Call((*error).clone().into()));
        }
        let unreadable: Unreadable =
            broken.into_iter().map(|(key, error)| (key.clone(), error.message.clone())).collect();
        let now: BTreeMap<ResourceKey, Lookup> = keys.iter().cloned().zip(lookups).collect();
        let refusal = refused_by_authority(run).or_else(|| planning::stale(&run.plan, &now));
        if let Some(reason) = refusal {
            self.end_stale(run, reason).await?;
            return Ok(false);
        }
        let mut tx = self.store.begin().await?;
        let mut rows = self.rows(&mut tx, run, &keys).await?;
        for (key, (_, row)) in &mut rows {
            let newer = row.written_at_ms.is_some_and(|written| written >= began_ms);
            if let Some(lookup) = now.get(key).filter(|_| !newer) {
                take_in(run, row, lookup)?;
            }
        }
        if let Some(reason) = decided_otherwise(run, &rows) {
            drop(tx);
            self.end_stale(run, reason).await?;
            return Ok(false);
        }
        wish(run, &mut rows);
        let left_out = leave_out(run, &unreadable, &mut rows, self.now_ms());
        let mut noticed = Noticed::at(self.now_ms());
        let cause = format!("plan {} began", run.plan.id);
        for (before, mut row) in rows.into_values() {
            run.lens.judge(&mut row)?;
            noticed.change(before.as_ref(), row, &cause);
        }
        run.plan.state = PlanState::Applying;
        run.plan.updated_at_ms = self.now_ms();
        if !tx.save_plan(&mut run.plan).await? {
            return Err(SyncError::Changed(format!("plan {}", run.plan.id)));
        }
        self.save_standing(&mut tx, run).await?;
        let data = json!({"steps": run.plan.steps.len()});
        let told = Told::new("plan.applying", run.plan.id.as_str(), data).by(&run.plan.by());
        self.tell(&mut tx, &run.cluster, told).await?;
        self.save_steps(&mut tx, run, &left_out).await?;
        self.write_all(&mut tx, run, noticed).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn save_standing(&self, tx: &mut Tx, run: &Run) -> Result<(), SyncError> {
        for change in &run.plan.standing {
            match (&change.after, &change.before) {
                (Some(wish), _) => tx.save_standing_wish(&run.cluster.id, wish).await?,
                (None, Some(wish)) => {
                    tx.delete_standing_wish(&run.cluster.id, &wish.metadata_type, &wish.id).await?;
                }
                (None, None) => {}
            }
        }
        Ok(())
    }

    async fn end_stale(&self, run: &mut Run, reason: String) -> Result<(), SyncError> {
        run.plan.state = PlanState::Stale;
        run.plan.message = Some(reason.clone());
        run.plan.updated_at_ms = self.now_ms();
        let mut tx = self.store.begin().await?;
        if !tx.save_plan(&mut run.plan).await? {
            return Err(SyncError::Changed(format!("plan {}", run.plan.id)));
        }
        let told = Told::new("plan.stale", run.plan.id.as_str(), json!({"reason": reason}));
        let told = told.by(&run.plan.by()).kept(run.change(RecordOutcome::Stale));
        self.tell(&mut tx, &run.cluster, told).await?;
        tx.commit().await?;
        Ok(())
    }
}

fn touched(run: &Run) -> Vec<ResourceKey> {
    let plan = &run.plan;
    let base = plan.base.iter().map(|base| &base.key);
    let wishes = plan.wishes.iter().map(|wish| &wish.key);
    let steps = plan.steps.iter().map(|step| &step.key);
    let keys: BTreeSet<&ResourceKey> = base.chain(wishes).chain(steps).collect();
    keys.into_iter().cloned().collect()
}

fn failed(lookup: &Lookup) -> Option<&BackendError> {
    match lookup {
        Lookup::Failed(error) => Some(error),
        Lookup::Found(_) | Lookup::Absent => None,
    }
}

/// The authority may have been narrowed since the approval.
fn refused_by_authority(run: &Run) -> Option<String> {
    let writes = |key: &ResourceKey| run.lens.authority_over(key) != Authority::Observe;
    let step = run.plan.steps.iter().find(|step| step.write.is_some() && !writes(&step.key))?;
    Some(format!("the authority over {} `{}` is `observe` now", step.key.metadata_type, step.key.id))
}

/// People may have released a resource, or wished for something else, since the plan was made.
fn decided_otherwise(run: &Run, rows: &Rows) -> Option<String> {
    let row = |key: &ResourceKey| rows.get(key).map(|(_, row)| row);
    let is_lost = |base: &&Base| base.owned && row(&base.key).is_none_or(|row| !row.is_ours());
    if let Some(base) = run.plan.base.iter().find(is_lost) {
        return Some(format!("{} is not ours any more; plan again", base.key));
    }
    let is_other = |wish: &&Wish| row(&wish.key).is_some_and(|row| row.desired != wish.before);
    let wish = run.plan.wishes.iter().find(is_other)?;
    Some(format!("the wish for {} changed since the plan was made; plan again", wish.key))
}

fn take_in(run: &Run, row: &mut Resource, lookup: &Lookup) -> Result<(), SyncError> {
    let sight = match lookup {
        Lookup::Found(observed) => Sight::Seen(observed),
        Lookup::Absent => Sight::Absent,
        Lookup::Failed(_) => return Ok(()),
    };
    if let Some(after) = run.lens.settle(Some(row), &sight)? {
        *row = after;
    }
    Ok(())
}

fn wish(run: &Run, rows: &mut Rows) {
    for wish in &run.plan.wishes {
        if let Some((_, row)) = rows.get_mut(&wish.key) {
            wish_one(row, wish);
        }
    }
    for (_, row) in rows.values_mut() {
        row.activity = row.activity.clone().on(StatusEvent::Wished);
    }
    for blocked in &run.plan.blocked {
        if let Some((_, row)) = rows.get_mut(&blocked.key) {
            let reason = blocked.reason.clone();
            row.activity = row.activity.clone().on(StatusEvent::Hindered { reason });
        }
    }
}

/// Fails the steps of what cannot be read: nobody knows what would be overwritten. Gives the steps that changed.
fn leave_out(run: &mut Run, unreadable: &Unreadable, rows: &mut Rows, now_ms: i64) -> Vec<Step> {
    let mut changed = Vec::new();
    for step in run.plan.steps.iter_mut().filter(|step| step.state == StepState::Waiting) {
        let Some(why) = unreadable.get(&step.key) else { continue };
        let reason = format!("not sent, for it cannot be read: {why}; apply again when it can");
        if let Some((_, row)) = rows.get_mut(&step.key) {
            row.activity = row.activity.clone().on(StatusEvent::Refused { reason: reason.clone() });
        }
        step.state = StepState::Failed;
        step.message = Some(reason);
        step.ended_at_ms = Some(now_ms);
        changed.push(step.seq);
    }
    changed.extend(settle::skip_dependants(&mut run.plan.steps, now_ms));
    run.plan.steps.iter().filter(|step| changed.contains(&step.seq)).cloned().collect()
}

fn wish_one(row: &mut Resource, wish: &Wish) {
    match &wish.intent {
        Intent::Have(desired) => {
            row.desired = Some(desired.clone());
            if let Some(applied) = &mut row.applied {
                wish.lets_go.iter().for_each(|path| {
                    fields::remove(applied, path);
                });
            }
        }
        // Ends with the step that does it.
        Intent::Gone | Intent::Release => {}
    }
}
