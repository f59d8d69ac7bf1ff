//! Another version of the plugin in the middle of a plan: it takes over between two batches, and never within one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::Value;

use super::{Lab, On, partitions};
use crate::clock::SystemClock;
use crate::domain::cluster::Cluster;
use crate::domain::contract::{Change, Description, Issue, MetadataType, StrategyStep};
use crate::domain::error::BackendError;
use crate::domain::operation::OperationType;
use crate::domain::plan::PlanState;
use crate::pipelines::sync::Sync;
use crate::pipelines::sync::testing::{Model, Models, timing};
use crate::plugins::driver::{CallError, Driver, Kind, Kinds, Secrets};

super::on_both! {
    a_plan_goes_on_with_the_new_version_at_the_next_batch,
    a_plan_waits_while_its_kind_is_gone_and_repeats_nothing,
}

/// One version of the model's plugin, which counts the drivers that it gave.
struct Version {
    models: Models,
    drivers: AtomicUsize,
}

impl Version {
    fn of(model: &Arc<Model>) -> Arc<Self> {
        let models = Models([("lab".to_owned(), Arc::clone(model))].into());
        Arc::new(Self { models, drivers: AtomicUsize::new(0) })
    }

    fn drivers(&self) -> usize {
        self.drivers.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Kind for Version {
    fn description(&self) -> &Description {
        self.models.description()
    }
    fn digest(&self) -> &str {
        self.models.digest()
    }
    async fn types(&self, facts: Option<&Value>) -> Result<Vec<MetadataType>, CallError> {
        self.models.types(facts).await
    }
    async fn normalize(
        &self,
        metadata_type: &str,
        specs: Vec<Value>,
        facts: &Value,
    ) -> Result<Vec<Result<Value, Vec<Issue>>>, CallError> {
        self.models.normalize(metadata_type, specs, facts).await
    }
    async fn validate(
        &self,
        metadata_type: &str,
        specs: Vec<Value>,
        facts: &Value,
    ) -> Result<Vec<Vec<Issue>>, CallError> {
        self.models.validate(metadata_type, specs, facts).await
    }
    async fn steps(
        &self,
        changes: Vec<Change>,
        facts: &Value,
    ) -> Result<Vec<Result<Vec<StrategyStep>, BackendError>>, CallError> {
        self.models.steps(changes, facts).await
    }
    async fn operations(&self, facts: Option<&Value>) -> Result<Vec<OperationType>, CallError> {
        self.models.operations(facts).await
    }
    async fn driver(&self, cluster: &Cluster, secrets: Secrets) -> Result<Arc<dyn Driver>, CallError> {
        self.drivers.fetch_add(1, Ordering::Relaxed);
        self.models.driver(cluster, secrets).await
    }
}

/// Serves the first version until something was written, and then what is set.
struct Reloading {
    model: Arc<Model>,
    first: Arc<Version>,
    then: Mutex<Option<Arc<Version>>>,
}

impl Kinds for Reloading {
    fn find(&self, _: &str) -> Option<Arc<dyn Kind>> {
        let written = self.model.world().writes > 0;
        let now = if written { self.then.lock().unwrap().clone() } else { Some(Arc::clone(&self.first)) };
        now.map(|version| version as Arc<dyn Kind>)
    }

    fn list(&self) -> Vec<Arc<dyn Kind>> {
        self.find("model").into_iter().collect()
    }
}

async fn reloading(on: On, then: Option<Arc<Version>>) -> (Lab, Arc<Reloading>) {
    let mut lab = Lab::start(on).await;
    let then = Mutex::new(then);
    let kinds = Reloading { model: Arc::clone(&lab.model), first: Version::of(&lab.model), then };
    let kinds = Arc::new(kinds);
    let handed = Arc::<Reloading>::clone(&kinds);
    lab.sync = Sync::new(lab.store.clone(), handed, Arc::new(SystemClock), timing());
    (lab, kinds)
}

/// More than one batch of creates.
fn many() -> Vec<(String, Value)> {
    (0..600).map(|number| (format!("t{number:03}"), partitions(1))).collect()
}

async fn apply_many(lab: &Lab) -> crate::domain::plan::Plan {
    let many = many();
    let wishes: Vec<(&str, Value)> = many.iter().map(|(id, spec)| (id.as_str(), spec.clone())).collect();
    let plan = lab.wish(&wishes).await;
    lab.apply(&plan).await
}

async fn a_plan_goes_on_with_the_new_version_at_the_next_batch(on: On) {
    let (lab, kinds) = reloading(on, None).await;
    let second = Version::of(&lab.model);
    *kinds.then.lock().unwrap() = Some(Arc::clone(&second));
    let plan = apply_many(&lab).await;
    assert_eq!(plan.state, PlanState::Applied, "{:?}", plan.message);
    assert_eq!(second.drivers(), 1, "it is opened once, for the rest of the plan");
    assert!(kinds.first.drivers() >= 1);
    let writes = lab.model.world().writes;
    assert_eq!((writes, lab.done().len()), (2, 600));
}

async fn a_plan_waits_while_its_kind_is_gone_and_repeats_nothing(on: On) {
    let (lab, kinds) = reloading(on, None).await;
    let plan = apply_many(&lab).await;
    assert_eq!(plan.state, PlanState::Applying);
    assert_eq!(lab.done().len(), 500, "the batch that ran has ended");
    let report = lab.sync.run_plans(&lab.cluster.id).await;
    let error = report[0].error.clone().unwrap();
    assert!(error.contains("the kind `model` is not loaded"), "{error}");
    *kinds.then.lock().unwrap() = Some(Version::of(&lab.model));
    lab.sync.run_plans(&lab.cluster.id).await;
    assert_eq!(lab.plan(&plan).await.state, PlanState::Applied);
    assert_eq!(lab.done().len(), 600, "each was made once");
}
