//! Plans: made, approved, carried out, refused, undone.

use serde_json::json;

use super::{Lab, On, ann, document, partitions};
use crate::domain::plan::{PlanState, StepState, Verb};
use crate::domain::policy::DriftPolicy;
use crate::domain::status::Status;
use crate::pipelines::sync::plan::Raised;
use crate::pipelines::sync::testing::{Fault, topic};
use crate::pipelines::sync::{Approval, ApproveError, Asked, ProposeError, ProposeRequest};

super::on_both! {
    a_plan_that_people_overtook_is_stale,
    a_wish_is_planned_approved_sent_read_back_and_synced,
    faults_of_documents_are_all_named_where_they_are,
    what_the_plugin_finds_wrong_is_named_too,
    a_plan_stands_on_what_is_there_now_also_what_no_sweep_saw,
    a_plan_whose_world_has_moved_is_stale_and_writes_nothing,
    a_refused_step_fails_alone,
    what_cannot_be_read_is_not_written_and_the_rest_goes_on,
    lost_answers_are_read_back_and_end_as_what_happened,
    a_listing_that_lags_is_waited_for,
    what_goes_on_in_the_backend_is_followed_and_holds_up_no_cycle,
    a_pause_holds_a_plan_under_way_and_it_goes_on_afterwards,
    a_cluster_that_goes_away_keeps_the_plan_for_later,
    undo_takes_back_what_was_done,
    what_is_not_ours_is_never_deleted,
    deletes_need_to_be_allowed_and_stay_within_limits,
    what_is_wished_and_in_no_document_is_listed_and_left_alone,
    drift_is_reverted_by_policy_once,
    drift_is_proposed_by_policy_and_not_again_once_it_was_turned_down,
    drift_is_accepted_ignored_and_let_go_by_people,
}

async fn a_wish_is_planned_approved_sent_read_back_and_synced(on: On) {
    let lab = Lab::with(on, &[("old", partitions(1))]).await;
    let wishes = [("a", partitions(3)), ("old", json!({"partitions": 2}))];
    let plan = lab.wish(&wishes).await;
    let verbs: Vec<Verb> = plan.steps.iter().map(|step| step.verb).collect();
    assert_eq!(verbs, [Verb::Create, Verb::Adopt, Verb::Edit]);
    assert_eq!((plan.state, lab.done()), (PlanState::Proposed, Vec::<String>::new()));
    let plan = lab.apply(&plan).await;
    assert_eq!(plan.state, PlanState::Applied, "{plan:#?}");
    assert_eq!(lab.done(), ["+a", "~old"]);
    for id in ["a", "old"] {
        let row = lab.row(id).await.unwrap();
        assert_eq!((row.status, row.owned, row.applied), (Status::Synced, true, row.desired));
    }
    let again = lab.wish(&wishes).await;
    assert_eq!((again.id.as_str(), again.steps.len(), again.unchanged), ("", 0, 2));
}

async fn faults_of_documents_are_all_named_where_they_are(on: On) {
    let lab = Lab::with(on, &[]).await;
    let mut unknown = document("a", &partitions(1));
    unknown.metadata_type = "queue".to_owned();
    let asked = Asked::Documents(vec![
        unknown,
        document("b", &json!({"partition": 1, "config": {"x": {}}})),
        document("c", &json!({"partitions": 1, "config": {"x": 5}})),
        document("", &partitions(1)),
    ]);
    let request = ProposeRequest { asked, raised: Raised::default(), complete: false, dry_run: false };
    let error = lab.sync.propose(&lab.cluster().await, request, &ann()).await.unwrap_err();
    let ProposeError::Invalid(issues) = error else { panic!("{error}") };
    let at: Vec<(usize, &str)> =
        issues.iter().map(|issue| (issue.document, issue.pointer.as_str())).collect();
    assert_eq!(at, [(0, "/type"), (1, "/spec/config/x"), (1, "/spec/partition"), (3, "/name")]);
}

