//! A host without a network: the real router and store on SQLite, a toy kind, and an engine that stores what it is told.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt;

use super::{ApiState, HostGuard, Role as HostRole, router};
use crate::app::caller::{Caller, Role};
use crate::app::engine::{Approval, Cycle, Engine, OperationWanted, Proposal, ProposeOptions};
use crate::app::{self, App, AppError, NewToken, SharedApp};
use crate::clock::SystemClock;
use crate::domain::cluster::Cluster;
use crate::domain::contract::{
    Change, Description, Divergence, Grant, Granularity, Issue, MetadataType, Role as NodeRole, Scope,
    StrategyStep, Verbs,
};
use crate::domain::error::{BackendError, ErrorKind};
use crate::domain::grant::{Given, GrantError};
use crate::domain::id::{ClusterId, DEFAULT_ORGANIZATION, OperationId, OrganizationId, PlanId};
use crate::domain::installation::Installed;
use crate::domain::operation::{Forecast, Operation, OperationState, OperationType, Subject};
use crate::domain::place::Place;
use crate::domain::plan::{Plan, PlanState, Reason};
use crate::domain::plugin::PluginStatus;
use crate::domain::record::By;
use crate::domain::resource::{Lookup, Observed, ResourceKey};
use crate::plugins::driver::{
    CallError, Driver, InstallError, Kind, Kinds, PluginChange, PluginChangeError, Plugins, Secrets, Upload,
};
use crate::plugins::refusal::{Refusal, Stage};
use crate::store::Store;
use crate::store::testing::{Backend, Sqlite};
use crate::telemetry::Log;

/// A host with an owner and a reader.
pub(super) struct Host {
    pub(super) store: Store,
    pub(super) app: SharedApp,
    pub(super) nudged: Arc<Mutex<Vec<ClusterId>>>,
    pub(super) owner: String,
    pub(super) reader: String,
    router: Router,
    close: watch::Sender<bool>,
    _database: Sqlite,
}

/// An answer, read whole.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Host {
    pub(super) async fn start() -> Self {
        Self::start_as(HostRole::Active).await
    }

    pub(super) async fn start_as(role: HostRole) -> Self {
        let database = Sqlite::start();
        let store = database.open().await;
        let nudged = Arc::new(Mutex::new(Vec::new()));
        let engine = Arc::new(ToyEngine { store: store.clone(), nudged: Arc::clone(&nudged) });
        let app = Arc::new(App::new(
            store.clone(),
            Arc::new(ToyKinds),
            Arc::new(ToyPlugins),
            engine,
            Arc::new(SystemClock),
            Log::detached(),
        ));
        let owner = app.mint_owner().await.unwrap().text;
        let caller = owner_caller();
        let new = NewToken { name: "looker".to_owned(), role: Role::Reader, expires_at_ms: None };
        let reader = app.create_token(&caller, new).await.unwrap().text;
        let (close, closing) = watch::channel(false);
        let state =
            ApiState::new(Arc::clone(&app), crate::telemetry::Metrics::default(), closing).with_role(role);
        let router = router(state, HostGuard(Some(Vec::new())));
        Self { store, app, nudged, owner, reader, router, close, _database: database }
    }

    pub(super) fn close(&self) {
        self.close.send(true).unwrap();
    }

    /// With the owner's token and a JSON body.
    pub(super) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.send(self.request(method, path, body)).await
    }

    pub(super) fn request(&self, method: Method, path: &str, body: Option<Value>) -> Request<Body> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost:7654")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.owner));
        match body {
            Some(body) => request
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from(body.to_string()))
                .unwrap(),
            None => request.body(Body::empty()).unwrap(),
        }
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Answer {
        let answer = self.open(request).await;
        let (parts, body) = answer.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into()))
        };
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// The body is not read: for streams.
    pub(super) async fn open(&self, request: Request<Body>) -> axum::response::Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(super) async fn register(&self, name: &str) -> Answer {
        let body = json!({"name": name, "kind": "toy", "connection": {"bootstrap": "localhost:1"}});
        let answer = self.call(Method::POST, "/api/v1/clusters", Some(body)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        answer
    }
}

