//! A model for the properties: a backend of topics, its plugin, and an executor that obeys the pure functions.
//!
//! A line of the executor is a transaction or a call: the model can die between any two.

mod plugin;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::settle::{self, Moment, Verdict};
use super::{Raised, Request, Snapshot, assemble, batch, confirm, prepare, refusals, stale};
use crate::domain::compare;
use crate::domain::error::{BackendError, ErrorKind};
use crate::domain::fields;
use crate::domain::id::{ClusterId, PlanId};
use crate::domain::place::Place;
use crate::domain::plan::{Intent, Plan, PlanState, Reason, Step, StepState};
use crate::domain::resource::{
    Action, Lookup, Observed, Outcome, Presence, Resource, ResourceKey, Write, Written,
};
use crate::domain::status::{StatusEvent, word};

pub(super) use plugin::{shape, steps};

const READ_BACK_MS: i64 = 60_000;
const BACKEND_TIMEOUT_MS: i64 = 30_000;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Topic {
    pub(super) incarnation: u64,
    pub(super) spec: Value,
}

/// What becomes of the next write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Luck {
    Well,
    Refused,
    /// Done, and the answer lost.
    DoneLost,
    /// Not done, and the answer lost.
    Lost,
    /// The answer lost, and done some time later.
    Late,
}

/// A line of the executor that the host dies before, or does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Death {
    None,
    BeforeSending,
    BeforeStoring,
}

#[derive(Clone, Debug, Default)]
pub(super) struct World {
    pub(super) topics: BTreeMap<String, Topic>,
    pub(super) rows: BTreeMap<ResourceKey, Resource>,
    pub(super) plans: Vec<Plan>,
    pub(super) now_ms: i64,
    late: Vec<(i64, Write)>,
    incarnations: u64,
    /// Incarnations that we made or adopted, by what the backend really did.
    ours: BTreeSet<u64>,
    /// Writes that changed what was not ours.
    pub(super) trespasses: Vec<Write>,
    pub(super) sent: usize,
    pub(super) rows_written: usize,
}

pub(super) fn key(id: &str) -> ResourceKey {
    ResourceKey { metadata_type: "topic".to_owned(), id: id.to_owned(), place: Place::Cluster }
}

/// The backend: somebody else's hands, and ours.
impl World {
    pub(super) fn make(&mut self, id: &str, spec: Value) -> u64 {
        self.incarnations += 1;
        let topic = Topic { incarnation: self.incarnations, spec };
        self.topics.insert(id.to_owned(), topic);
        self.incarnations
    }

    fn carry_out(&mut self, write: &Write) -> Result<(), BackendError> {
        let refuse = |kind| Err(BackendError::new(kind, "the backend refuses"));
        let id = write.key.id.clone();
        if let Action::Create(spec) = &write.action {
            if self.topics.contains_key(&id) {
                return refuse(ErrorKind::AlreadyExists);
            }
            let mut spec = spec.clone();
            if spec.get("partitions").is_none() {
                spec["partitions"] = json!(1);
            }
            let made = self.make(&id, spec);
            self.ours.insert(made);
            return Ok(());
        }
        let Some(topic) = self.topics.get_mut(&id) else { return refuse(ErrorKind::NotFound) };
        if write.incarnation.as_ref().is_some_and(|meant| *meant != topic.incarnation.to_string()) {
            return refuse(ErrorKind::NotFound);
        }
        if !self.ours.contains(&topic.incarnation) {
            self.trespasses.push(write.clone());
        }
        match &write.action {
            Action::Edit(edits) => {
                for edit in edits {
                    match &edit.value {
                        Some(value) => fields::set(&mut topic.spec, &edit.path, value.clone()),
                        None => drop(fields::remove(&mut topic.spec, &edit.path)),
                    }
                }
            }
            Action::Delete => drop(self.topics.remove(&id)),
            Action::Create(_) | Action::Replace(_) | Action::Run { .. } => unreachable!(),
        }
        Ok(())
    }

    pub(super) fn advance(&mut self, by_ms: i64) {
        self.now_ms += by_ms;
        let now_ms = self.now_ms;
        let (due, later) = std::mem::take(&mut self.late).into_iter().partition(|(at, _)| *at <= now_ms);
        self.late = later;
        for (_, write) in due {
            let _refused_late = self.carry_out(&write);
        }
    }