async fn what_the_plugin_finds_wrong_is_named_too(on: On) {
    let lab = Lab::with(on, &[]).await;
    let asked = Asked::Documents(vec![document("a", &partitions(500))]);
    let request = ProposeRequest { asked, raised: Raised::default(), complete: false, dry_run: false };
    let error = lab.sync.propose(&lab.cluster().await, request, &ann()).await.unwrap_err();
    assert_eq!(error.to_string(), "document 0 at `/spec/partitions`: more than 100");
}

async fn a_plan_stands_on_what_is_there_now_also_what_no_sweep_saw(on: On) {
    let lab = Lab::with(on, &[]).await;
    lab.model.put("a", partitions(2));
    let plan = lab.wish(&[("a", partitions(2))]).await;
    let verbs: Vec<Verb> = plan.steps.iter().map(|step| step.verb).collect();
    assert_eq!(verbs, [Verb::Adopt]);
}

async fn a_plan_whose_world_has_moved_is_stale_and_writes_nothing(on: On) {
    let lab = Lab::with(on, &[]).await;
    lab.have(&[("a", json!({"partitions": 1, "config": {"x": "1"}}))]).await;
    let plan = lab.wish(&[("a", json!({"partitions": 1, "config": {"x": "2"}})), ("b", partitions(1))]).await;
    lab.model.put("a", json!({"partitions": 1, "config": {"x": "9"}}));
    let plan = lab.apply(&plan).await;
    assert_eq!((plan.state, lab.done()), (PlanState::Stale, vec!["+a".to_owned()]));
    assert!(plan.message.unwrap().contains("/config/x"));
    assert_eq!(lab.row("b").await, None);
}

async fn a_refused_step_fails_alone(on: On) {
    let lab = Lab::with(on, &[]).await;
    let plan = lab.wish(&[("a", partitions(1)), ("b", partitions(1)), ("c", partitions(1))]).await;
    lab.model.world().faults.insert("b".to_owned(), vec![Fault::Refused]);
    let plan = lab.apply(&plan).await;
    let states: Vec<StepState> = plan.steps.iter().map(|step| step.state).collect();
    assert_eq!(states, [StepState::Done, StepState::Failed, StepState::Done]);
    assert_eq!(plan.state, PlanState::Failed);
    assert_eq!(plan.message.as_deref(), Some("2 of 3 steps done: refused by script"));
    assert_eq!(lab.status("b").await, Some(Status::Failed));
    lab.sweep().await;
    assert_eq!(lab.status("b").await, Some(Status::Failed));
    lab.have(&[("b", partitions(1))]).await;
    assert_eq!(lab.status("b").await, Some(Status::Synced));
}

async fn what_cannot_be_read_is_not_written_and_the_rest_goes_on(on: On) {
    let lab = Lab::with(on, &[]).await;
    let wishes = [("a", partitions(1)), ("b", partitions(1))];
    let plan = lab.wish(&wishes).await;
    lab.model.world().unreadable.insert("b".to_owned());
    let plan = lab.apply(&plan).await;
    assert_eq!((plan.state, lab.done()), (PlanState::Failed, vec!["+a".to_owned()]), "{plan:#?}");
    assert!(plan.message.unwrap().contains("cannot be read: not for you"));
    assert_eq!(lab.status("b").await, Some(Status::Failed));
    lab.model.world().unreadable.clear();
    let plan = lab.wish(&wishes).await;
    assert_eq!(lab.apply(&plan).await.state, PlanState::Applied);
    assert_eq!(lab.status("b").await, Some(Status::Synced));
}