pub(super) fn owner_caller() -> Caller {
    Caller {
        organization: OrganizationId(DEFAULT_ORGANIZATION.to_owned()),
        by: By { actor: "token:owner".to_owned(), request_id: None },
        role: Role::Owner,
    }
}

struct ToyPlugins;

#[async_trait]
impl Plugins for ToyPlugins {
    fn statuses(&self) -> Vec<PluginStatus> {
        let status = json!({
            "kind": "toy", "origin": "directory", "file": "toy.wasm", "state": "active", "reason": null, "digest": "00",
            "version": "1.0.0", "generation": 1, "since_ms": 0, "refusal": null,
            "traffic": {"calls": 3, "failures": 1, "sessions": 1, "queued": 0}, "draining": [], "earlier": [],
            "taken_back": [], "isolated": [], "hosts": [], "agreed": true,
        });
        vec![serde_json::from_value(status).unwrap()]
    }

    async fn change(&self, name: &str, change: PluginChange, _: &By) -> Result<(), PluginChangeError> {
        match (name, change) {
            ("toy", PluginChange::RollBack) => {
                Err(PluginChangeError::Refused("plugin `toy` has no earlier version".to_owned()))
            }
            ("toy", PluginChange::Disable | PluginChange::Enable { .. }) => Ok(()),
            ("toy", PluginChange::Grant(change)) => {
                let asked = [Grant::Network { host: "*.svc".to_owned(), ports: "80".to_owned() }];
                let wrong = |error: GrantError| PluginChangeError::Invalid(error.to_string());
                change.decide(&asked, &Given::nothing()).map(drop).map_err(wrong)
            }
            _ => Err(PluginChangeError::NotFound(name.to_owned())),
        }
    }

    /// A component is called `toy`; everything else is refused.
    async fn install(&self, upload: Upload, _: &By) -> Result<Installed, InstallError> {
        if upload.bytes != b"toy" {
            return Err(Refusal::new("the file", Stage::Verify, "a toy", "something", "bring a toy").into());
        }
        let (kind, version, digest) = ("toy".to_owned(), "1.0.0".to_owned(), "00".to_owned());
        let file = format!("{}.wasm", upload.name.unwrap_or_else(|| kind.clone()));
        Ok(Installed { kind, version, digest, file, asks: Vec::new(), unchanged: false })
    }

    async fn remove(&self, name: &str, _: &By) -> Result<String, PluginChangeError> {
        match name {
            "toy" => Ok("toy.wasm".to_owned()),
            _ => Err(PluginChangeError::NotFound(name.to_owned())),
        }
    }
}

struct ToyKinds;

impl Kinds for ToyKinds {
    fn find(&self, kind: &str) -> Option<Arc<dyn Kind>> {
        (kind == "toy").then(|| Arc::new(ToyKind(description())) as Arc<dyn Kind>)
    }

    fn list(&self) -> Vec<Arc<dyn Kind>> {
        self.find("toy").into_iter().collect()
    }
}

struct ToyKind(Description);

#[async_trait]
impl Kind for ToyKind {
    fn description(&self) -> &Description {
        &self.0
    }

    fn digest(&self) -> &'static str {
        "00"
    }

    async fn types(&self, _: Option<&Value>) -> Result<Vec<MetadataType>, CallError> {
        Ok(vec![item_type()])
    }

    async fn normalize(
        &self,
        _: &str,
        specs: Vec<Value>,
        _: &Value,
    ) -> Result<Vec<Result<Value, Vec<Issue>>>, CallError> {
        Ok(specs.into_iter().map(Ok).collect())
    }

    async fn validate(&self, _: &str, specs: Vec<Value>, _: &Value) -> Result<Vec<Vec<Issue>>, CallError> {
        Ok(specs.iter().map(|_| Vec::new()).collect())
    }

    async fn steps(
        &self,
        changes: Vec<Change>,
        _: &Value,
    ) -> Result<Vec<Result<Vec<StrategyStep>, BackendError>>, CallError> {
        Ok(changes.iter().map(|_| Ok(Vec::new())).collect())
    }

    async fn operations(&self, _: Option<&Value>) -> Result<Vec<OperationType>, CallError> {
        Ok(Vec::new())
    }

    async fn driver(&self, _: &Cluster, _: Secrets) -> Result<Arc<dyn Driver>, CallError> {
        Err(CallError::Refused("the toy has no driver".to_owned()))
    }
}

