//! Operations: asked for, sent once, followed, cancelled, taken back, and refused where they may not be.

use serde_json::json;

use super::{Lab, On, ann, partitions};
use crate::domain::operation::{Operation, OperationState};
use crate::domain::policy::{Authority, Policy, PolicyEntry, PolicySubject};
use crate::pipelines::sync::{OperateError, OperateRequest};

super::on_both! {
    an_operation_is_sent_once_and_ends_as_it_was_answered,
    one_that_goes_on_is_asked_about_until_it_ends,
    one_that_waits_or_runs_is_cancelled,
    a_crash_while_it_was_sent_leaves_it_unknown,
    what_is_refused_is_refused_before_anything_is_sent,
    an_operation_is_taken_back_by_another,
    a_dead_cluster_fails_it_and_a_paused_one_keeps_it,
}

fn poke(id: &str, how: Option<&str>) -> OperateRequest {
    let input = how.map_or(json!({}), |how| json!({"how": how}));
    OperateRequest { name: "poke".to_owned(), id: Some(id.to_owned()), input, ..OperateRequest::default() }
}

fn crawl(looks: u32) -> OperateRequest {
    OperateRequest { name: "crawl".to_owned(), input: json!({"looks": looks}), ..OperateRequest::default() }
}

impl Lab {
    async fn operate(&self, request: OperateRequest) -> Result<Operation, OperateError> {
        self.sync.operate(&self.cluster().await, request, &ann()).await
    }

    /// One go of the reconciler, and what it made of the operation.
    async fn go(&self, operation: &Operation) -> Operation {
        self.sync.run_operations(&self.cluster.id).await;
        self.store.find_operation(&operation.id).await.unwrap().unwrap()
    }
}

async fn an_operation_is_sent_once_and_ends_as_it_was_answered(on: On) {
    let lab = Lab::with(on, &[("a", partitions(1))]).await;
    for (how, state) in [
        (None, OperationState::Done),
        (Some("refused"), OperationState::Failed),
        (Some("lost"), OperationState::Unknown),
        (Some("trap"), OperationState::Unknown),
        (Some("partly"), OperationState::Partial),
    ] {
        let asked = lab.operate(poke("a", how)).await.unwrap();
        assert_eq!(asked.state, OperationState::Waiting);
        let ended = lab.go(&asked).await;
        assert_eq!(ended.state, state, "{how:?}: {ended:?}");
        assert!(ended.message.is_some() && ended.ended_at_ms >= ended.started_at_ms);
        assert_eq!(lab.go(&asked).await, ended, "nothing leads out of an end");
    }
    assert_eq!(lab.done(), ["poke topic a"; 5]);
    let events = lab.events().await;
    for kind in ["operation.requested", "operation.done", "operation.failed", "operation.unknown"] {
        assert!(events.iter().any(|event| event.starts_with(kind)), "no {kind}: {events:?}");
    }
}

async fn one_that_goes_on_is_asked_about_until_it_ends(on: On) {
    let lab = Lab::with(on, &[]).await;
    let asked = lab.operate(crawl(2)).await.unwrap();
    let running = lab.go(&asked).await;
    assert_eq!((running.state, running.handle.as_deref()), (OperationState::Running, Some("crawl")));
    assert_eq!(lab.go(&asked).await.percent, Some(50));
    lab.go(&asked).await;
    let ended = lab.go(&asked).await;
    assert_eq!((ended.state, ended.percent), (OperationState::Done, Some(100)));
    assert_eq!(lab.done(), ["crawl the cluster"], "it was sent once");
}

async fn one_that_waits_or_runs_is_cancelled(on: On) {
    let lab = Lab::with(on, &[]).await;
    let (waits, cluster) = (lab.operate(crawl(9)).await.unwrap(), lab.cluster().await);
    lab.sync.cancel_operation(&cluster, &waits.id, &ann()).await.unwrap();
    assert_eq!(lab.go(&waits).await.state, OperationState::Cancelled);
    assert_eq!(lab.done(), Vec::<String>::new());

    let runs = lab.operate(crawl(9)).await.unwrap();
    lab.go(&runs).await;
    lab.sync.cancel_operation(&cluster, &runs.id, &ann()).await.unwrap();
    assert_eq!(lab.go(&runs).await.state, OperationState::Cancelled);
    assert_eq!(lab.done(), ["crawl the cluster", "cancel crawl"]);
    let late = lab.sync.cancel_operation(&cluster, &lab.go(&runs).await.id, &ann()).await.unwrap();
    assert_eq!(late.state, OperationState::Cancelled, "cancelling twice is cancelling once");
}