async fn lost_answers_are_read_back_and_end_as_what_happened(on: On) {
    let lab = Lab::with(on, &[]).await;
    lab.have(&[("edited", json!({"partitions": 1, "config": {"x": "1"}}))]).await;
    let faults = [
        ("before", vec![Fault::LostBefore]),
        ("after", vec![Fault::LostAfter]),
        ("trap", vec![Fault::Trap]),
        ("thrice", vec![Fault::LostBefore, Fault::LostBefore, Fault::LostBefore]),
        ("edited", vec![Fault::LostBefore]),
    ];
    lab.model.world().faults = faults.map(|(id, faults)| (id.to_owned(), faults)).into();
    let plan = lab
        .wish(&[
            ("before", partitions(1)),
            ("after", partitions(1)),
            ("trap", partitions(1)),
            ("thrice", partitions(1)),
            ("edited", json!({"partitions": 1, "config": {"x": "2"}})),
        ])
        .await;
    let plan = lab.apply(&plan).await;
    assert_eq!(plan.state, PlanState::Failed);
    for id in ["before", "after", "trap", "edited"] {
        assert_eq!(lab.status(id).await, Some(Status::Synced), "{id}: {plan:#?}");
    }
    assert_eq!(lab.status("thrice").await, Some(Status::Failed));
    let mut done = lab.done();
    done.sort();
    assert_eq!(done, ["+after", "+before", "+edited", "+trap", "~edited"]);
}

async fn a_listing_that_lags_is_waited_for(on: On) {
    let lab = Lab::with(on, &[]).await;
    let lag = Fault::Lag(std::time::Duration::from_millis(40));
    lab.model.world().faults.insert("a".to_owned(), vec![lag]);
    lab.have(&[("a", partitions(1))]).await;
    assert_eq!(lab.done(), ["+a"]);
}

async fn a_pause_holds_a_plan_under_way_and_it_goes_on_afterwards(on: On) {
    let lab = Lab::with(on, &[]).await;
    let lag = Fault::Lag(std::time::Duration::from_hours(1));
    lab.model.world().faults.insert("a".to_owned(), vec![lag]);
    let plan = lab.wish(&[("a", partitions(1))]).await;
    lab.approve(&plan).await;
    let pausing = async {
        while lab.done().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        lab.set_paused(true).await;
    };
    tokio::join!(lab.sync.run_plans(&lab.cluster.id), pausing);
    let gets = lab.model.world().gets;
    assert_eq!(lab.plan(&plan).await.state, PlanState::Applying, "what was sent is not known yet");
    lab.sync.run_plans(&lab.cluster.id).await;
    assert_eq!(lab.model.world().gets, gets, "nobody asks");
    lab.set_paused(false).await;
    lab.model.world().copies.get_mut("a").unwrap().seen_from_ms = 0;
    lab.sync.run_plans(&lab.cluster.id).await;
    assert_eq!(lab.plan(&plan).await.state, PlanState::Applied);
    assert_eq!(lab.done(), ["+a"], "and nothing is sent twice");
}

async fn what_goes_on_in_the_backend_is_followed_and_holds_up_no_cycle(on: On) {
    let lab = Lab::with(on, &[]).await;
    lab.have(&[("a", json!({"partitions": 1, "config": {}}))]).await;
    for cancels in [false, true] {
        let wish = json!({"partitions": 1, "config": {"slow": cancels.to_string()}});
        let plan = lab.wish(&[("a", wish)]).await;
        lab.model.world().runs_left = 3;
        let goes_on = lab.apply(&plan).await;
        assert_eq!((goes_on.state, goes_on.steps[0].state), (PlanState::Applying, StepState::Running));
        assert_eq!(goes_on.steps[0].message.as_deref(), Some("33 % done"));
        lab.sweep().await;
        assert_eq!(lab.status("a").await, Some(Status::Syncing));
        // As another life of the host finds it.
        let next = lab.sync.run_plans(&lab.cluster.id).await;
        assert!(next[0].goes_on(), "{next:?}");
        if cancels {
            lab.sync.cancel(&plan.id, &ann()).await.unwrap();
        }
        while lab.plan(&plan).await.state == PlanState::Applying {
            lab.sync.run_plans(&lab.cluster.id).await;
        }
        let ended = lab.plan(&plan).await;
        assert_eq!(ended.state, PlanState::Applied, "the look says that it was done: {ended:#?}");
        assert_eq!(lab.done().iter().filter(|done| *done == "cancel slow").count() > 0, cancels);
    }
}

