//! What a cycle makes of what it sees.

use serde_json::json;

use super::{Lab, On, partitions};
use crate::domain::cluster::Reach;
use crate::domain::policy::DriftPolicy;
use crate::domain::resource::Presence;
use crate::domain::status::Status;
use crate::pipelines::sync::Depth;

super::on_both! {
    a_first_sweep_shows_all_and_owns_nothing,
    an_unchanged_world_writes_no_row,
    what_stands_as_it_was_listed_is_not_listed_again,
    what_was_not_listed_whole_is_listed_again,
    what_changed_appeared_and_went_is_noticed,
    a_brief_sweep_keeps_what_it_does_not_cover,
    a_lost_page_makes_nothing_absent,
    what_a_listing_names_as_a_failure_is_not_absent,
    what_is_ours_is_read_by_name_before_it_is_absent,
    a_change_behind_our_back_is_drift_and_its_end_is_synced,
    another_cluster_under_the_address_stops_everything,
    a_dead_cluster_is_said_once_and_backs_off,
    adopting_begins_with_a_proposal_and_the_next_cycle_plans_nothing,
}

async fn a_first_sweep_shows_all_and_owns_nothing(on: On) {
    let lab = Lab::with(
        on,
        &[
            ("a", partitions(1)),
            ("b", partitions(2)),
            ("c", partitions(3)),
            ("d", partitions(4)),
            ("__internal", partitions(5)),
        ],
    )
    .await;
    let row = lab.row("d").await.unwrap();
    assert_eq!((row.status, row.owned, row.observed), (Status::Unmanaged, false, partitions(4)));
    assert!(lab.row("__internal").await.unwrap().internal);
    assert_eq!(lab.versions().await.len(), 5);
}

async fn an_unchanged_world_writes_no_row(on: On) {
    let lab =
        Lab::with(on, &[("a", partitions(1)), ("b", json!({"partitions": 1, "config": {"x": "1"}}))]).await;
    lab.have(&[("c", partitions(3))]).await;
    lab.sweep().await;
    let (before, cluster, events) = (lab.versions().await, lab.cluster().await, lab.events().await);
    for depth in [Depth::Full, Depth::Brief, Depth::Full] {
        let report = lab.sync.cycle(&lab.cluster.id, depth).await;
        assert_eq!(report.error, None);
        let kinds = report.types.first().unwrap();
        assert_eq!((kinds.seen, kinds.new, kinds.changed, kinds.gone), (3, 0, 0, 0));
    }
    assert_eq!(lab.versions().await, before);
    assert_eq!(lab.cluster().await, cluster);
    assert_eq!(lab.events().await, events);
}

/// The questions that a cycle asks for its listing.
async fn lists(lab: &Lab, depth: Depth) -> usize {
    let before = lab.model.world().lists;
    let report = lab.sync.cycle(&lab.cluster.id, depth).await;
    assert_eq!(report.error, None);
    let after = lab.model.world().lists;
    after - before
}

async fn what_stands_as_it_was_listed_is_not_listed_again(on: On) {
    let topics = ["a", "b", "c", "d"].map(|id| (id, partitions(1)));
    let lab = Lab::with(on, &topics).await;
    lab.model.world().tells_version = true;
    assert_eq!(lists(&lab, Depth::Full).await, 2);
    assert_eq!(lists(&lab, Depth::Brief).await, 1);
    let report = lab.sync.cycle(&lab.cluster.id, Depth::Brief).await;
    let seen = report.types.first().unwrap();
    assert_eq!((seen.seen, seen.complete), (4, true), "what is known to stand was seen");
    assert_eq!(lists(&lab, Depth::Full).await, 2, "nobody's word is taken for it");
    lab.model.put("d", partitions(2));
    assert_eq!(lists(&lab, Depth::Brief).await, 2);
    assert_eq!(lab.row("d").await.unwrap().observed, partitions(2));
    assert_eq!(lists(&lab, Depth::Brief).await, 1);
    lab.drift_policy(DriftPolicy::Revert).await;
    assert_eq!(lists(&lab, Depth::Brief).await, 2, "other rules judge it anew");
    assert_eq!(lists(&lab, Depth::Brief).await, 1);
}

