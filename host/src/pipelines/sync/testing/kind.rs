//! The model's kind: one type, `topic`, whose partitions only grow, and two operations.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::Model;
use crate::domain::cluster::Cluster;
use crate::domain::contract::{
    Change, Description, Divergence, Granularity, Issue, MetadataType, Scope, Severity, StrategyStep, Verbs,
};
use crate::domain::error::{BackendError, ErrorKind};
use crate::domain::fields;
use crate::domain::operation::OperationType;
use crate::domain::resource::{Action, Edit, Write};
use crate::plugins::driver::{CallError, Driver, Kind, Kinds, Secrets};

pub(super) fn description() -> Description {
    Description {
        kind: "model".to_owned(),
        title: "Model".to_owned(),
        version: "1".to_owned(),
        vendor: "tests".to_owned(),
        documentation: None,
        connection: json!({}),
        roles: Vec::new(),
        grouped: false,
        relations: Vec::new(),
        grants: Vec::new(),
        protocols: Vec::new(),
    }
}

fn topic_type() -> MetadataType {
    MetadataType {
        name: "topic".to_owned(),
        plural: "topics".to_owned(),
        title: "Topic".to_owned(),
        scope: Scope::Cluster,
        roles: Vec::new(),
        identity: Vec::new(),
        tells_defaults: true,
        verbs: Verbs { create: true, update: true, delete: true },
        granularity: Granularity::PerKey,
        divergence: Divergence::Single,
        spec: json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "partitions": {"type": "integer", "minimum": 1},
                "config": {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
            },
        }),
        status: json!({"type": "object"}),
        fields: Vec::new(),
        after: Vec::new(),
        since: None,
        until: None,
    }
}

fn steps_of(change: &Change) -> Result<Vec<StrategyStep>, BackendError> {
    let write = |action| Write {
        key: change.key.clone(),
        action,
        revision: None,
        incarnation: change.incarnation.clone(),
    };
    let step = |action, undo: Option<Action>, summary: String, destructive| {
        let undo = undo.map(write);
        vec![StrategyStep { write: write(action), summary, destructive, undo, restart: Vec::new() }]
    };
    match (&change.before, &change.after) {
        (None, Some(after)) => Ok(step(
            Action::Create(after.clone()),
            Some(Action::Delete),
            format!("create {}", change.key.id),
            false,
        )),
        (Some(_), None) => Ok(step(Action::Delete, None, format!("delete {}", change.key.id), true)),
        (Some(before), Some(after)) => {
            let count = |spec: &Value| spec.get("partitions").and_then(Value::as_u64).unwrap_or(0);
            if count(after) < count(before) {
                return Err(BackendError::new(ErrorKind::Unsupported, "partitions only grow"));
            }
            let (there, back) = (edits(before, after), edits(after, before));
            Ok(step(Action::Edit(there), Some(Action::Edit(back)), format!("edit {}", change.key.id), false))
        }
        (None, None) => Ok(Vec::new()),
    }
}

fn edits(from: &Value, to: &Value) -> Vec<Edit> {
    let mut paths: BTreeSet<String> = fields::leaves(from).into_iter().map(|(path, _)| path).collect();
    paths.extend(fields::leaves(to).into_iter().map(|(path, _)| path));
    let set = |all: &Value, path: &str| fields::at(all, path).filter(|value| !value.is_null()).cloned();
    let differs = paths.into_iter().filter(|path| set(to, path) != set(from, path));
    differs.map(|path| Edit { value: set(to, &path), path }).collect()
}

/// Several models: a cluster finds its own by the name in its connection.
pub(crate) struct Models(pub(crate) BTreeMap<String, Arc<Model>>);

#[async_trait]
impl Kind for Models {
    fn description(&self) -> &Description {
        &self.0.values().next().unwrap().description
    }

    fn digest(&self) -> &str {
        "00"
    }

    async fn types(&self, _facts: Option<&Value>) -> Result<Vec<MetadataType>, CallError> {
        Ok(vec![topic_type()])
    }

    async fn normalize(
        &self,
        _metadata_type: &str,
        specs: Vec<Value>,
        _facts: &Value,
    ) -> Result<Vec<Result<Value, Vec<Issue>>>, CallError> {
        Ok(specs.into_iter().map(Ok).collect())
    }

    async fn validate(
        &self,
        _metadata_type: &str,
        specs: Vec<Value>,
        _facts: &Value,
    ) -> Result<Vec<Vec<Issue>>, CallError> {
        let many =
            |spec: &Value| spec.get("partitions").and_then(Value::as_u64).is_some_and(|count| count > 100);
        let issue = || Issue {
            severity: Severity::Error,
            path: "/partitions".to_owned(),
            message: "more than 100".to_owned(),
        };
        Ok(specs.iter().map(|spec| if many(spec) { vec![issue()] } else { Vec::new() }).collect())
    }

    async fn steps(
        &self,
        changes: Vec<Change>,
        _facts: &Value,
    ) -> Result<Vec<Result<Vec<StrategyStep>, BackendError>>, CallError> {
        Ok(changes.into_iter().map(|change| steps_of(&change)).collect())
    }

    async fn operations(&self, _facts: Option<&Value>) -> Result<Vec<OperationType>, CallError> {
        Ok(super::operating::types())
    }

    async fn driver(&self, cluster: &Cluster, _secrets: Secrets) -> Result<Arc<dyn Driver>, CallError> {
        Ok(Arc::clone(self.0.get(&cluster.name).unwrap()) as Arc<dyn Driver>)
    }
}

pub(crate) struct Loaded(pub(crate) Arc<dyn Kind>);

impl Kinds for Loaded {
    fn find(&self, kind: &str) -> Option<Arc<dyn Kind>> {
        (kind == "model").then(|| Arc::clone(&self.0))
    }

    fn list(&self) -> Vec<Arc<dyn Kind>> {
        vec![Arc::clone(&self.0)]
    }
}
