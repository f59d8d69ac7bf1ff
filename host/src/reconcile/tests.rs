//! Reconcilers over model clusters: nobody waits for another.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use serde_json::json;

use super::{Metrics, Reconciler, Settings, SweepError};
use crate::clock::SharedClock;
use crate::domain::cluster::Cluster;
use crate::domain::id::ClusterId;
use crate::domain::plan::PlanState;
use crate::domain::record::By;
use crate::pipelines::sync::plan::Raised;
use crate::pipelines::sync::testing::{Loaded, Model, Models, TestClock, timing};
use crate::pipelines::sync::{Approval, Asked, ProposeRequest, RawDocument, Sync};
use crate::store::testing::{self as stores, Backend, Sqlite};
use crate::store::{ResourceFilter, Store};

struct Host {
    _database: Sqlite,
    store: Store,
    sync: Sync,
    models: BTreeMap<String, Arc<Model>>,
    reconciler: Reconciler,
    metrics: Registry,
}

fn settings() -> Settings {
    Settings {
        interval: Duration::from_millis(20),
        refresh: Duration::from_millis(20),
        grace: Duration::from_millis(200),
        ..Settings::default()
    }
}

impl Host {
    async fn start(names: &[&str]) -> Self {
        Self::start_with(names, settings()).await
    }

    async fn start_with(names: &[&str], settings: Settings) -> Self {
        let database = Sqlite::start();
        let store = database.open().await;
        let clock = Arc::new(TestClock::default());
        let models: BTreeMap<String, Arc<Model>> =
            ["one", "two", "three"].map(|name| (name.to_owned(), Model::start(&clock))).into();
        for (name, model) in &models {
            model.world().identity.clone_from(name);
        }
        let kinds = Arc::new(Loaded(Arc::new(Models(models.clone()))));
        let clock: SharedClock = clock;
        let sync = Sync::new(store.clone(), kinds, Arc::clone(&clock), timing());
        for name in names {
            add(&store, name).await;
        }
        let mut metrics = Registry::default();
        let own = Metrics::register(&mut metrics);
        let reconciler = Reconciler::start(sync.clone(), store.clone(), clock, settings, own);
        Self { _database: database, store, sync, models, reconciler, metrics }
    }

    fn lists(&self, name: &str) -> usize {
        self.models[name].world().lists
    }

    async fn until(&self, what: &str, holds: impl AsyncFn(&Self) -> bool) {
        let waiting = async {
            while !holds(self).await {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), waiting)
            .await
            .unwrap_or_else(|_| panic!("never: {what}"));
    }
}

async fn add(store: &Store, name: &str) -> Cluster {
    let mut cluster = stores::cluster(name);
    cluster.kind = "model".to_owned();
    let mut tx = store.begin().await.unwrap();
    assert!(tx.insert_cluster(&cluster).await.unwrap());
    tx.commit().await.unwrap();
    cluster
}

async fn cluster(host: &Host, name: &str) -> Cluster {
    let clusters = host.store.all_clusters().await.unwrap();
    clusters.into_iter().find(|cluster| cluster.name == name).unwrap()
}

#[tokio::test]
async fn a_hanging_and_a_dead_cluster_delay_nobody() {
    let host = Host::start(&[]).await;
    host.models["two"].world().hangs = true;
    host.models["three"].world().down = true;
    for name in ["two", "three", "one"] {
        add(&host.store, name).await;
    }
    host.until("five cycles", async |host| host.lists("one") >= 5).await;
    assert_eq!((host.lists("two"), host.lists("three")), (0, 0));
    let hanging = cluster(&host, "two").await;
    let waits = tokio::time::timeout(Duration::from_millis(50), host.reconciler.sweep_now(&hanging.id)).await;
    assert!(waits.is_err());
    // Stopping does not wait for what hangs.
    tokio::time::timeout(Duration::from_secs(20), host.reconciler.shutdown()).await.unwrap();
}

#[tokio::test]
async fn a_sweep_that_is_asked_for_comes_at_once_and_is_answered() {
    let host = Host::start(&["one"]).await;
    host.models["one"].put("a", json!({"partitions": 1}));
    let one = cluster(&host, "one").await;
    let report = host.reconciler.sweep_now(&one.id).await.unwrap();
    assert_eq!((report.error, report.types.first().unwrap().seen), (None, 1));
    let nobody = ClusterId("nobody".to_owned());
    assert!(matches!(host.reconciler.sweep_now(&nobody).await, Err(SweepError::NoCluster(_))));
    host.reconciler.shutdown().await;
    assert!(matches!(host.reconciler.sweep_now(&one.id).await, Err(SweepError::Stopping)));
}

