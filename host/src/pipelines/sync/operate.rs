//! Operations: a named action is checked, forecast, stored, sent once and followed to its end.
//!
//! Invariant: an operation is running in the store before it leaves, and is never sent twice.

mod carry_out;

use serde_json::{Value, json};

use super::propose::schema::{SpecSchema, as_text};
use super::session::find_type;
use super::{Sync, SyncError, Told};
use crate::domain::cluster::{Cluster, homes};
use crate::domain::contract::{MetadataType, Scope};
use crate::domain::id::OperationId;
use crate::domain::operation::{Forecast, Operation, OperationState, OperationType, Subject};
use crate::domain::place::Place;
use crate::domain::policy::Authority;
use crate::domain::record::{By, Change, RecordOutcome};
use crate::domain::resource::{Resource, ResourceKey};
use crate::plugins::driver::CallError;
use crate::store::StoreError;

/// How often a row that the executor saves at the same moment is read again.
const SAVES_MAX: u32 = 5;

/// What a person asks for. The subject is completed from what the plugin says of the operation.
#[derive(Clone, Debug, Default)]
pub struct OperateRequest {
    pub name: String,
    /// Of the resource, where the operation works on one.
    pub id: Option<String>,
    pub at: Option<Place>,
    pub input: Value,
    pub allow_destructive: bool,
    pub undoes: Option<OperationId>,
}

/// What is wrong with an input, at a JSON Pointer into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputIssue {
    pub pointer: String,
    pub message: String,
}

#[derive(Debug, thiserror::Error)]
pub enum OperateError {
    #[error("the kind `{kind}` has no operation `{name}`; it has {known}")]
    NoOperation { name: String, kind: String, known: String },
    #[error("{0}")]
    Subject(String),
    #[error("the input of `{name}` is wrong: {}", issues_in_words(.issues))]
    Invalid { name: String, issues: Vec<InputIssue> },
    #[error("`{0}` has no preview")]
    NoPreview(String),
    #[error("the authority over {subject} is `observe`: nothing is done to it; {advice}")]
    Observed { subject: String, advice: String },
    #[error(
        "`{name}` loses data or cannot be taken back; read its preview, then allow it with --allow-destructive"
    )]
    Destructive { name: String },
    #[error("{0}")]
    NotOurs(String),
    #[error("there is no operation `{0}`")]
    NoRecord(OperationId),
    #[error("operation {id} is {state}: {why}")]
    State { id: OperationId, state: &'static str, why: &'static str },
    #[error("operation {0} changed meanwhile; look at it again")]
    Changed(OperationId),
    #[error(transparent)]
    Sync(#[from] SyncError),
}

impl From<StoreError> for OperateError {
    fn from(error: StoreError) -> Self {
        Self::Sync(SyncError::Store(error))
    }
}

impl From<CallError> for OperateError {
    fn from(error: CallError) -> Self {
        Self::Sync(SyncError::Call(error))
    }
}

/// An operation that can be asked of the plugin: its type, what it works on, and its input in order.
struct Checked {
    shape: OperationType,
    subject: Subject,
    input: Value,
}

impl Sync {
    /// By name.
    pub async fn operation_types(&self, cluster: &Cluster) -> Result<Vec<OperationType>, SyncError> {
        let facts = cluster.discovered_at_ms.map(|_| &cluster.facts);
        let mut types = self.kind(cluster)?.operations(facts).await?;
        types.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(types)
    }

    /// What it would do. Nothing is written, also where doing it would be refused.
    pub async fn preview(
        &self,
        cluster: &Cluster,
        request: OperateRequest,
    ) -> Result<Forecast, OperateError> {
        let types = self.types(cluster).await?;
        let checked = self.check(cluster, &types, request).await?;
        if !checked.shape.previewed {
            return Err(OperateError::NoPreview(checked.shape.name));
        }
        let session = self.open(cluster).await?;
        Ok(session.driver.preview(&checked.shape.name, checked.subject, checked.input).await?)
    }

    /// Stores it; the reconciler carries it out.
    pub async fn operate(
        &self,
        cluster: &Cluster,
        request: OperateRequest,
        by: &By,
    ) -> Result<Operation, OperateError> {
        if cluster.paused {
            return Err(SyncError::Paused(cluster.name.clone()).into());
        }
        let (allowed, undoes) = (request.allow_destructive, request.undoes.clone());
        let types = self.types(cluster).await?;
        let checked = self.check(cluster, &types, request).await?;
        self.may_operate(cluster, types, &checked).await?;
        if checked.shape.destructive && !allowed {
            return Err(OperateError::Destructive { name: checked.shape.name });
        }
        let operation = Operation {
            id: OperationId(uuid::Uuid::now_v7().to_string()),
            cluster: cluster.id.clone(),
            name: checked.shape.name,
            subject: checked.subject,
            input: checked.input,
            destructive: checked.shape.destructive,
            state: OperationState::Waiting,
            created_by: by.actor.clone(),
            request_id: by.request_id.clone(),
            created_at_ms: self.now_ms(),
            started_at_ms: None,
            ended_at_ms: None,
            handle: None,
            percent: None,
            cancelled_by: None,
            message: None,
            output: None,
            failures: Vec::new(),
            undo: None,
            undoes,
            version: 1,
        };
        let mut tx = self.store.begin().await?;
        tx.insert_operation(&operation).await?;
        let data = json!({"name": operation.name, "subject": operation.subject, "input": operation.input});
        let told = Told::new("operation.requested", operation.id.as_str(), data).by(by);
        let told = told.kept(Change::of_operation(&operation));
        self.tell(&mut tx, cluster, told).await?;
        tx.commit().await?;
        Ok(operation)
    }