async fn what_was_not_listed_whole_is_listed_again(on: On) {
    let lab = Lab::with(on, &[("a", partitions(1)), ("b", partitions(1))]).await;
    lab.model.world().tells_version = true;
    lab.model.put("b", partitions(2));
    lab.model.world().unreadable.insert("b".to_owned());
    lists(&lab, Depth::Full).await;
    lab.model.world().unreadable.clear();
    lists(&lab, Depth::Brief).await;
    assert_eq!(lab.row("b").await.unwrap().observed, partitions(2));
    // A row that was written when the listing began is not taken from it, so that its word is not taken for the row either.
    lab.model.world().page_size = 1;
    lab.have(&[("b", partitions(3))]).await;
    let mut row = lab.row("b").await.unwrap();
    row.written_at_ms = Some(i64::MAX);
    let mut tx = lab.store.begin().await.unwrap();
    assert_eq!(tx.save_resources(&lab.cluster.id, &mut [row]).await.unwrap(), []);
    tx.commit().await.unwrap();
    assert_eq!(lists(&lab, Depth::Full).await, 2);
    assert_eq!(lists(&lab, Depth::Brief).await, 2);
}

async fn what_changed_appeared_and_went_is_noticed(on: On) {
    let lab = Lab::with(on, &[("a", partitions(1)), ("b", partitions(1)), ("c", partitions(1))]).await;
    lab.model.put("b", partitions(2));
    lab.model.take("c");
    lab.model.put("aa", partitions(1));
    let report = lab.sweep().await;
    let topics = report.types.first().unwrap();
    assert_eq!((topics.seen, topics.new, topics.changed, topics.gone), (3, 1, 1, 1));
    assert_eq!(lab.row("b").await.unwrap().observed, partitions(2));
    assert_eq!(lab.row("c").await, None);
}

async fn a_brief_sweep_keeps_what_it_does_not_cover(on: On) {
    let lab = Lab::with(on, &[("a", json!({"partitions": 1, "config": {"x": "1"}}))]).await;
    lab.model.put("a", json!({"partitions": 2, "config": {"x": "2"}}));
    lab.sync.cycle(&lab.cluster.id, Depth::Brief).await;
    let row = lab.row("a").await.unwrap();
    assert_eq!(row.observed, json!({"partitions": 2, "config": {"x": "1"}}));
    assert!(!row.partial);
    lab.sweep().await;
    assert_eq!(lab.row("a").await.unwrap().observed, json!({"partitions": 2, "config": {"x": "2"}}));
}

async fn a_lost_page_makes_nothing_absent(on: On) {
    let lab = Lab::with(on, &[("a", partitions(1)), ("z", partitions(1))]).await;
    lab.have(&[("b", partitions(1)), ("c", partitions(1)), ("d", partitions(1))]).await;
    lab.model.world().copies.clear();
    lab.model.put("a", partitions(7));
    lab.model.put("b", partitions(1));
    lab.model.put("m", partitions(1));
    lab.model.put("n", partitions(1));
    lab.model.world().lost_page = Some(1);
    let report = lab.sync.cycle(&lab.cluster.id, Depth::Full).await;
    assert!(!report.types.first().unwrap().complete);
    assert_eq!(lab.row("a").await.unwrap().observed, partitions(7));
    assert_eq!(lab.row("c").await.unwrap().presence, Presence::Present);
    assert_eq!(lab.row("z").await.unwrap().presence, Presence::Present);
}

async fn what_a_listing_names_as_a_failure_is_not_absent(on: On) {
    let lab = Lab::with(on, &[("a", partitions(1)), ("b", partitions(1))]).await;
    lab.model.world().unreadable.insert("b".to_owned());
    let report = lab.sweep().await;
    assert_eq!(report.types.first().unwrap().failures.len(), 1);
    assert_eq!(lab.row("b").await.unwrap().presence, Presence::Present);
}

