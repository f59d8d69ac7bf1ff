//! The store on both databases: each test runs on SQLite and on PostgreSQL.

use serde_json::json;

use super::testing::{Backend, Postgres, Sqlite, cluster, resource};
use super::{Event, ResourceFilter, Store};
use crate::domain::id::{EventId, OrganizationId};
use crate::domain::place::Place;
use crate::domain::status::Status;

/// `name` becomes two tests, `name::sqlite` and `name::postgres`.
macro_rules! on_both {
    ($(async fn $name:ident($backend:ident) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn run<B: Backend>($backend: B) $body

            #[tokio::test]
            async fn sqlite() {
                run(Sqlite::start()).await;
            }

            #[tokio::test]
            async fn postgres() {
                run(Postgres::start().await).await;
            }
        }
    )*};
}

mod aggregates;
mod backup;
mod doors;
mod hosts;
mod opening;
mod plugins;
mod records;

on_both! {
    async fn a_cluster_reads_back_as_it_was_saved_and_is_guarded(backend) {
        let store = backend.open().await;
        let mut saved = cluster("lab");
        let mut tx = store.begin().await.unwrap();
        assert!(tx.insert_cluster(&saved).await.unwrap());
        assert!(!tx.insert_cluster(&cluster("lab")).await.unwrap(), "the name is taken");
        tx.commit().await.unwrap();
        assert_eq!(store.find_cluster(&saved.organization, "lab").await.unwrap(), Some(saved.clone()));

        let mut late = saved.clone();
        saved.identity = Some("xyz".to_owned());
        saved.paused = true;
        let mut tx = store.begin().await.unwrap();
        assert!(tx.save_cluster(&mut saved).await.unwrap());
        assert!(!tx.save_cluster(&mut late).await.unwrap(), "it changed meanwhile");
        tx.commit().await.unwrap();
        assert_eq!(store.clusters_with_identity("kafka", "xyz").await.unwrap(), [saved.clone()]);
        assert_eq!(store.find_cluster_by_id(&saved.id).await.unwrap(), Some(saved));
    }

    async fn copies_that_are_uneven_are_found_by_id(backend) {
        let store = backend.open().await;
        let lab = insert_cluster(&store, "lab").await;
        let copy = |id: &str, group: &str, queues: u32| {
            let mut row = resource(id);
            row.key.place = Place::Group(group.to_owned());
            row.observed = json!({"queues": queues});
            row
        };
        let mut internal = copy("system", "a", 1);
        internal.internal = true;
        let mut rows = [
            copy("alike", "a", 4),
            copy("alike", "b", 4),
            copy("half", "a", 4),
            copy("other", "a", 4),
            copy("other", "b", 8),
            internal,
        ];
        let mut tx = store.begin().await.unwrap();
        assert_eq!(tx.save_resources(&lab.id, &mut rows).await.unwrap(), []);
        tx.commit().await.unwrap();
        let uneven = |after: Option<&'static str>| store.list_uneven_ids(&lab.id, "topic", 2, after, 10);
        assert_eq!(uneven(None).await.unwrap(), ["half", "other"]);
        assert_eq!(uneven(Some("half")).await.unwrap(), ["other"]);
    }

    async fn resources_are_saved_in_batches_and_guarded_row_by_row(backend) {
        let store = backend.open().await;
        let lab = insert_cluster(&store, "lab").await;
        let mut rows: Vec<_> = (0..1_203).map(|number| resource(&format!("t{number:05}"))).collect();
        let mut tx = store.begin().await.unwrap();
        assert_eq!(tx.save_resources(&lab.id, &mut rows).await.unwrap(), []);
        tx.commit().await.unwrap();
        assert!(rows.iter().all(|row| row.version == 1));

        let mut late = rows[7].clone();
        rows[7].desired = Some(json!({"partitions": 6}));
        rows[7].status = Status::Pending;
        rows[8].revision = None;
        rows[8].written_at_ms = None;
        let mut gone = resource("gone");
        gone.version = 3;
        let mut again = resource("t00001");
        let mut tx = store.begin().await.unwrap();
        let refused = tx.save_resources(&lab.id, &mut rows[7..9]).await.unwrap();
        assert_eq!(refused, []);
        late.status = Status::Drifted;
        let mut batch = [late.clone(), gone.clone(), again.clone(), resource("new")];
        let refused = tx.save_resources(&lab.id, &mut batch).await.unwrap();
        assert_eq!(refused, [late.key.clone(), gone.key.clone(), again.key.clone()]);
        again.version = 1;
        tx.commit().await.unwrap();
        assert_eq!(store.find_resource(&lab.id, &rows[7].key).await.unwrap(), Some(rows[7].clone()));
        assert_eq!(store.find_resource(&lab.id, &rows[8].key).await.unwrap(), Some(rows[8].clone()));
        assert_eq!(store.find_resource(&lab.id, &gone.key).await.unwrap(), None);
        let keys: Vec<_> = rows.iter().map(|row| row.key.clone()).collect();
        assert_eq!(store.find_resources(&lab.id, &keys).await.unwrap(), rows);
    }

    async fn lists_go_bytewise_page_by_page_and_filter(backend) {
        let store = backend.open().await;
        let lab = insert_cluster(&store, "lab").await;
        let mut names = ["b", "a_b", "a-b", "B", "ab", "a", "ä", "a%b"];
        let mut rows: Vec<_> = names.iter().map(|name| resource(name)).collect();
        rows.push(resource("a"));
        rows[8].key.place = Place::Node("2".to_owned());
        rows[8].status = Status::Drifted;
        rows[0].internal = true;
        let mut tx = store.begin().await.unwrap();
        assert_eq!(tx.save_resources(&lab.id, &mut rows).await.unwrap(), []);
        tx.commit().await.unwrap();

        let filter = ResourceFilter { metadata_type: Some("topic".to_owned()), ..ResourceFilter::default() };
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let page = store.list_resources(&lab.id, &filter, after, 2).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some((last.key.id.clone(), last.key.place.clone()));
            seen.extend(page.into_iter().map(|row| row.key));
        }
        let mut expected: Vec<_> = rows.iter().map(|row| row.key.clone()).collect();
        expected.sort();
        assert_eq!(seen, expected);

        names.sort_unstable();
        let of = |filter: ResourceFilter| {
            let (store, id) = (store.clone(), lab.id.clone());
            async move {
                let rows = store.list_resources(&id, &filter, None, 100).await.unwrap();
                rows.into_iter().map(|row| row.key.id).collect::<Vec<_>>()
            }
        };
        let pattern = |text: &str| ResourceFilter { pattern: Some(text.to_owned()), ..Default::default() };
        assert_eq!(of(pattern("a_*")).await, ["a_b"]);
        assert_eq!(of(pattern("*b")).await, ["a%b", "a-b", "a_b", "ab", "b"]);
        assert_eq!(of(pattern("a%*")).await, ["a%b"]);
        assert_eq!(of(ResourceFilter { statuses: vec![Status::Drifted], ..Default::default() }).await, ["a"]);
        assert_eq!(of(ResourceFilter { internal: Some(true), ..Default::default() }).await, ["b"]);
        let mut across = ResourceFilter { after_type: Some("topic".to_owned()), ..Default::default() };
        let rest = store.list_resources(&lab.id, &across, Some(("b".to_owned(), Place::Cluster)), 9).await.unwrap();
        assert_eq!(rest.len(), 1);
        across.after_type = Some("zzz".to_owned());
        let rest = store.list_resources(&lab.id, &across, Some((String::new(), Place::Cluster)), 9).await.unwrap();
        assert!(rest.is_empty());
        let counts = store.count_resources(&lab.id).await.unwrap();
        assert_eq!(counts.iter().map(|count| count.count).sum::<u64>(), 9);
    }

    async fn events_follow_their_commit_and_a_dropped_transaction_says_nothing(backend) {
        let store = backend.open().await;
        let mut follower = store.subscribe_events();
        let mut tx = store.begin().await.unwrap();
        tx.insert_event(&event("plan.applied")).await.unwrap();
        drop(tx);
        let mut tx = store.begin().await.unwrap();
        let first = tx.insert_event(&event("cluster.added")).await.unwrap();
        let second = tx.insert_event(&event("cluster.reachable")).await.unwrap();
        assert!(second > first);
        tx.commit().await.unwrap();
        assert_eq!(follower.recv().await.unwrap().id, first);
        assert_eq!(follower.recv().await.unwrap().id, second);
        let listed = store.list_events(&event("").organization, None, Some(&first), 10).await.unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!((&listed[0].id, listed[0].kind.as_str()), (&second, "cluster.reachable"));
        assert_eq!(store.newest_event_id().await.unwrap(), Some(second));
    }
}

async fn insert_cluster(store: &Store, name: &str) -> crate::domain::cluster::Cluster {
    let cluster = cluster(name);
    let mut tx = store.begin().await.unwrap();
    assert!(tx.insert_cluster(&cluster).await.unwrap());
    tx.commit().await.unwrap();
    cluster
}

fn event(kind: &str) -> Event {
    Event {
        id: EventId(String::new()),
        at_ms: 5,
        organization: OrganizationId(crate::domain::id::DEFAULT_ORGANIZATION.to_owned()),
        cluster: None,
        kind: kind.to_owned(),
        subject: "lab".to_owned(),
        data: json!({"n": 1}),
        actor: "test".to_owned(),
    }
}