#[tokio::test]
async fn an_approved_plan_is_carried_out_after_a_nudge() {
    let host = Host::start(&["one"]).await;
    let one = cluster(&host, "one").await;
    host.reconciler.sweep_now(&one.id).await.unwrap();
    let one = cluster(&host, "one").await;
    let document = RawDocument {
        metadata_type: "topic".to_owned(),
        name: "a".to_owned(),
        at: None,
        spec: Some(json!({"partitions": 1})),
        delete: false,
    };
    let asked = Asked::Documents(vec![document]);
    let request = ProposeRequest { asked, raised: Raised::default(), complete: false, dry_run: false };
    let plan = host.sync.propose(&one, request, &By::host()).await.unwrap();
    host.sync.approve(&plan.id, Approval::default(), &By::host()).await.unwrap();
    host.reconciler.nudge(&one.id);
    let applied = async |host: &Host| {
        host.store.find_plan(&plan.id).await.unwrap().unwrap().state == PlanState::Applied
    };
    host.until("the plan is applied", applied).await;
    assert!(host.models["one"].spec("a").is_some());
    host.reconciler.shutdown().await;
}

/// The reconciler may save the row at the same moment.
async fn set_paused(host: &Host, name: &str, is_paused: bool) -> ClusterId {
    loop {
        let mut row = cluster(host, name).await;
        row.paused = is_paused;
        let mut tx = host.store.begin().await.unwrap();
        if tx.save_cluster(&mut row).await.unwrap() {
            tx.commit().await.unwrap();
            host.reconciler.nudge(&row.id);
            return row.id;
        }
    }
}

#[tokio::test]
async fn a_resumed_cluster_is_compared_in_full_at_once_and_a_paused_one_keeps_what_is_known() {
    let hour = Duration::from_hours(1);
    let host = Host::start_with(&["one"], Settings { interval: hour, full_every: hour, ..settings() }).await;
    host.models["one"].put("a", json!({"partitions": 1, "note": "before"}));
    let id = cluster(&host, "one").await.id;
    host.reconciler.sweep_now(&id).await.unwrap();
    set_paused(&host, "one", true).await;
    let known = async |host: &Host| {
        let rows = host.store.list_resources(&id, &ResourceFilter::default(), None, 9).await.unwrap();
        rows.first().map(|row| row.observed["note"].clone()).unwrap_or_default()
    };
    host.until("the reconciler saw the pause", async |host| host.reconciler.tasks().contains_key(&id)).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let calls = host.lists("one");
    host.models["one"].put("a", json!({"partitions": 1, "note": "after"}));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(
        (host.lists("one"), known(&host).await),
        (calls, json!("before")),
        "no call is made, what is known stays"
    );
    set_paused(&host, "one", false).await;
    // What only a full listing tells.
    host.until("it is compared in full", async |host| known(host).await == json!("after")).await;
    host.reconciler.shutdown().await;
}

#[tokio::test]
async fn a_paused_cluster_is_not_called_and_a_removed_one_is_let_go() {
    let host = Host::start(&["one", "two"]).await;
    host.until("both are swept", async |host| host.lists("one") > 0 && host.lists("two") > 0).await;
    let removed = cluster(&host, "two").await;
    // The reconciler may save the row at the same moment.
    loop {
        let mut paused = cluster(&host, "one").await;
        paused.paused = true;
        let mut tx = host.store.begin().await.unwrap();
        if tx.save_cluster(&mut paused).await.unwrap() {
            tx.delete_cluster(&removed.id).await.unwrap();
            tx.commit().await.unwrap();
            break;
        }
    }
    let paused = cluster(&host, "one").await;
    let report = host.reconciler.sweep_now(&paused.id).await.unwrap();
    assert!(report.error.unwrap().contains("paused"));
    host.until("the removed one is forgotten", async |host| {
        !host.reconciler.tasks().contains_key(&removed.id)
    })
    .await;
    let (one, two) = (host.lists("one"), host.lists("two"));
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!((host.lists("one"), host.lists("two")), (one, two));
    host.reconciler.shutdown().await;
}

#[tokio::test]
async fn it_is_told_how_late_cycles_begin_and_how_they_end() {
    let host = Host::start(&["one"]).await;
    host.until("it is listed", async |host| host.lists("one") > 1).await;
    host.reconciler.shutdown().await;
    let mut text = String::new();
    encode(&mut text, &host.metrics).unwrap();
    let count = |name: &str| -> u32 {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{text}"));
        line.trim().parse().unwrap()
    };
    assert!(count("cycle_lag_seconds_count") >= count(r#"cycle_duration_seconds_count{outcome="complete"}"#));
    assert!(count(r#"cycle_duration_seconds_count{outcome="complete"}"#) > 0);
}