    fn answer(&mut self, write: &Write, luck: Luck) -> Outcome {
        self.sent += 1;
        let lost = || BackendError::new(ErrorKind::Timeout, "the answer was lost");
        match luck {
            Luck::Well => match self.carry_out(write) {
                Ok(()) => Outcome::Done(Written::default()),
                Err(error) => Outcome::Failed { error },
            },
            Luck::Refused => {
                Outcome::Failed { error: BackendError::new(ErrorKind::PermissionDenied, "not allowed") }
            }
            Luck::DoneLost => {
                let _nobody_hears = self.carry_out(write);
                Outcome::Unknown { error: lost() }
            }
            Luck::Lost => Outcome::Unknown { error: lost() },
            Luck::Late => {
                self.late.push((self.now_ms + BACKEND_TIMEOUT_MS / 2, write.clone()));
                Outcome::Unknown { error: lost() }
            }
        }
    }

    fn look(&self, key: &ResourceKey) -> Lookup {
        match self.topics.get(&key.id) {
            None => Lookup::Absent,
            Some(topic) => Lookup::Found(Box::new(observed(key, topic))),
        }
    }
}

fn observed(key: &ResourceKey, topic: &Topic) -> Observed {
    Observed {
        key: key.clone(),
        revision: None,
        incarnation: Some(topic.incarnation.to_string()),
        spec: Arc::new(topic.spec.clone()),
        effective: None,
        status: Arc::new(json!({})),
        internal: false,
        partial: false,
    }
}

fn blank(key: &ResourceKey) -> Resource {
    Resource::blank(key.clone(), Presence::Absent, 0)
}

/// Looking.
impl World {
    /// A listing of the ids that it may see; only a complete one makes something absent.
    pub(super) fn sweep(&mut self, seen: &dyn Fn(&str) -> bool, is_complete: bool) {
        let listed: Vec<ResourceKey> = self.topics.keys().filter(|id| seen(id)).map(|id| key(id)).collect();
        for key in &listed {
            self.see(key);
        }
        if is_complete {
            let missing: Vec<ResourceKey> =
                self.rows.keys().filter(|key| !listed.contains(key)).cloned().collect();
            for key in missing {
                self.see(&key);
            }
        }
    }

    fn see(&mut self, key: &ResourceKey) {
        let mut row = self.rows.get(key).cloned().unwrap_or_else(|| blank(key));
        match self.topics.get(&key.id) {
            Some(topic) => {
                row.presence = Presence::Present;
                row.observed = topic.spec.clone();
                row.incarnation = Some(topic.incarnation.to_string());
            }
            None => {
                row.presence = Presence::Absent;
                row.observed = json!({});
                row.incarnation = None;
            }
        }
        self.save(row);
    }

    fn save(&mut self, mut row: Resource) {
        let comparison = compare::judge(&row, &shape(), &|_| false);
        row.difference = comparison.difference;
        row.applied = comparison.applied.filter(|_| row.desired.is_some());
        row.status = word(row.difference, &row.activity);
        if row.presence == Presence::Absent && row.desired.is_none() && !row.owned {
            self.rows_written += usize::from(self.rows.remove(&row.key).is_some());
        } else if self.rows.get(&row.key) != Some(&row) {
            self.rows_written += 1;
            self.rows.insert(row.key.clone(), row);
        }
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let unsure = self.plans.iter().flat_map(|plan| &plan.steps).filter_map(|step| match step.state {
            StepState::Running | StepState::Unknown => {
                Some((step.key.clone(), step.write.as_ref()?.action.sort()))
            }
            StepState::Waiting | StepState::Done | StepState::Failed | StepState::Skipped => None,
        });
        Snapshot {
            cluster: "lab".to_owned(),
            types: vec![shape()],
            resources: self.rows.clone(),
            totals: [("topic".to_owned(), self.rows.len() as u64)].into(),
            unsure: unsure.collect(),
            ..Snapshot::default()
        }
    }
}