    /// Another operation, with the input that takes this one back.
    pub async fn undo_operation(
        &self,
        cluster: &Cluster,
        undone: &Operation,
        allow_destructive: bool,
        by: &By,
    ) -> Result<Operation, OperateError> {
        let request = OperateRequest { allow_destructive, ..undo_of(undone)? };
        self.operate(cluster, request, by).await
    }

    /// One that waits is never sent; one that runs is asked to end, where the backend can.
    pub async fn cancel_operation(
        &self,
        cluster: &Cluster,
        id: &OperationId,
        by: &By,
    ) -> Result<Operation, OperateError> {
        for _ in 0..SAVES_MAX {
            let found = self.store.find_operation(id).await?;
            let mut operation = found.ok_or_else(|| OperateError::NoRecord(id.clone()))?;
            if operation.cancelled_by.is_some() {
                return Ok(operation);
            }
            if operation.state.is_end() {
                let (id, state) = (id.clone(), operation.state.word());
                return Err(OperateError::State { id, state, why: "there is nothing left to cancel" });
            }
            let change = Change::new("operation.cancel", operation.subject.short())
                .part_of(id.as_str())
                .before(json!({"name": operation.name, "state": operation.state}))
                .ended(RecordOutcome::Accepted);
            operation.cancelled_by = Some(by.actor.clone());
            let mut tx = self.store.begin().await?;
            if tx.save_operation(&mut operation).await? {
                let told = Told::new("operation.cancelling", id.as_str(), json!({})).by(by).kept(change);
                self.tell(&mut tx, cluster, told).await?;
                tx.commit().await?;
                return Ok(operation);
            }
        }
        Err(OperateError::Changed(id.clone()))
    }

    async fn types(&self, cluster: &Cluster) -> Result<Vec<MetadataType>, SyncError> {
        let facts = cluster.discovered_at_ms.map(|_| &cluster.facts);
        Ok(self.kind(cluster)?.types(facts).await?)
    }

    async fn check(
        &self,
        cluster: &Cluster,
        types: &[MetadataType],
        request: OperateRequest,
    ) -> Result<Checked, OperateError> {
        let OperateRequest { name, id, at, mut input, .. } = request;
        let operations = self.operation_types(cluster).await?;
        let Some(shape) = operations.iter().find(|known| known.name == name).cloned() else {
            let known = names(&operations);
            return Err(OperateError::NoOperation { name, kind: cluster.kind.clone(), known });
        };
        let subject = self.subject(cluster, types, &shape, id, at).await?;
        if input.is_null() {
            input = json!({});
        }
        as_text(&shape.input, &mut input);
        let schema = SpecSchema::new(&shape.input).map_err(|error| {
            SyncError::Contract(format!("the schema of the operation `{name}` cannot be used: {error}"))
        })?;
        let issues: Vec<InputIssue> = schema
            .issues(&input)
            .into_iter()
            .map(|issue| InputIssue { pointer: issue.pointer, message: issue.message })
            .collect();
        if !issues.is_empty() {
            return Err(OperateError::Invalid { name, issues });
        }
        Ok(Checked { shape, subject, input })
    }

    async fn subject(
        &self,
        cluster: &Cluster,
        types: &[MetadataType],
        shape: &OperationType,
        id: Option<String>,
        at: Option<Place>,
    ) -> Result<Subject, OperateError> {
        let wrong = |text: String| Err(OperateError::Subject(text));
        let name = &shape.name;
        let Some(metadata_type) = &shape.metadata_type else {
            if let Some(id) = id {
                return wrong(format!("`{name}` works on the {}, not on `{id}`", scope_word(shape.scope)));
            }
            let place = place(cluster, shape.scope, at, name)?;
            return Ok(Subject::Place(place));
        };
        let Some(id) = id.filter(|id| !id.is_empty()) else {
            return wrong(format!("`{name}` works on one {metadata_type}: name it"));
        };
        let Some(resource_type) = find_type(types, metadata_type) else {
            let text = format!("the operation `{name}` names the type `{metadata_type}`, which there is not");
            return Err(SyncError::Contract(text).into());
        };
        let place = match (at, resource_type.scope) {
            (Some(at), _) => at,
            (None, Scope::Cluster) => Place::Cluster,
            (None, Scope::Group | Scope::Node) => {
                let nodes = self.store.list_nodes(&cluster.id).await?;
                let homes = homes(resource_type, nodes.iter().map(|(node, _)| node));
                let homes = homes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                return wrong(format!("say on which place of {metadata_type} `{id}`: {homes}"));
            }
        };
        Ok(Subject::Resource(ResourceKey { metadata_type: metadata_type.clone(), id, place }))
    }

