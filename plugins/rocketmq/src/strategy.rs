//! Decides without talking: the one form of a wish, what is wrong with it, and the writes that lead to it.

use headgate_sdk::json::Value;
use headgate_sdk::{Change, ConfigStrategy, Issue, Result, Severity, Step};

use crate::RocketMq;
use crate::driver::{copied, unknown_type};

mod normalize;
mod steps;
mod validate;

impl ConfigStrategy for RocketMq {
    fn normalize(metadata_type: &str, spec: Value, _: &Value) -> Result<Value, Vec<Issue>> {
        match copied(metadata_type) {
            Some(kind) => normalize::copy(kind, spec),
            None => Ok(spec),
        }
    }

    fn validate(metadata_type: &str, spec: &Value, facts: &Value) -> Vec<Issue> {
        match copied(metadata_type) {
            Some(kind) => validate::copy(kind, spec, facts),
            None => vec![issue("", &unknown_type(metadata_type).message)],
        }
    }

    fn steps(changes: &[Change], _: &Value) -> Vec<Result<Vec<Step>>> {
        let steps = |change: &Change| match copied(&change.key.metadata_type) {
            Some(kind) => steps::copy(kind, change),
            None => Err(unknown_type(&change.key.metadata_type)),
        };
        changes.iter().map(steps).collect()
    }
}

fn issue(path: &str, message: &str) -> Issue {
    Issue { severity: Severity::Error, path: path.to_owned(), message: message.to_owned() }
}

fn warning(path: &str, message: &str) -> Issue {
    Issue { severity: Severity::Warning, path: path.to_owned(), message: message.to_owned() }
}
