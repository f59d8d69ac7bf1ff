//! Decides without talking: the one form of a wish, what is wrong with it, and the writes that lead to it.

use headgate_sdk::json::{self, Map, Value};
use headgate_sdk::{Action, Change, ConfigStrategy, Edit, Issue, Result, Step, Write};

use crate::Redis;
use crate::pages::node_of;
use crate::types::{CONFIG, KEYSPACE, USER, read_only, unknown_type};
use crate::words::issue;

mod config;
mod user;

impl ConfigStrategy for Redis {
    fn normalize(metadata_type: &str, spec: Value, _: &Value) -> Result<Value, Vec<Issue>> {
        match metadata_type {
            CONFIG => config::normalize(spec),
            USER => user::normalize(spec),
            _ => Ok(spec),
        }
    }

    fn validate(metadata_type: &str, spec: &Value, facts: &Value) -> Vec<Issue> {
        match metadata_type {
            CONFIG => config::validate(spec, facts),
            USER => user::validate(spec, facts),
            KEYSPACE => vec![issue("", read_only().message)],
            other => vec![issue("", unknown_type(other).message)],
        }
    }

    fn steps(changes: &[Change], facts: &Value) -> Vec<Result<Vec<Step>>> {
        let steps = |change: &Change| match change.key.metadata_type.as_str() {
            CONFIG => config::steps(change, facts),
            USER => user::steps(change, facts),
            KEYSPACE => Err(read_only()),
            other => Err(unknown_type(other)),
        };
        changes.iter().map(steps).collect()
    }
}

/// Which nodes forget what they are told with their next start.
fn forgetful<'a>(facts: &'a Value, list: &str) -> impl Iterator<Item = &'a str> {
    let list = facts.get(list).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

/// Said behind what would be done.
fn until_restart(change: &Change, facts: &Value, list: &str) -> &'static str {
    let forgets = node_of(&change.key).is_some_and(|node| forgetful(facts, list).any(|id| id == node));
    if forgets { " (until its next start: it has no file to keep it in)" } else { "" }
}

/// None for an absent resource; `null` says the same.
fn document(text: Option<&str>) -> Result<Option<Map<String, Value>>> {
    match text {
        None => Ok(None),
        Some(text) => json::parse(text, "read the change"),
    }
}

fn edited(path: &str, value: Option<&Value>) -> Edit {
    Edit { path: path.to_owned(), value: value.map(json::text) }
}

fn write(change: &Change, action: Action) -> Write {
    Write {
        key: change.key.clone(),
        action,
        revision: change.revision.clone(),
        incarnation: change.incarnation.clone(),
        extra: None,
    }
}

fn step(write: Write, summary: String, undo: Option<Write>) -> Step {
    Step { write, summary, destructive: false, undo, restart: Vec::new(), extra: None }
}