async fn a_cluster_that_goes_away_keeps_the_plan_for_later(on: On) {
    let lab = Lab::with(on, &[]).await;
    let plan = lab.wish(&[("a", partitions(1))]).await;
    lab.model.world().down = true;
    let plan = lab.apply(&plan).await;
    assert_eq!(plan.state, PlanState::Approved);
    lab.model.world().down = false;
    lab.sync.run_plans(&lab.cluster.id).await;
    assert_eq!(lab.plan(&plan).await.state, PlanState::Applied);
    assert_eq!(lab.done(), ["+a"]);
}

async fn undo_takes_back_what_was_done(on: On) {
    let lab = Lab::with(on, &[("old", partitions(1))]).await;
    lab.have(&[("kept", json!({"partitions": 1, "config": {"x": "1", "y": "1"}}))]).await;
    let applied = lab
        .have(&[
            ("kept", json!({"partitions": 1, "config": {"x": "2", "y": "1"}})),
            ("made", partitions(1)),
            ("old", partitions(1)),
        ])
        .await;
    let undo = lab.propose(Asked::Undo { plan: applied.id.clone() }).await;
    let undo = lab.apply(&undo).await;
    assert_eq!(undo.state, PlanState::Applied, "{undo:#?}");
    assert_eq!(lab.model.spec("kept"), Some(json!({"partitions": 1, "config": {"x": "1", "y": "1"}})));
    assert_eq!((lab.model.spec("made"), lab.row("made").await), (None, None));
    assert_eq!(lab.status("old").await, Some(Status::Unmanaged));
    assert_eq!(lab.status("kept").await, Some(Status::Synced));
    assert_eq!(lab.model.spec("old"), Some(partitions(1)));
}

async fn what_is_not_ours_is_never_deleted(on: On) {
    let lab = Lab::with(on, &[("a", partitions(1))]).await;
    let plan = lab.propose(Asked::Delete { keys: vec![topic("a")] }).await;
    assert_eq!((plan.steps.len(), plan.blocked.len(), plan.id.as_str()), (0, 1, ""));
}

async fn deletes_need_to_be_allowed_and_stay_within_limits(on: On) {
    let lab = Lab::with(on, &[]).await;
    let names: Vec<String> = (0..12).map(|number| format!("t{number:02}")).collect();
    let wishes: Vec<(&str, serde_json::Value)> =
        names.iter().map(|name| (name.as_str(), partitions(1))).collect();
    lab.have(&wishes).await;
    let keys = names.iter().map(|name| topic(name)).collect();
    let plan = lab.propose(Asked::Delete { keys }).await;
    let bare = lab.sync.approve(&plan.id, Approval::default(), &ann()).await.unwrap_err();
    let ApproveError::Limits(limits) = bare else { panic!("{bare}") };
    let named: Vec<&str> = limits.iter().map(|limit| limit.limit.as_str()).collect();
    assert_eq!(named, ["deletes_max", "deletes_percent_max", "destructive"]);
    let raised = Approval { allow_destructive: true, deletes_max: Some(12), version: None };
    lab.sync.approve(&plan.id, raised, &ann()).await.unwrap();
    lab.sync.run_plans(&lab.cluster.id).await;
    assert_eq!(lab.plan(&plan).await.state, PlanState::Applied);
    assert!(lab.model.world().copies.is_empty());
    assert_eq!(lab.versions().await, []);
}

async fn what_is_wished_and_in_no_document_is_listed_and_left_alone(on: On) {
    let lab = Lab::with(on, &[("theirs", partitions(1))]).await;
    lab.have(&[("a", partitions(1)), ("b", partitions(1)), ("c", partitions(1))]).await;
    let asked =
        Asked::Documents(vec![document("a", &partitions(2)), document("c", &serde_json::Value::Null)]);
    let request = ProposeRequest { asked, raised: Raised::default(), complete: true, dry_run: false };
    let plan = lab.sync.propose(&lab.cluster().await, request, &ann()).await.unwrap();
    let stored = lab.plan(&plan).await;
    let warned: Vec<&str> = stored.warnings.iter().map(|warning| warning.key.id.as_str()).collect();
    assert_eq!(warned, ["b"]);
    assert_eq!(lab.apply(&plan).await.state, PlanState::Applied);
    assert_eq!((lab.model.spec("b"), lab.status("b").await), (Some(partitions(1)), Some(Status::Synced)));
}