fn description() -> Description {
    Description {
        kind: "toy".to_owned(),
        title: "Toy".to_owned(),
        version: "1.0.0".to_owned(),
        vendor: "tests".to_owned(),
        documentation: None,
        connection: json!({
            "type": "object",
            "required": ["bootstrap"],
            "additionalProperties": false,
            "properties": {
                "bootstrap": {"type": "string"},
                "password": {"type": "string", "x-headgate-secret": ["send"]},
            },
        }),
        roles: vec![NodeRole {
            name: "worker".to_owned(),
            title: "Worker".to_owned(),
            count_min: 0,
            count_max: 0,
        }],
        grouped: false,
        relations: Vec::new(),
        grants: Vec::new(),
        protocols: Vec::new(),
    }
}

fn item_type() -> MetadataType {
    MetadataType {
        name: "item".to_owned(),
        plural: "items".to_owned(),
        title: "Item".to_owned(),
        scope: Scope::Cluster,
        roles: Vec::new(),
        identity: Vec::new(),
        tells_defaults: false,
        verbs: Verbs { create: true, update: true, delete: true },
        granularity: Granularity::PerKey,
        divergence: Divergence::Single,
        spec: json!({"type": "object"}),
        status: json!({"type": "object"}),
        fields: Vec::new(),
        after: Vec::new(),
        since: None,
        until: None,
    }
}

/// The item `lost` cannot be looked at; `gone` is not there; every other one is.
struct ToyEngine {
    store: Store,
    nudged: Arc<Mutex<Vec<ClusterId>>>,
}

impl ToyEngine {
    async fn change(&self, id: &PlanId, state: PlanState) -> Result<Plan, AppError> {
        let mut plan =
            self.store.find_plan(id).await?.ok_or_else(|| AppError::not_found("plan", id.as_str()))?;
        if plan.state != PlanState::Proposed {
            return Err(AppError::refused(app::Refusal::State, "it is not proposed"));
        }
        plan.state = state;
        let mut tx = self.store.begin().await?;
        assert!(tx.save_plan(&mut plan).await?);
        tx.commit().await?;
        Ok(plan)
    }
}

#[async_trait]
impl Engine for ToyEngine {
    async fn propose(
        &self,
        cluster: &Cluster,
        proposal: Proposal,
        options: ProposeOptions,
        by: &By,
    ) -> Result<Plan, AppError> {
        let nothing = matches!(&proposal, Proposal::Documents(documents) if documents.is_empty());
        let stored = options.store && !nothing;
        let id = if stored { uuid::Uuid::now_v7().to_string() } else { String::new() };
        let plan = plan(PlanId(id), cluster, by);
        if stored {
            let mut tx = self.store.begin().await?;
            tx.insert_plan(&plan).await?;
            tx.commit().await?;
        }
        Ok(plan)
    }

    async fn approve(&self, plan: &PlanId, _: Approval, _: &By) -> Result<Plan, AppError> {
        self.change(plan, PlanState::Approved).await
    }

    async fn cancel(&self, plan: &PlanId, _: &By) -> Result<Plan, AppError> {
        self.change(plan, PlanState::Cancelled).await
    }

    async fn accept(
        &self,
        _: &Cluster,
        _: &ResourceKey,
        _: Option<Vec<String>>,
        _: &By,
    ) -> Result<(), AppError> {
        Ok(())
    }

    async fn ignore(&self, _: &Cluster, _: &ResourceKey, _: Option<String>, _: &By) -> Result<(), AppError> {
        Ok(())
    }

    async fn release(&self, _: &Cluster, _: &ResourceKey, _: &By) -> Result<(), AppError> {
        Ok(())
    }