/// Planning and applying.
impl World {
    /// Reads, plans, and stores the plan, approved where nothing refuses it.
    pub(super) fn propose(&mut self, request: &Request, raised: &Raised) -> usize {
        self.sweep(&|_| true, true);
        let snapshot = self.snapshot();
        let prepared = prepare(request, &snapshot);
        let answers = prepared.changes.iter().map(steps).collect();
        let draft = assemble(prepared, answers, &snapshot, raised);
        let mut plan = Plan {
            id: PlanId(self.plans.len().to_string()),
            cluster: ClusterId("lab".to_owned()),
            state: PlanState::Proposed,
            reason: Reason::Documents,
            created_by: "model".to_owned(),
            created_at_ms: self.now_ms,
            updated_at_ms: self.now_ms,
            wishes: draft.wishes,
            standing: draft.standing,
            base: draft.base,
            steps: draft.steps,
            blocked: draft.blocked,
            warnings: draft.warnings,
            unchanged: draft.unchanged,
            exceeded: draft.exceeded,
            allow_destructive: false,
            deletes_max: None,
            message: None,
            approved_by: None,
            approved_request_id: None,
            version: 0,
        };
        if refusals(&plan, raised).is_empty() {
            plan.state = PlanState::Approved;
        }
        self.plans.push(plan);
        self.plans.len() - 1
    }

    fn next_plan(&self) -> Option<usize> {
        let with = |state| self.plans.iter().position(|plan| plan.state == state);
        with(PlanState::Applying).or(with(PlanState::Approved))
    }

    /// What a new life of the host does first.
    pub(super) fn restart(&mut self) {
        for plan in 0..self.plans.len() {
            for at in 0..self.plans[plan].steps.len() {
                let step = &mut self.plans[plan].steps[at];
                let state = settle::recover(step);
                if state != step.state {
                    step.state = state;
                    let (key, reason) = (step.key.clone(), "the host died".to_owned());
                    self.happen(&key, StatusEvent::Lost { reason });
                }
            }
        }
    }

    fn happen(&mut self, key: &ResourceKey, event: StatusEvent) {
        let mut row = self.rows.get(key).cloned().unwrap_or_else(|| blank(key));
        row.activity = row.activity.on(event);
        self.save(row);
    }

    /// One round; whether there was anything to do.
    pub(super) fn tick(&mut self, luck: &mut dyn FnMut() -> Luck, death: Death) -> bool {
        let Some(at) = self.next_plan() else { return false };
        if self.plans[at].state == PlanState::Approved {
            self.start(at);
            return true;
        }
        if self.do_local(at) {
            return true;
        }
        let seqs = batch(&self.plans[at], 3);
        if !seqs.is_empty() {
            self.send(at, &seqs, luck, death);
        } else if self.plans[at].steps.iter().any(is_in_flight) {
            self.read_back(at);
            self.advance(7_000);
        } else {
            let is_done = self.plans[at].steps.iter().all(|step| step.state == StepState::Done);
            self.plans[at].state = if is_done { PlanState::Applied } else { PlanState::Failed };
        }
        true
    }

    fn start(&mut self, at: usize) {
        let plan = self.plans[at].clone();
        let now = plan.base.iter().map(|base| (base.key.clone(), self.look(&base.key))).collect();
        if stale(&plan, &now).is_some() {
            self.plans[at].state = PlanState::Stale;
            return;
        }
        for wish in &plan.wishes {
            let mut row = self.rows.get(&wish.key).cloned().unwrap_or_else(|| blank(&wish.key));
            if let Intent::Have(desired) = &wish.intent {
                row.desired = Some(desired.clone());
                if let Some(applied) = &mut row.applied {
                    for path in &wish.lets_go {
                        fields::remove(applied, path);
                    }
                }
            }
            row.activity = row.activity.on(StatusEvent::Wished);
            self.save(row);
        }
        for blocked in &plan.blocked {
            if self.rows.get(&blocked.key).is_some_and(|row| row.desired.is_some()) {
                self.happen(&blocked.key, StatusEvent::Hindered { reason: blocked.reason.clone() });
            }
        }
        self.plans[at].state = PlanState::Applying;
    }

    fn do_local(&mut self, at: usize) -> bool {
        let steps = &self.plans[at].steps;
        let done = |seq: &u32| steps[*seq as usize].state == StepState::Done;
        let ready = |step: &&Step| {
            step.write.is_none() && step.state == StepState::Waiting && step.depends_on.iter().all(done)
        };
        let Some(step) = steps.iter().find(ready).cloned() else { return false };
        self.finish_step(at, step.seq);
        true
    }

