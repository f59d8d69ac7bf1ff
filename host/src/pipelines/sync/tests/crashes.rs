//! The host stops at any moment; another one goes on with the same database.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use serde_json::json;

use super::{Lab, On, partitions};
use crate::domain::plan::PlanState;
use crate::domain::status::Status;
use crate::pipelines::sync::testing::sync_over;

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
    a_kill_at_any_await_of_an_apply_ends_with_everything_done_once,
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
