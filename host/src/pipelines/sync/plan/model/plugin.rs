//! The model's plugin: topics whose configuration is edited key by key, and whose partitions only grow.

use serde_json::{Value, json};

use crate::domain::contract::{Change, Divergence, Granularity, MetadataType, Scope, StrategyStep, Verbs};
use crate::domain::error::{BackendError, ErrorKind};
use crate::domain::fields;
use crate::domain::resource::{Action, Edit, Write};

pub(in super::super) fn shape() -> MetadataType {
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
        spec: json!({}),
        status: json!({}),
        fields: Vec::new(),
        after: Vec::new(),
        since: None,
        until: None,
    }
}

/// The plugin: configuration key by key, partitions that only grow, and then without an inverse.
pub(in super::super) fn steps(change: &Change) -> Result<Vec<StrategyStep>, BackendError> {
    let write = |action| Write {
        key: change.key.clone(),
        action,
        revision: None,
        incarnation: change.incarnation.clone(),
    };
    let step = |action, undo: Option<Action>, destructive| StrategyStep {
        write: write(action),
        summary: "as wished".to_owned(),
        destructive,
        undo: undo.map(write),
        restart: Vec::new(),
    };
    match (&change.before, &change.after) {
        (None, None) => Ok(Vec::new()),
        (None, Some(after)) => Ok(vec![step(Action::Create(set_only(after)), Some(Action::Delete), false)]),
        (Some(_), None) => Ok(vec![step(Action::Delete, None, true)]),
        (Some(before), Some(after)) => {
            let (old, new) = (before["partitions"].as_u64(), after["partitions"].as_u64());
            if new < old {
                return Err(BackendError::new(ErrorKind::Unsupported, "partitions can't shrink"));
            }
            let edits = config_edits(before, after);
            let mut steps = Vec::new();
            if !edits.is_empty() {
                let undo = config_edits(after, before);
                steps.push(step(Action::Edit(edits), Some(Action::Edit(undo)), false));
            }
            if new > old {
                let edit = Edit { path: "/partitions".to_owned(), value: new.map(Value::from) };
                steps.push(step(Action::Edit(vec![edit]), None, false));
            }
            Ok(steps)
        }
    }
}

fn set_only(spec: &Value) -> Value {
    let mut set = json!({});
    for (path, value) in fields::leaves(spec).into_iter().filter(|(_, value)| !value.is_null()) {
        fields::set(&mut set, &path, value.clone());
    }
    set
}

fn config_edits(before: &Value, after: &Value) -> Vec<Edit> {
    let (before, after) = (set_only(before), set_only(after));
    let mut paths: Vec<String> = fields::paths(&before);
    paths.extend(fields::paths(&after));
    paths.sort();
    paths.dedup();
    paths
        .into_iter()
        .filter(|path| path.starts_with("/config") && fields::at(&before, path) != fields::at(&after, path))
        .map(|path| Edit { value: fields::at(&after, &path).cloned(), path })
        .collect()
}
