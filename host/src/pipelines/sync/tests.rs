//! Stories of execution, over a model backend and the real store.

/// Each story on both databases.
macro_rules! on_both {
    ($($story:ident),* $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $story() {
                super::$story(super::On::Sqlite).await;
            })*
        }
        mod on_postgres {
            $(#[tokio::test]
            async fn $story() {
                super::$story(super::On::Postgres).await;
            })*
        }
    };
}
use on_both;

mod applying;
mod crashes;
mod operating;
mod recording;
mod reloading;
mod sweeping;

use std::sync::Arc;

use serde_json::{Value, json};

use super::plan::Raised;
use super::testing::{Model, TestClock, sync_over, topic};
use super::{Approval, Asked, Depth, ProposeRequest, RawDocument, Sync};
use crate::domain::cluster::Cluster;
use crate::domain::plan::{Plan, PlanState};
use crate::domain::policy::{Policy, PolicyEntry, PolicySubject};
use crate::domain::record::By;
use crate::domain::resource::Resource;
use crate::domain::status::Status;
use crate::store::Store;
use crate::store::testing::{self as stores, Backend, Postgres, Sqlite};

/// The database that a story is told on.
#[derive(Clone, Copy)]
enum On {
    Sqlite,
    Postgres,
}

/// Removed with the story.
enum Database {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Database {
    async fn start(on: On) -> Self {
        match on {
            On::Sqlite => Self::Sqlite(Sqlite::start()),
            On::Postgres => Self::Postgres(Postgres::start().await),
        }
    }

    async fn open(&self) -> Store {
        match self {
            Self::Sqlite(database) => database.open().await,
            Self::Postgres(database) => database.open().await,
        }
    }
}

/// A cluster `lab`, registered, and everything to work on it.
struct Lab {
    _database: Database,
    store: Store,
    model: Arc<Model>,
    sync: Sync,
    cluster: Cluster,
}

impl Lab {
    async fn start(on: On) -> Self {
        let database = Database::start(on).await;
        let store = database.open().await;
        let clock = Arc::new(TestClock::default());
        let model = Model::start(&clock);
        let sync = sync_over(&store, &model);
        let mut cluster = stores::cluster("lab");
        cluster.kind = "model".to_owned();
        let mut tx = store.begin().await.unwrap();
        assert!(tx.insert_cluster(&cluster).await.unwrap());
        tx.commit().await.unwrap();
        Self { _database: database, store, model, sync, cluster }
    }

    /// A cluster that holds these already, and was swept.
    async fn with(on: On, topics: &[(&str, Value)]) -> Self {
        let lab = Self::start(on).await;
        for (id, spec) in topics {
            lab.model.put(id, spec.clone());
        }
        lab.sweep().await;
        lab
    }

    async fn sweep(&self) -> super::CycleReport {
        let report = self.sync.cycle(&self.cluster.id, Depth::Full).await;
        assert_eq!(report.error, None);
        report
    }

    async fn cluster(&self) -> Cluster {
        self.store.find_cluster_by_id(&self.cluster.id).await.unwrap().unwrap()
    }

    async fn set_paused(&self, paused: bool) {
        let mut tx = self.store.begin().await.unwrap();
        assert!(tx.save_cluster(&mut Cluster { paused, ..self.cluster().await }).await.unwrap());
        tx.commit().await.unwrap();
    }

    async fn row(&self, id: &str) -> Option<Resource> {
        self.store.find_resource(&self.cluster.id, &topic(id)).await.unwrap()
    }

    async fn status(&self, id: &str) -> Option<Status> {
        self.row(id).await.map(|row| row.status)
    }

    async fn propose(&self, asked: Asked) -> Plan {
        let request = ProposeRequest { asked, raised: Raised::default(), complete: false, dry_run: false };
        self.sync.propose(&self.cluster().await, request, &ann()).await.unwrap()
    }

    async fn wish(&self, topics: &[(&str, Value)]) -> Plan {
        self.propose(Asked::Documents(topics.iter().map(|(id, spec)| document(id, spec)).collect())).await
    }

    async fn approve(&self, plan: &Plan) {
        let approval = Approval { allow_destructive: true, ..Approval::default() };
        self.sync.approve(&plan.id, approval, &ann()).await.unwrap();
    }

    /// Approves it and carries it out, as far as it goes.
    async fn apply(&self, plan: &Plan) -> Plan {
        self.approve(plan).await;
        self.sync.run_plans(&self.cluster.id).await;
        self.plan(plan).await
    }

    async fn plan(&self, plan: &Plan) -> Plan {
        self.store.find_plan(&plan.id).await.unwrap().unwrap()
    }

    /// Wishes for them, and has them.
    async fn have(&self, topics: &[(&str, Value)]) -> Plan {
        let plan = self.wish(topics).await;
        let plan = self.apply(&plan).await;
        assert_eq!(plan.state, PlanState::Applied, "{plan:#?}");
        plan
    }

    async fn drift_policy(&self, drift: crate::domain::policy::DriftPolicy) {
        let subject = PolicySubject { metadata_type: None, id: None };
        let policy = Policy { drift: Some(drift), ..Policy::default() };
        let mut tx = self.store.begin().await.unwrap();
        tx.save_policy(&self.cluster.id, &PolicyEntry { subject, policy }).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// The versions of all rows: equal before and after, no row was written.
    async fn versions(&self) -> Vec<(String, i64)> {
        let filter = crate::store::ResourceFilter::default();
        let rows = self.store.list_resources(&self.cluster.id, &filter, None, 1_000).await.unwrap();
        rows.into_iter().map(|row| (row.key.id, row.version)).collect()
    }

    async fn events(&self) -> Vec<String> {
        let events = self.store.list_events(&self.cluster.organization, None, None, 1_000).await.unwrap();
        events.into_iter().map(|event| format!("{} {}", event.kind, event.subject)).collect()
    }

    fn done(&self) -> Vec<String> {
        self.model.world().done.clone()
    }
}

fn ann() -> By {
    By { actor: "ann".to_owned(), request_id: Some("r-1".to_owned()) }
}

fn document(id: &str, spec: &Value) -> RawDocument {
    let (spec, delete) = if spec.is_null() { (None, true) } else { (Some(spec.clone()), false) };
    RawDocument { metadata_type: "topic".to_owned(), name: id.to_owned(), at: None, spec, delete }
}

fn partitions(count: u32) -> Value {
    json!({"partitions": count})
}