    /// What people protected, narrowed or never gave us is not touched by an action either.
    async fn may_operate(
        &self,
        cluster: &Cluster,
        types: Vec<MetadataType>,
        checked: &Checked,
    ) -> Result<(), OperateError> {
        let lens = self.lens(cluster, types).await?;
        let (authority, set) = match &checked.subject {
            Subject::Place(_) => (cluster.authority, cluster.name.clone()),
            Subject::Resource(key) => {
                (lens.authority_over(key), format!("{} {}", cluster.name, key.metadata_type))
            }
        };
        if authority == Authority::Observe {
            let advice = format!("change it: headgate policy set {set} --authority manage");
            return Err(OperateError::Observed { subject: checked.subject.to_string(), advice });
        }
        let Subject::Resource(key) = &checked.subject else { return Ok(()) };
        if !checked.shape.destructive {
            return Ok(());
        }
        let row = self.store.find_resource(&cluster.id, key).await?;
        let is_ownable = !lens.shape(&key.metadata_type)?.verbs.read_only();
        match refusal(cluster, key, row.as_ref(), is_ownable, lens.is_protected(key)) {
            Some(reason) => Err(OperateError::NotOurs(reason)),
            None => Ok(()),
        }
    }
}

fn place(cluster: &Cluster, scope: Scope, at: Option<Place>, name: &str) -> Result<Place, OperateError> {
    match (scope, at) {
        (Scope::Cluster, None | Some(Place::Cluster)) => Ok(Place::Cluster),
        (Scope::Group, Some(at @ Place::Group(_))) | (Scope::Node, Some(at @ Place::Node(_))) => Ok(at),
        (scope, _) => {
            let word = scope_word(scope);
            let text = format!("`{name}` works on a {word}; see: headgate cluster show {}", cluster.name);
            Err(OperateError::Subject(text))
        }
    }
}

/// Why a destructive action on the resource is refused.
fn refusal(
    cluster: &Cluster,
    key: &ResourceKey,
    row: Option<&Resource>,
    is_ownable: bool,
    is_protected: bool,
) -> Option<String> {
    let (ResourceKey { metadata_type, id, .. }, name) = (key, &cluster.name);
    if row.is_some_and(|row| row.internal) {
        return Some(format!(
            "{metadata_type} `{id}` is the backend's own (internal): nothing of it is destroyed"
        ));
    }
    if is_protected {
        return Some(format!(
            "{metadata_type} `{id}` is protected; take the protection off first: headgate policy set {name} \
             {metadata_type} {id} --protect false"
        ));
    }
    let is_ours = row.is_some_and(Resource::is_ours);
    (is_ownable && !is_ours).then(|| {
        format!(
            "{metadata_type} `{id}` is not ours: nothing of it is destroyed; adopt it first: headgate adopt \
             {metadata_type} {id} -c {name}"
        )
    })
}

/// The request that takes an operation back.
pub(crate) fn undo_of(undone: &Operation) -> Result<OperateRequest, OperateError> {
    let state = |why| OperateError::State { id: undone.id.clone(), state: undone.state.word(), why };
    if !undone.state.is_end() {
        return Err(state("wait for its end, or cancel it"));
    }
    let Some(input) = undone.undo.clone() else {
        return Err(state("it left nothing that could take it back"));
    };
    let (id, at) = match undone.subject.clone() {
        Subject::Resource(key) => (Some(key.id), Some(key.place)),
        Subject::Place(place) => (None, Some(place)),
    };
    let undoes = Some(undone.id.clone());
    Ok(OperateRequest { name: undone.name.clone(), id, at, input, undoes, ..OperateRequest::default() })
}

fn scope_word(scope: Scope) -> &'static str {
    match scope {
        Scope::Cluster => "cluster",
        Scope::Group => "group (--at group:NAME)",
        Scope::Node => "node (--at node:ID)",
    }
}

fn names(types: &[OperationType]) -> String {
    match types {
        [] => "none".to_owned(),
        types => types.iter().map(|known| format!("`{}`", known.name)).collect::<Vec<_>>().join(", "),
    }
}

fn issues_in_words(issues: &[InputIssue]) -> String {
    let word = |issue: &InputIssue| match issue.pointer.as_str() {
        "" => issue.message.clone(),
        pointer => format!("{pointer}: {}", issue.message),
    };
    issues.iter().map(word).collect::<Vec<_>>().join("; ")
}
