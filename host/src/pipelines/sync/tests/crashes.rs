//! The host stops at any moment; another one goes on with the same database.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use serde_json::json;

use super::{Lab, On, ann, partitions};
use crate::domain::plan::PlanState;
use crate::domain::policy::DriftPolicy;
use crate::domain::record::By;
use crate::domain::status::Status;
use crate::pipelines::sync::testing::{Fault, sync_over};
use crate::pipelines::sync::{Approval, Depth};

/// Ends a future, wherever it is, after so many polls: `None`.
struct Cut<F> {
    running: Pin<Box<F>>,
    polls_left: usize,
}

impl<F: Future> Future for Cut<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.polls_left == 0 {
            return Poll::Ready(None);
        }
        self.polls_left -= 1;
        self.running.as_mut().poll(cx).map(Some)
    }
}

fn cut<F: Future>(running: F, polls_left: usize) -> Cut<F> {
    Cut { running: Box::pin(running), polls_left }
}

/// Applies a plan of creates, an edit and a delete, cut after so many polls; then another host goes on. Whether it was
/// cut.
async fn killed_after(on: On, polls: usize) -> bool {
    let lab = Lab::with(on, &[]).await;
    lab.have(&[("edited", json!({"partitions": 1, "config": {"x": "1"}})), ("deleted", partitions(1))]).await;
    let plan = lab
        .wish(&[
            ("a", partitions(1)),
            ("b", partitions(1)),
            ("deleted", serde_json::Value::Null),
            ("edited", json!({"partitions": 1, "config": {"x": "2"}})),
        ])
        .await;
    lab.approve(&plan).await;
    let was_cut = cut(lab.sync.run_plans(&lab.cluster.id), polls).await.is_none();
    let next = sync_over(&lab.store, &lab.model);
    next.run_plans(&lab.cluster.id).await;
    let plan = lab.plan(&plan).await;
    assert_eq!(plan.state, PlanState::Applied, "killed after {polls}: {plan:#?}");
    let mut done = lab.done();
    done.sort();
    let expected = ["+a", "+b", "+deleted", "+edited", "-deleted", "~edited"];
    assert_eq!(done, expected, "killed after {polls}: each exactly once");
    for id in ["a", "b", "edited"] {
        assert_eq!(lab.status(id).await, Some(Status::Synced), "killed after {polls}: {id}");
    }
    assert_eq!(lab.row("deleted").await, None, "killed after {polls}");
    was_cut
}

super::on_both! {
    no_wish_is_lost_whatever_happens,
    a_kill_at_any_await_of_an_apply_ends_with_everything_done_once,
    a_plan_that_was_cancelled_while_it_was_applied_stays_cancelled_after_a_kill,
    a_kill_between_a_policy_s_plan_and_its_approval_loses_neither,
    a_kill_at_any_await_of_the_first_cycle_leaves_one_proposal_to_adopt,
}

async fn a_plan_that_was_cancelled_while_it_was_applied_stays_cancelled_after_a_kill(on: On) {
    // A database that answers within one poll lets the kill fall after the writes, where nothing is left to cancel.
    let (lab, plan) = loop {
        let lab = Lab::with(on, &[]).await;
        let plan = lab.wish(&[("a", partitions(1)), ("b", partitions(1))]).await;
        lab.approve(&plan).await;
        let mut polls = 0;
        while lab.plan(&plan).await.state == PlanState::Approved {
            polls += 1;
            drop(cut(lab.sync.run_plans(&lab.cluster.id), polls).await);
        }
        if lab.done().is_empty() {
            break (lab, plan);
        }
    };
    lab.sync.cancel(&plan.id, &ann()).await.unwrap();
    let bob = By { actor: "bob".to_owned(), request_id: None };
    lab.sync.cancel(&plan.id, &bob).await.unwrap();
    sync_over(&lab.store, &lab.model).run_plans(&lab.cluster.id).await;
    let plan = lab.plan(&plan).await;
    assert_eq!((plan.state, lab.done()), (PlanState::Cancelled, Vec::new()), "{plan:#?}");
    let messages: Vec<_> = plan.steps.iter().filter_map(|step| step.message.as_deref()).collect();
    assert_eq!(messages, ["cancelled by ann", "cancelled by ann"]);
    let events = lab.events().await;
    assert_eq!(events.iter().filter(|event| event.starts_with("plan.cancelling ")).count(), 1, "{events:?}");
}

async fn a_kill_between_a_policy_s_plan_and_its_approval_loses_neither(on: On) {
    let lab = Lab::with(on, &[]).await;
    lab.have(&[("a", json!({"partitions": 1, "config": {"x": "1"}}))]).await;
    lab.drift_policy(DriftPolicy::Revert).await;
    lab.model.put("a", json!({"partitions": 1, "config": {"x": "2"}}));
    let plans = || async {
        let id = Some(&lab.cluster.id);
        lab.store.list_plans(&lab.cluster.organization, id, &[], None, 10).await.unwrap()
    };
    let mut polls = 0;
    while plans().await.len() < 2 {
        polls += 1;
        drop(cut(lab.sync.cycle(&lab.cluster.id, Depth::Full), polls).await);
    }
    lab.sweep().await;
    lab.sync.run_plans(&lab.cluster.id).await;
    assert_eq!(lab.status("a").await, Some(Status::Synced));
    assert_eq!(plans().await.len(), 2);
}

