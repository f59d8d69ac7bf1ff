//! Stories of execution, over a model backend and the real store.

mod applying;
mod crashes;
mod sweeping;

use std::sync::Arc;

use serde_json::{Value, json};

use super::plan::Raised;
use super::testing::{Model, TestClock, sync_over, topic};
use super::{Approval, Asked, Depth, ProposeRequest, RawDocument, Sync};
use crate::domain::cluster::Cluster;
use crate::domain::plan::{Plan, PlanState};
use crate::domain::policy::{Policy, PolicyEntry, PolicySubject};
use crate::domain::resource::Resource;
use crate::domain::status::Status;
use crate::store::Store;
use crate::store::testing::{self as stores, Backend, Sqlite};

/// A cluster `lab`, registered, and everything to work on it.
struct Lab {
    _database: Sqlite,
    store: Store,
    model: Arc<Model>,
    sync: Sync,
    cluster: Cluster,
}

impl Lab {
    async fn start() -> Self {
        let database = Sqlite::start();
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
    async fn with(topics: &[(&str, Value)]) -> Self {
        let lab = Self::start().await;
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

    async fn row(&self, id: &str) -> Option<Resource> {
        self.store.find_resource(&self.cluster.id, &topic(id)).await.unwrap()
    }

    async fn status(&self, id: &str) -> Option<Status> {
        self.row(id).await.map(|row| row.status)
    }

    async fn propose(&self, asked: Asked) -> Plan {
        let request = ProposeRequest { asked, raised: Raised::default(), dry_run: false };
        self.sync.propose(&self.cluster().await, request, "ann").await.unwrap()
    }

    async fn wish(&self, topics: &[(&str, Value)]) -> Plan {
        self.propose(Asked::Documents(topics.iter().map(|(id, spec)| document(id, spec)).collect())).await
    }

    async fn approve(&self, plan: &Plan) {
        let approval = Approval { allow_destructive: true, ..Approval::default() };
        self.sync.approve(&plan.id, approval, "ann").await.unwrap();
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

fn document(id: &str, spec: &Value) -> RawDocument {
    let (spec, delete) = if spec.is_null() { (None, true) } else { (Some(spec.clone()), false) };
    RawDocument { metadata_type: "topic".to_owned(), name: id.to_owned(), at: None, spec, delete }
}

fn partitions(count: u32) -> Value {
    json!({"partitions": count})
}