    async fn operation_types(&self, _: &Cluster) -> Result<Vec<OperationType>, AppError> {
        Ok(Vec::new())
    }

    async fn preview(&self, _: &Cluster, _: OperationWanted) -> Result<Forecast, AppError> {
        Ok(Forecast { lines: vec!["a 1 → 2".to_owned()], warnings: Vec::new(), document: json!({}) })
    }

    async fn operate(
        &self,
        cluster: &Cluster,
        wanted: OperationWanted,
        by: &By,
    ) -> Result<Operation, AppError> {
        let operation = operation(cluster, wanted, by);
        let mut tx = self.store.begin().await?;
        tx.insert_operation(&operation).await?;
        tx.commit().await?;
        Ok(operation)
    }

    async fn undo_operation(
        &self,
        cluster: &Cluster,
        undone: &Operation,
        _: bool,
        by: &By,
    ) -> Result<Operation, AppError> {
        let wanted = OperationWanted { name: undone.name.clone(), ..OperationWanted::default() };
        self.operate(cluster, wanted, by).await
    }

    async fn cancel_operation(&self, _: &Cluster, id: &OperationId, _: &By) -> Result<Operation, AppError> {
        let found = self.store.find_operation(id).await?;
        found.ok_or_else(|| AppError::not_found("operation", id.as_str()))
    }

    async fn look(&self, _: &Cluster, keys: &[ResourceKey]) -> Result<Vec<Lookup>, AppError> {
        Ok(keys.iter().map(lookup).collect())
    }

    async fn sync_now(&self, cluster: &Cluster) -> Result<Cycle, AppError> {
        if cluster.name == "dead" {
            return Err(AppError::Unreachable {
                cluster: "dead".to_owned(),
                reason: "no node answers".to_owned(),
            });
        }
        Ok(Cycle { started_at_ms: 1, ended_at_ms: 2, types: Vec::new(), error: None })
    }

    fn nudge(&self, cluster: &ClusterId) {
        self.nudged.lock().unwrap().push(cluster.clone());
    }
}

fn lookup(key: &ResourceKey) -> Lookup {
    match key.id.as_str() {
        "lost" => Lookup::Failed(BackendError::new(ErrorKind::Timeout, "the node does not answer")),
        "gone" => Lookup::Absent,
        _ => Lookup::Found(Box::new(Observed {
            key: key.clone(),
            revision: None,
            incarnation: None,
            spec: Arc::new(json!({"size": 1})),
            effective: Some(json!({"size": 1, "colour": "red"})),
            status: Arc::new(json!({})),
            internal: false,
            partial: false,
        })),
    }
}

fn plan(id: PlanId, cluster: &Cluster, by: &By) -> Plan {
    Plan {
        id,
        cluster: cluster.id.clone(),
        state: PlanState::Proposed,
        reason: Reason::Documents,
        created_by: by.actor.clone(),
        created_at_ms: 1,
        updated_at_ms: 1,
        wishes: Vec::new(),
        standing: Vec::new(),
        base: Vec::new(),
        steps: Vec::new(),
        blocked: Vec::new(),
        warnings: Vec::new(),
        unchanged: 0,
        exceeded: Vec::new(),
        allow_destructive: false,
        deletes_max: None,
        message: None,
        approved_by: None,
        approved_request_id: None,
        version: 1,
    }
}

fn operation(cluster: &Cluster, wanted: OperationWanted, by: &By) -> Operation {
    Operation {
        id: OperationId(uuid::Uuid::now_v7().to_string()),
        cluster: cluster.id.clone(),
        name: wanted.name,
        subject: Subject::Place(Place::Cluster),
        input: wanted.input,
        destructive: false,
        state: OperationState::Waiting,
        created_by: by.actor.clone(),
        request_id: by.request_id.clone(),
        created_at_ms: 1,
        started_at_ms: None,
        ended_at_ms: None,
        handle: None,
        percent: None,
        cancelled_by: None,
        message: None,
        output: None,
        failures: Vec::new(),
        undo: None,
        undoes: None,
        version: 1,
    }
}
