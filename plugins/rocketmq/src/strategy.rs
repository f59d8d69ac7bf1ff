//! Decides without talking: the one form of a wish, what is wrong with it, and the writes that lead to it.

use headgate_sdk::json::Value;
use headgate_sdk::{Change, ConfigStrategy, Issue, Result, Severity, Step};

use crate::RocketMq;
use crate::driver::{Of, of, read_only, unknown_type};
use crate::types::ACL;

mod acls;
mod normalize;
mod steps;
mod users;
mod validate;

pub(crate) use validate::did_you_mean;

impl ConfigStrategy for RocketMq {
    fn normalize(metadata_type: &str, spec: Value, _: &Value) -> Result<Value, Vec<Issue>> {
        match of(metadata_type) {
            Some(Of::Copy(kind)) => normalize::copy(kind, spec),
            Some(Of::NodeConfig(_)) => normalize::node_config(spec),
            Some(Of::Access(kind)) if kind.metadata_type == ACL => {
                normalize::object(spec).map(acls::normalize)
            }
            Some(Of::Access(_)) => normalize::object(spec).map(users::normalize),
            Some(Of::ConsumerGroup | Of::Client) | None => Ok(spec),
        }
    }

    fn validate(metadata_type: &str, spec: &Value, facts: &Value) -> Vec<Issue> {
        match of(metadata_type) {
            Some(Of::Copy(kind)) => validate::copy(kind, spec, facts),
            Some(Of::NodeConfig(kind)) => validate::node_config(kind, spec),
            Some(Of::Access(kind)) if kind.metadata_type == ACL => acls::validate(spec),
            Some(Of::Access(_)) => users::validate(spec),
            Some(Of::ConsumerGroup | Of::Client) => vec![issue("", &read_only(metadata_type).message)],
            None => vec![issue("", &unknown_type(metadata_type).message)],
        }
    }

    fn steps(changes: &[Change], _: &Value) -> Vec<Result<Vec<Step>>> {
        let steps = |change: &Change| match of(&change.key.metadata_type) {
            Some(Of::Copy(kind)) => steps::copy(kind, change),
            Some(Of::NodeConfig(kind)) => steps::node_config(kind, change),
            Some(Of::Access(kind)) if kind.metadata_type == ACL => acls::steps(change),
            Some(Of::Access(_)) => users::steps(change),
            Some(Of::ConsumerGroup | Of::Client) => Err(read_only(&change.key.metadata_type)),
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