async fn a_crash_while_it_was_sent_leaves_it_unknown(on: On) {
    let lab = Lab::with(on, &[("a", partitions(1))]).await;
    let mut sent = lab.operate(poke("a", None)).await.unwrap();
    sent.start(1);
    let mut tx = lab.store.begin().await.unwrap();
    assert!(tx.save_operation(&mut sent).await.unwrap());
    tx.commit().await.unwrap();
    let ended = lab.go(&sent).await;
    assert_eq!(ended.state, OperationState::Unknown);
    assert_eq!(lab.done(), Vec::<String>::new(), "it is not sent again");
}

async fn what_is_refused_is_refused_before_anything_is_sent(on: On) {
    let lab = Lab::with(on, &[("a", partitions(1)), ("__own", partitions(1))]).await;
    lab.have(&[("ours", partitions(1)), ("kept", partitions(1))]).await;
    let subject = PolicySubject { metadata_type: Some("topic".to_owned()), id: Some("kept".to_owned()) };
    let protect = PolicyEntry { subject, policy: Policy { protect: Some(true), ..Policy::default() } };
    let mut tx = lab.store.begin().await.unwrap();
    tx.save_policy(&lab.cluster.id, &protect).await.unwrap();
    tx.commit().await.unwrap();
    let burn = |id: &str, allow_destructive| OperateRequest {
        name: "burn".to_owned(),
        allow_destructive,
        ..poke(id, None)
    };
    let named = OperateRequest { name: "sing".to_owned(), ..OperateRequest::default() };
    let wordy = OperateRequest { input: json!({"how": "loud", "why": 1}), ..poke("a", None) };
    let cases = [
        (named, "it has `burn`, `crawl`, `poke`"),
        (wordy, "/how"),
        (OperateRequest { id: None, ..poke("a", None) }, "`poke` works on one topic: name it"),
        (OperateRequest { id: Some("a".to_owned()), ..crawl(1) }, "`crawl` works on the cluster"),
        (burn("ours", false), "--allow-destructive"),
        (burn("a", true), "adopt it first: headgate adopt topic a -c lab"),
        (burn("__own", true), "internal"),
        (burn("kept", true), "--protect false"),
    ];
    for (request, part) in cases {
        let refused = lab.operate(request.clone()).await.unwrap_err().to_string();
        assert!(refused.contains(part), "no `{part}`: {refused}");
    }
    assert!(lab.operate(burn("ours", true)).await.is_ok());
    let mut cluster = lab.cluster().await;
    cluster.authority = Authority::Observe;
    let observed = lab.sync.operate(&cluster, poke("a", None), &ann()).await.unwrap_err().to_string();
    assert!(observed.contains("headgate policy set lab topic --authority manage"), "{observed}");
    let forecast = lab.sync.preview(&cluster, poke("a", None)).await.unwrap();
    assert_eq!(forecast.lines, ["topic a with {}"], "looking is allowed");
}

async fn an_operation_is_taken_back_by_another(on: On) {
    let lab = Lab::with(on, &[("a", partitions(1))]).await;
    let asked = lab.operate(poke("a", None)).await.unwrap();
    let cluster = lab.cluster().await;
    let early = lab.sync.undo_operation(&cluster, &asked, false, &ann()).await.unwrap_err();
    assert!(early.to_string().contains("wait for its end"), "{early}");
    let done = lab.go(&asked).await;
    let undo = lab.sync.undo_operation(&cluster, &done, false, &ann()).await.unwrap();
    assert_eq!((&undo.undoes, &undo.input), (&Some(done.id), &json!({"how": "refused"})));
    let failed = lab.go(&undo).await;
    let twice = lab.sync.undo_operation(&cluster, &failed, false, &ann()).await.unwrap_err();
    assert!(twice.to_string().contains("nothing that could take it back"), "{twice}");
}

async fn a_dead_cluster_fails_it_and_a_paused_one_keeps_it(on: On) {
    let lab = Lab::with(on, &[("a", partitions(1))]).await;
    lab.model.world().down = true;
    let asked = lab.operate(poke("a", None)).await.unwrap();
    let failed = lab.go(&asked).await;
    assert_eq!(failed.state, OperationState::Failed, "nothing was sent, and a person waits");
    assert!(failed.message.unwrap().contains("nobody listens there"));

    lab.model.world().down = false;
    let kept = lab.operate(poke("a", None)).await.unwrap();
    let mut cluster = lab.cluster().await;
    cluster.paused = true;
    let mut tx = lab.store.begin().await.unwrap();
    assert!(tx.save_cluster(&mut cluster).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(lab.go(&kept).await.state, OperationState::Waiting);
}
