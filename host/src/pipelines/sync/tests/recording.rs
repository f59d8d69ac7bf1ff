//! Records of what sync does: who asked, each step with what it changed, each end, and nothing where nothing changed.

use serde_json::json;

use super::{Lab, On, ann, partitions};
use crate::domain::policy::DriftPolicy;
use crate::domain::record::{Record, RecordFilter, RecordOutcome};
use crate::pipelines::sync::testing::{Fault, topic};
use crate::pipelines::sync::{Asked, OperateRequest};

super::on_both! {
    a_plan_leaves_its_proposal_its_approval_each_step_and_its_end,
    steps_that_fail_or_stay_unknown_say_so_and_those_that_were_skipped_say_nothing,
    what_a_policy_does_is_the_host_s_own_doing,
    a_cycle_in_which_nothing_changed_leaves_no_record,
    decisions_about_drift_are_kept_with_the_wish_before_and_after,
    an_operation_is_kept_when_it_is_asked_for_and_when_it_ends,
}

impl Lab {
    /// Oldest first.
    async fn records(&self) -> Vec<Record> {
        let all = RecordFilter::default();
        let mut found = self.store.list_records(&self.cluster.organization, &all, None, 1_000).await.unwrap();
        found.reverse();
        found
    }

    /// `step.create topic/a done by ann`
    async fn recorded(&self) -> Vec<String> {
        let told = |record: Record| {
            let (change, by) = (record.change, record.by);
            let subject =
                if change.part_of.as_ref() == Some(&change.subject) { "it" } else { &change.subject };
            format!("{} {subject} {} by {}", change.action, change.outcome.word(), by.actor)
        };
        self.records().await.into_iter().map(told).collect()
    }
}

async fn a_plan_leaves_its_proposal_its_approval_each_step_and_its_end(on: On) {
    let lab = Lab::with(on, &[("old", partitions(1))]).await;
    let plan = lab.have(&[("a", partitions(3)), ("old", partitions(2))]).await;
    let mut recorded = lab.recorded().await;
    // Steps are read back in whatever order the cluster shows them.
    recorded[2..5].sort();
    assert_eq!(
        recorded,
        [
            "plan.propose it done by ann",
            "plan.approve it accepted by ann",
            "step.adopt topic/old done by ann",
            "step.create topic/a done by ann",
            "step.edit topic/old done by ann",
            "plan.apply it done by ann",
        ]
    );
    let records = lab.records().await;
    for record in &records {
        assert_eq!(record.change.part_of.as_deref(), Some(plan.id.as_str()));
        assert_eq!(
            (record.by.request_id.as_deref(), record.cluster_name.as_deref()),
            (Some("r-1"), Some("lab"))
        );
    }
    let edit = records.iter().find(|record| record.change.action == "step.edit").unwrap();
    assert_eq!(edit.change.before, Some(json!({"partitions": 1})));
    assert_eq!(edit.change.after, Some(json!({"partitions": 2})));
    lab.sync.run_plans(&lab.cluster.id).await;
    assert_eq!(lab.records().await, records, "what has ended is kept once");
}

async fn steps_that_fail_or_stay_unknown_say_so_and_those_that_were_skipped_say_nothing(on: On) {
    let lab = Lab::with(on, &[]).await;
    let plan = lab.wish(&[("a", partitions(1)), ("b", partitions(1)), ("c", partitions(1))]).await;
    lab.model.world().faults.insert("b".to_owned(), vec![Fault::Refused]);
    lab.model.world().unreadable.insert("c".to_owned());
    lab.apply(&plan).await;
    let mut recorded = lab.recorded().await.split_off(2);
    recorded.sort();
    assert_eq!(
        recorded,
        [
            "plan.apply it partial by ann",
            "step.create topic/a done by ann",
            "step.create topic/b failed by ann",
            "step.create topic/c failed by ann",
        ]
    );
    let stale = lab.wish(&[("d", partitions(1))]).await;
    lab.model.put("d", partitions(9));
    lab.apply(&stale).await;
    assert_eq!(lab.recorded().await.last().unwrap(), "plan.apply it stale by ann");
    let cancelled = lab.wish(&[("e", partitions(1))]).await;
    lab.sync.cancel(&cancelled.id, &ann()).await.unwrap();
    assert_eq!(lab.recorded().await.last().unwrap(), "plan.cancel it done by ann");
}