async fn what_is_ours_is_read_by_name_before_it_is_absent(on: On) {
    let lab = Lab::with(on, &[]).await;
    lab.have(&[("a", partitions(1)), ("b", partitions(1))]).await;
    lab.model.world().hidden.insert("a".to_owned());
    lab.model.take("b");
    lab.sweep().await;
    assert_eq!(lab.status("a").await, Some(Status::Synced));
    let gone = lab.row("b").await.unwrap();
    assert_eq!((gone.presence, gone.status, gone.owned), (Presence::Absent, Status::Drifted, true));
    let gets = lab.model.world().gets;
    let before = lab.versions().await;
    lab.model.world().hidden.clear();
    lab.sweep().await;
    // What is known to be absent is not asked for again.
    assert_eq!(lab.versions().await, before);
    assert_eq!(lab.model.world().gets, gets);
}

async fn a_change_behind_our_back_is_drift_and_its_end_is_synced(on: On) {
    let lab = Lab::with(on, &[]).await;
    lab.have(&[("a", json!({"partitions": 1, "config": {"x": "1"}}))]).await;
    lab.model.put("a", json!({"partitions": 1, "config": {"x": "2", "y": "3"}}));
    lab.sweep().await;
    assert_eq!(lab.status("a").await, Some(Status::Drifted));
    assert!(lab.events().await.contains(&"resource.drifted topic/a".to_owned()));
    lab.model.put("a", json!({"partitions": 1, "config": {"x": "1", "y": "3"}}));
    lab.sweep().await;
    assert_eq!(lab.status("a").await, Some(Status::Synced));
}

async fn another_cluster_under_the_address_stops_everything(on: On) {
    let lab = Lab::with(on, &[("a", partitions(1))]).await;
    lab.model.world().identity = "two".to_owned();
    lab.model.put("b", partitions(1));
    let report = lab.sync.cycle(&lab.cluster.id, Depth::Full).await;
    assert!(report.error.unwrap().contains("rebind"));
    assert_eq!(lab.cluster().await.reach, Reach::Foreign { found: "two".to_owned() });
    assert_eq!(lab.row("b").await, None);
    let lists = lab.model.world().lists;
    lab.sync.cycle(&lab.cluster.id, Depth::Full).await;
    assert_eq!(lab.model.world().lists, lists);
}

async fn a_dead_cluster_is_said_once_and_backs_off(on: On) {
    let lab = Lab::with(on, &[("a", partitions(1))]).await;
    lab.model.world().down = true;
    for _ in 0..3 {
        let report = lab.sync.cycle(&lab.cluster.id, Depth::Full).await;
        assert!(report.unreachable);
    }
    let Reach::Unreachable { failures, .. } = lab.cluster().await.reach else { panic!("it is down") };
    assert_eq!(failures, 3);
    lab.model.world().down = false;
    lab.sweep().await;
    assert_eq!(lab.cluster().await.reach, Reach::Reachable);
    let events = lab.events().await;
    let said = |kind: &str| events.iter().filter(|event| **event == format!("{kind} lab")).count();
    assert_eq!((said("cluster.unreachable"), said("cluster.reachable")), (1, 2));
    assert_eq!(lab.row("a").await.unwrap().presence, Presence::Present);
}

async fn adopting_begins_with_a_proposal_and_the_next_cycle_plans_nothing(on: On) {
    let lab = Lab::start(on).await;
    let mut cluster = lab.cluster().await;
    cluster.authority = crate::domain::policy::Authority::Adopt;
    let mut tx = lab.store.begin().await.unwrap();
    assert!(tx.save_cluster(&mut cluster).await.unwrap());
    tx.commit().await.unwrap();
    lab.model.put("a", partitions(1));
    lab.model.put("__b", partitions(1));
    lab.sweep().await;
    let plans = || async {
        let id = Some(&lab.cluster.id);
        lab.store.list_plans(&lab.cluster.organization, id, &[], None, 10).await.unwrap()
    };
    let proposed = plans().await;
    let steps: Vec<&str> =
        proposed.iter().flat_map(|plan| &plan.steps).map(|step| step.key.id.as_str()).collect();
    assert_eq!(steps, ["a"]);
    lab.apply(proposed.first().unwrap()).await;
    assert_eq!(lab.status("a").await, Some(Status::Synced));
    lab.sweep().await;
    assert_eq!(plans().await.len(), 1);
    assert!(lab.model.world().done.is_empty());
}