async fn drift_is_reverted_by_policy_once(on: On) {
    let lab = Lab::with(on, &[]).await;
    lab.have(&[("a", json!({"partitions": 1, "config": {"x": "1"}}))]).await;
    lab.drift_policy(DriftPolicy::Revert).await;
    lab.model.put("a", json!({"partitions": 1, "config": {"x": "2"}}));
    lab.sweep().await;
    lab.sweep().await;
    let open = lab.store.open_plans(&lab.cluster.id).await.unwrap();
    assert_eq!(open.len(), 1);
    lab.sync.run_plans(&lab.cluster.id).await;
    assert_eq!(lab.model.spec("a"), Some(json!({"partitions": 1, "config": {"x": "1"}})));
    assert_eq!(lab.status("a").await, Some(Status::Synced));
}

async fn drift_is_proposed_by_policy_and_not_again_once_it_was_turned_down(on: On) {
    let lab = Lab::with(on, &[]).await;
    lab.have(&[("a", json!({"partitions": 1, "config": {"x": "1"}}))]).await;
    lab.drift_policy(DriftPolicy::Propose).await;
    lab.model.put("a", json!({"partitions": 1, "config": {"x": "2"}}));
    lab.sweep().await;
    let proposed = [PlanState::Proposed];
    let plans = || async {
        let cluster = Some(&lab.cluster.id);
        lab.store.list_plans(&lab.cluster.organization, cluster, &proposed, None, 10).await.unwrap()
    };
    let waiting = plans().await;
    assert_eq!(waiting.len(), 1);
    lab.sync.cancel(&waiting.first().unwrap().id, &ann()).await.unwrap();
    lab.sweep().await;
    assert_eq!(plans().await, []);
}

async fn drift_is_accepted_ignored_and_let_go_by_people(on: On) {
    let lab = Lab::with(on, &[]).await;
    for id in ["accepted", "ignored", "released"] {
        lab.have(&[(id, json!({"partitions": 1, "config": {"x": "1"}}))]).await;
        lab.model.put(id, json!({"partitions": 1, "config": {"x": "2"}}));
    }
    lab.sweep().await;
    let cluster = lab.cluster().await;
    let row = lab.sync.accept(&cluster, &topic("accepted"), None, &ann()).await.unwrap();
    assert_eq!(
        (row.status, row.desired),
        (Status::Synced, Some(json!({"partitions": 1, "config": {"x": "2"}})))
    );
    let field = Some("/config/x".to_owned());
    let row = lab.sync.ignore(&cluster, &topic("ignored"), field, &ann()).await.unwrap();
    assert_eq!(row.status, Status::Synced);
    let row = lab.sync.release(&cluster, &topic("released"), &ann()).await.unwrap();
    assert_eq!((row.status, row.owned, row.desired), (Status::Unmanaged, false, None));
    let before = lab.versions().await;
    lab.sweep().await;
    assert_eq!(lab.versions().await, before);
}

async fn a_plan_that_people_overtook_is_stale(on: On) {
    let lab = Lab::with(on, &[]).await;
    let spec = |x: &str, y: &str| json!({"partitions": 1, "config": {"x": x, "y": y}});
    lab.have(&[("a", spec("1", "1")), ("b", spec("1", "1"))]).await;
    let released = lab.wish(&[("a", spec("2", "1"))]).await;
    let late = lab.wish(&[("b", spec("2", "1"))]).await;
    lab.sync.release(&lab.cluster().await, &topic("a"), &ann()).await.unwrap();
    lab.have(&[("b", spec("1", "2"))]).await;
    for plan in [released, late] {
        assert_eq!(lab.apply(&plan).await.state, PlanState::Stale);
    }
    assert_eq!(lab.model.spec("a"), Some(spec("1", "1")));
    assert_eq!(lab.model.spec("b"), Some(spec("1", "2")));
}