async fn what_a_policy_does_is_the_host_s_own_doing(on: On) {
    let lab = Lab::with(on, &[]).await;
    lab.have(&[("a", json!({"partitions": 1, "config": {"x": "1"}}))]).await;
    lab.drift_policy(DriftPolicy::Revert).await;
    lab.model.put("a", json!({"partitions": 1, "config": {"x": "9"}}));
    let before = lab.records().await.len();
    lab.sweep().await;
    lab.sync.run_plans(&lab.cluster.id).await;
    assert_eq!(
        lab.recorded().await.split_off(before),
        [
            "drift.revert it done by headgate",
            "plan.approve it accepted by headgate",
            "step.edit topic/a done by headgate",
            "plan.apply it done by headgate",
        ]
    );
    assert!(lab.records().await[before..].iter().all(|record| record.by.request_id.is_none()));
}

async fn a_cycle_in_which_nothing_changed_leaves_no_record(on: On) {
    let lab = Lab::with(on, &[("theirs", partitions(1))]).await;
    lab.have(&[("a", partitions(1))]).await;
    let before = lab.records().await;
    lab.sweep().await;
    lab.model.put("theirs", partitions(2));
    lab.sweep().await;
    assert_eq!(lab.records().await, before, "what others change is an event, not our doing");
}

async fn decisions_about_drift_are_kept_with_the_wish_before_and_after(on: On) {
    let lab = Lab::with(on, &[]).await;
    lab.have(&[("a", json!({"partitions": 1, "config": {"x": "1"}}))]).await;
    lab.model.put("a", json!({"partitions": 1, "config": {"x": "9"}}));
    lab.sweep().await;
    let (cluster, before) = (lab.cluster().await, lab.records().await.len());
    let field = Some("/config/x".to_owned());
    lab.sync.ignore(&cluster, &topic("a"), field, &ann()).await.unwrap();
    lab.sync.accept(&cluster, &topic("a"), None, &ann()).await.unwrap();
    lab.sync.release(&cluster, &topic("a"), &ann()).await.unwrap();
    assert_eq!(
        lab.recorded().await.split_off(before),
        [
            "drift.ignore topic/a done by ann",
            "drift.accept topic/a done by ann",
            "resource.release topic/a done by ann",
        ]
    );
    let records = lab.records().await.split_off(before);
    let rule = json!({"ignore": [{"pattern": "a", "field": "/config/x"}]});
    assert_eq!(
        (&records[0].change.before, &records[0].change.after),
        (&Some(json!({"ignore": []})), &Some(rule))
    );
    assert_eq!(records[2].change.after, Some(json!({"desired": null, "owned": false})));
}

async fn an_operation_is_kept_when_it_is_asked_for_and_when_it_ends(on: On) {
    let lab = Lab::with(on, &[("a", partitions(1))]).await;
    let input = json!({"how": "partly"});
    let request = OperateRequest {
        name: "poke".to_owned(),
        id: Some("a".to_owned()),
        input,
        ..OperateRequest::default()
    };
    let asked = lab.sync.operate(&lab.cluster().await, request, &ann()).await.unwrap();
    lab.sync.run_operations(&lab.cluster.id).await;
    assert_eq!(
        lab.recorded().await,
        ["operation.poke topic/a accepted by ann", "operation.poke topic/a partial by ann"]
    );
    let ended = lab.records().await.pop().unwrap();
    assert_eq!((ended.change.part_of.as_deref(), ended.by), (Some(asked.id.as_str()), ann()));
    let after = ended.change.after.unwrap();
    assert_eq!(after["input"], json!({"how": "partly"}));
    assert!(after["failures"][0]["error"]["message"].is_string(), "{after}");
    assert_eq!(ended.change.outcome, RecordOutcome::Partial);

    let undone = lab.propose(Asked::Repair(Vec::new())).await;
    assert_eq!(undone.id.as_str(), "", "a repair of nothing is not stored");
    assert_eq!(lab.records().await.len(), 2);
}