    fn finish_step(&mut self, at: usize, seq: u32) {
        let plan = self.plans[at].clone();
        let step = &plan.steps[seq as usize];
        let wish = plan.wishes.iter().find(|wish| wish.key == step.key);
        let mut row = self.rows.get(&step.key).cloned().unwrap_or_else(|| blank(&step.key));
        let found = match self.look(&step.key) {
            Lookup::Found(found) if step.write.is_some() => Some(*found),
            Lookup::Found(_) | Lookup::Absent | Lookup::Failed(_) => None,
        };
        confirm(&mut row, step, wish, &shape(), found.as_ref());
        let adopted = row.owned_incarnation.as_ref().filter(|_| row.owned && step.write.is_none());
        self.ours.extend(adopted.map(|adopted| adopted.parse::<u64>().unwrap()));
        row.activity = row.activity.on(StatusEvent::Confirmed);
        self.plans[at].steps[seq as usize].state = StepState::Done;
        self.save(row);
    }

    fn send(&mut self, at: usize, seqs: &[u32], luck: &mut dyn FnMut() -> Luck, death: Death) {
        for seq in seqs {
            let step = &mut self.plans[at].steps[*seq as usize];
            step.state = StepState::Running;
            step.attempt += 1;
            step.started_at_ms = Some(self.now_ms);
            let key = step.key.clone();
            self.happen(&key, StatusEvent::Sent);
        }
        if death == Death::BeforeSending {
            return self.restart();
        }
        let writes: Vec<Write> =
            seqs.iter().filter_map(|seq| self.plans[at].steps[*seq as usize].write.clone()).collect();
        let outcomes: Vec<Outcome> = writes.iter().map(|write| self.answer(write, luck())).collect();
        if death == Death::BeforeStoring {
            return self.restart();
        }
        for (seq, outcome) in seqs.iter().zip(outcomes) {
            let settled = settle::settle(&self.plans[at].steps[*seq as usize], &outcome);
            self.plans[at].steps[*seq as usize].outcome = Some(outcome);
            let reason = settled.message.unwrap_or_default();
            self.move_to(at, *seq, settled.state, reason);
        }
    }

    fn move_to(&mut self, at: usize, seq: u32, state: StepState, reason: String) {
        let step = &mut self.plans[at].steps[seq as usize];
        step.state = state;
        step.message = Some(reason.clone());
        let key = step.key.clone();
        match state {
            StepState::Failed => {
                self.happen(&key, StatusEvent::Refused { reason });
                settle::skip_dependants(&mut self.plans[at].steps, 0);
            }
            StepState::Unknown => self.happen(&key, StatusEvent::Lost { reason }),
            StepState::Waiting => self.happen(&key, StatusEvent::TakenBack),
            StepState::Running | StepState::Done | StepState::Skipped => {}
        }
    }

    fn read_back(&mut self, at: usize) {
        let plan = self.plans[at].clone();
        for step in plan.steps.iter().filter(|step| is_in_flight(step)) {
            let base = plan.base.iter().find(|base| base.key == step.key);
            let began_ms = step.started_at_ms.unwrap();
            let moment = Moment {
                now_ms: self.now_ms,
                deadline_ms: began_ms + READ_BACK_MS,
                landed_ms: began_ms + BACKEND_TIMEOUT_MS,
            };
            match settle::read_back(step, base, &shape(), &self.look(&step.key), moment) {
                Verdict::Done => self.finish_step(at, step.seq),
                Verdict::Later => {}
                Verdict::Again => self.move_to(at, step.seq, StepState::Waiting, String::new()),
                Verdict::Changed(why) => self.move_to(at, step.seq, StepState::Failed, why),
                Verdict::StillUnknown(why) => self.move_to(at, step.seq, StepState::Unknown, why),
            }
        }
    }

    /// The cluster answers again, and time goes by, until nothing is left to do.
    pub(super) fn calm(&mut self) {
        self.restart();
        for _ in 0..400 {
            if !self.tick(&mut || Luck::Well, Death::None) {
                self.advance(BACKEND_TIMEOUT_MS);
                self.sweep(&|_| true, true);
                return;
            }
        }
        panic!("the plans never end: {:#?}", self.plans);
    }
}

fn is_in_flight(step: &Step) -> bool {
    match step.state {
        StepState::Running | StepState::Unknown => true,
        StepState::Waiting | StepState::Done | StepState::Failed | StepState::Skipped => false,
    }
}
