//! Records are found by every filter, page by page, outlive their cluster, and are told to nobody where nothing was done.

use serde_json::{Value, json};

use super::aggregates::plan;
use super::{Backend, Postgres, Sqlite, insert_cluster};
use crate::domain::cluster::Cluster;
use crate::domain::policy::{Policy, PolicyEntry, PolicySubject};
use crate::domain::record::{By, Change, RecordFilter, RecordOutcome};
use crate::store::testing::resource;
use crate::store::{RestoreOptions, Store};

on_both! {
    async fn records_are_found_by_every_filter_and_page_by_page(backend) {
        let store = backend.open().await;
        let lab = insert_cluster(&store, "lab").await;
        keep(&store, Some(&lab), &ann(Some("r-1")), &[
            Change::new("cluster.pause", "lab").before(json!({"paused": false})).after(json!({"paused": true})),
            Change::new("step.create", "topic/Pay_audit").part_of("p1").ended(RecordOutcome::Failed)
                .saying(Some("refused".to_owned())),
            Change::new("step.create", "topic/payXaudit").part_of("p1"),
        ]).await;
        keep(&store, None, &By::host(), &[Change::new("token.create", "ci")]).await;
        let all = RecordFilter::default();
        let found = |filter: RecordFilter| subjects(&store, &lab, filter);
        assert_eq!(found(all.clone()).await, ["ci", "topic/payXaudit", "topic/Pay_audit", "lab"]);
        let some = |text: &str| Some(text.to_owned());
        for (filter, expected) in [
            (RecordFilter { cluster: some("lab"), action: some("cluster."), ..all.clone() }, &["lab"][..]),
            (RecordFilter { cluster: some("la"), ..all.clone() }, &[]),
            (RecordFilter { actor: some("headgate"), ..all.clone() }, &["ci"]),
            (RecordFilter { action: some("step.cre"), subject: some("pay_A"), ..all.clone() }, &["topic/Pay_audit"]),
            (RecordFilter { action: some("create"), ..all.clone() }, &[]),
            (RecordFilter { outcomes: vec![RecordOutcome::Failed], ..all.clone() }, &["topic/Pay_audit"]),
            (RecordFilter { request_id: some("r-1"), part_of: some("p1"), ..all.clone() },
                &["topic/payXaudit", "topic/Pay_audit"]),
            (RecordFilter { request_id: some("r-2"), ..all.clone() }, &[]),
            (RecordFilter { since_ms: Some(i64::MAX), ..all.clone() }, &[]),
            (RecordFilter { until_ms: Some(1), ..all.clone() }, &[]),
            (RecordFilter { since_ms: Some(1), until_ms: Some(i64::MAX), subject: some("ci"), ..all.clone() }, &["ci"]),
        ] {
            assert_eq!(found(filter.clone()).await, expected, "{filter:?}");
        }

        let first = store.list_records(&lab.organization, &all, None, 2).await.unwrap();
        let rest = store.list_records(&lab.organization, &all, Some(&first[1].id), 9).await.unwrap();
        let [failed, paused] = &rest[..] else { panic!("{rest:?}") };
        assert_eq!((&failed.change.message, failed.change.outcome), (&some("refused"), RecordOutcome::Failed));
        assert_eq!(paused.change.before, Some(json!({"paused": false})));
        assert_eq!(paused.change.after, Some(json!({"paused": true})));
        assert_eq!((&paused.cluster, &paused.by), (&Some(lab.id.clone()), &ann(Some("r-1"))));
    }

    async fn a_plan_of_thousands_of_steps_is_kept_in_batches_and_in_order(backend) {
        let store = backend.open().await;
        let lab = insert_cluster(&store, "lab").await;
        let changes: Vec<Change> = (0..1_203).map(|at| Change::new("step.edit", format!("topic/{at:05}"))).collect();
        keep(&store, Some(&lab), &ann(None), &changes).await;
        let kept = store.list_records(&lab.organization, &RecordFilter::default(), None, 5_000).await.unwrap();
        assert!(kept.iter().rev().map(|record| &record.change).eq(&changes));
        let mut tx = store.begin().await.unwrap();
        assert_eq!(tx.prune_records(kept[0].at_ms).await.unwrap(), 0, "those of that moment stay");
        assert_eq!(tx.prune_records(kept[0].at_ms + 1).await.unwrap(), 1_203);
    }

    async fn a_change_that_did_not_happen_leaves_no_record(backend) {
        let store = backend.open().await;
        let lab = insert_cluster(&store, "lab").await;
        let mut tx = store.begin().await.unwrap();
        let change = Change::new("cluster.pause", "lab");
        tx.keep(&lab.organization, Some(&lab), &ann(None), &[change]).await.unwrap();
        drop(tx);
        assert_eq!(subjects(&store, &lab, RecordFilter::default()).await, Vec::<String>::new());
    }

    async fn what_goes_with_a_cluster_is_counted_and_its_records_stay(backend) {
        let store = backend.open().await;
        let lab = insert_cluster(&store, "lab").await;
        let other = insert_cluster(&store, "other").await;
        let mut theirs = resource("theirs");
        theirs.owned = false;
        let subject = PolicySubject { metadata_type: None, id: None };
        let policy = Policy { protect: Some(true), ..Policy::default() };
        let mut tx = store.begin().await.unwrap();
        tx.save_resources(&lab.id, &mut [resource("ours"), theirs]).await.unwrap();
        tx.save_resources(&other.id, &mut [resource("far")]).await.unwrap();
        tx.save_secret(&lab.id, "password", b"x").await.unwrap();
        tx.save_policy(&lab.id, &PolicyEntry { subject, policy }).await.unwrap();
        tx.insert_plan(&plan(&lab.id, 1)).await.unwrap();
        let went = json!(tx.count_belongings(&lab.id).await.unwrap());
        assert_eq!(went, json!({
            "resources": {"topic": 2}, "owned": {"topic": 1}, "plans": {"proposed": 1}, "policies": {"": 1},
            "secrets": {"": 1},
        }));
        let tombstone = Change::new("cluster.remove", "lab").before(went.clone());
        tx.keep(&lab.organization, Some(&lab), &ann(None), &[tombstone]).await.unwrap();
        tx.delete_cluster(&lab.id).await.unwrap();
        tx.commit().await.unwrap();
        let filter = RecordFilter { cluster: Some("lab".to_owned()), ..RecordFilter::default() };
        let left = store.list_records(&lab.organization, &filter, None, 9).await.unwrap();
        let told: Vec<(&str, Option<&Value>)> =
            left.iter().map(|one| (one.change.action.as_str(), one.change.before.as_ref())).collect();
        assert_eq!(told, [("cluster.remove", Some(&went))]);
    }

    async fn records_go_into_a_backup_and_come_back(backend) {
        let store = backend.open().await;
        let lab = insert_cluster(&store, "lab").await;
        let change = Change::new("cluster.pause", "lab").before(json!({"a": [1, null]})).part_of("p");
        keep(&store, Some(&lab), &ann(Some("r")), &[change]).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("backup");
        store.backup(&file).await.unwrap();
        let (target, key_path) = (Sqlite::start(), folder.path().join("key"));
        let into = RestoreOptions { url: target.url(), key_path: key_path.clone(), replace: false };
        crate::store::restore(&file, &into).await.unwrap();
        let key = crate::store::SealingKey::load(&key_path).unwrap();
        let options = crate::store::Options { url: target.url(), key };
        let restored = Store::open(options, std::sync::Arc::new(crate::clock::SystemClock)).await.unwrap();
        let all = RecordFilter::default();
        let before = store.list_records(&lab.organization, &all, None, 9).await.unwrap();
        assert_eq!(restored.list_records(&lab.organization, &all, None, 9).await.unwrap(), before);
        keep(&restored, None, &By::host(), &[Change::new("token.create", "late")]).await;
        assert_eq!(subjects(&restored, &lab, all).await, ["late", "lab"], "new ids go on after the old ones");
    }
}

fn ann(request_id: Option<&str>) -> By {
    By { actor: "token:ann".to_owned(), request_id: request_id.map(str::to_owned) }
}

async fn keep(store: &Store, cluster: Option<&Cluster>, by: &By, changes: &[Change]) {
    let organization = crate::domain::id::OrganizationId(crate::domain::id::DEFAULT_ORGANIZATION.to_owned());
    let mut tx = store.begin().await.unwrap();
    tx.keep(&organization, cluster, by, changes).await.unwrap();
    tx.commit().await.unwrap();
}

/// Newest first.
async fn subjects(store: &Store, lab: &Cluster, filter: RecordFilter) -> Vec<String> {
    let found = store.list_records(&lab.organization, &filter, None, 100).await.unwrap();
    found.into_iter().map(|record| record.change.subject).collect()
}