async fn a_kill_at_any_await_of_the_first_cycle_leaves_one_proposal_to_adopt(on: On) {
    let lab = Lab::start(on).await;
    let mut cluster = lab.cluster().await;
    cluster.authority = crate::domain::policy::Authority::Adopt;
    let mut tx = lab.store.begin().await.unwrap();
    assert!(tx.save_cluster(&mut cluster).await.unwrap());
    tx.commit().await.unwrap();
    lab.model.put("a", partitions(1));
    let mut polls = 0;
    while cut(lab.sync.cycle(&lab.cluster.id, Depth::Full), polls).await.is_none() {
        polls += 1;
    }
    lab.sweep().await;
    let id = Some(&lab.cluster.id);
    let plans = lab.store.list_plans(&lab.cluster.organization, id, &[], None, 10).await.unwrap();
    assert_eq!(plans.len(), 1, "{plans:#?}");
    assert!(polls > 10, "{polls}");
}

async fn a_kill_at_any_await_of_an_apply_ends_with_everything_done_once(on: On) {
    // PostgreSQL answers in many small pieces: every seventh of its awaits, from another place each time.
    let stride = match on {
        On::Sqlite => 1,
        On::Postgres => 7,
    };
    let mut polls = 0;
    while killed_after(on, polls).await {
        polls += stride;
    }
    assert!(polls > 20, "{polls}");
}

/// Chance that can be told again: the seed is in every message.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn fault(&mut self) -> Vec<Fault> {
        match self.below(8) {
            0 => vec![Fault::Refused],
            1 => vec![Fault::LostBefore],
            2 => vec![Fault::LostAfter],
            3 => vec![Fault::Trap],
            4 => vec![Fault::Lag(std::time::Duration::from_millis(20))],
            5 => vec![Fault::LostAfter, Fault::LostBefore],
            _ => Vec::new(),
        }
    }
}

const OURS: [&str; 4] = ["a", "b", "c", "d"];

/// Wishes, faults, outside changes and kills, as the dice fall.
async fn told_by(on: On, seed: u64) {
    let mut dice = Dice(seed);
    let lab = Lab::with(on, &[("stranger", partitions(7))]).await;
    for round in 0..4 {
        let wishes: Vec<(&str, serde_json::Value)> = OURS
            .into_iter()
            .filter(|_| dice.below(2) == 0)
            .map(|id| (id, json!({"partitions": 1 + round, "config": {"x": round.to_string()}})))
            .collect();
        let plan = lab.wish(&wishes).await;
        for id in OURS {
            lab.model.world().faults.insert(id.to_owned(), dice.fault());
        }
        let outside = OURS[usize::try_from(dice.below(4)).unwrap()];
        match dice.below(6) {
            0 => lab.model.take(outside),
            1 => lab.model.put(outside, json!({"partitions": 9})),
            _ => {}
        }
        if !plan.id.as_str().is_empty() {
            lab.sync
                .approve(&plan.id, Approval { deletes_max: Some(9), ..Approval::default() }, &ann())
                .await
                .unwrap();
        }
        for _ in 0..dice.below(3) {
            let host = sync_over(&lab.store, &lab.model);
            let polls = usize::try_from(dice.below(150)).unwrap();
            drop(cut(host.run_plans(&lab.cluster.id), polls).await);
        }
        lab.sync.run_plans(&lab.cluster.id).await;
        lab.sweep().await;
    }
    let open = lab.store.open_plans(&lab.cluster.id).await.unwrap();
    assert_eq!(open, [], "seed {seed}");
    assert_eq!(lab.model.spec("stranger"), Some(partitions(7)), "seed {seed}");
    for id in OURS {
        let Some(row) = lab.row(id).await.filter(|row| row.desired.is_some()) else { continue };
        let ends = [Status::Synced, Status::Failed, Status::Blocked, Status::Drifted, Status::Conflicted];
        let waits = lab.store.list_plans(&lab.cluster.organization, None, &[PlanState::Proposed], None, 100);
        let is_planned =
            waits.await.unwrap().iter().any(|plan| plan.steps.iter().any(|step| step.key.id == id));
        assert!(ends.contains(&row.status) || is_planned, "seed {seed}: {row:#?}");
        let is_as_wished = lab.model.spec(id) == row.desired;
        assert!(row.status != Status::Synced || is_as_wished, "seed {seed}: {row:#?}");
    }
}

async fn no_wish_is_lost_whatever_happens(on: On) {
    let seeds = match on {
        On::Sqlite => 0..40,
        On::Postgres => 40..50,
    };
    for seed in seeds {
        told_by(on, seed).await;
    }
}
