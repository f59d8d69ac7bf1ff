//! Decides without talking: the one form of a wish, what is wrong with it, and the writes that lead to it.

use headgate_sdk::json::Value;
use headgate_sdk::{Change, ConfigStrategy, Issue, Result, Severity, Step};

use crate::Kafka;
use crate::driver::{read_only, unknown_type};
use crate::types::{ACL, BROKER_CONFIG, CONSUMER_GROUP, LOG_DIR, QUORUM, QUOTA, SHARE_GROUP, TOPIC, USER};

mod acl;
mod normalize;
mod quota;
mod steps;
mod user;
mod validate;

impl ConfigStrategy for Kafka {
    fn normalize(metadata_type: &str, spec: Value, _: &Value) -> Result<Value, Vec<Issue>> {
        match metadata_type {
            TOPIC => normalize::topic(spec),
            BROKER_CONFIG => normalize::broker_config(spec),
            ACL => normalize::object(spec).map(acl::normalize),
            QUOTA => normalize::object(spec).map(quota::normalize),
            USER => normalize::object(spec).map(user::normalize),
            _ => Ok(spec),
        }
    }

    fn validate(metadata_type: &str, spec: &Value, facts: &Value) -> Vec<Issue> {
        match metadata_type {
            TOPIC => validate::topic(spec, facts),
            BROKER_CONFIG => validate::broker_config(spec),
            ACL => acl::validate(spec),
            QUOTA => quota::validate(spec),
            USER => user::validate(spec),
            name @ (CONSUMER_GROUP | LOG_DIR | QUORUM | SHARE_GROUP) => {
                vec![issue("", &read_only(name).message)]
            }
            other => vec![issue("", &unknown_type(other).message)],
        }
    }

    fn steps(changes: &[Change], _: &Value) -> Vec<Result<Vec<Step>>> {
        let steps = |change: &Change| match change.key.metadata_type.as_str() {
            TOPIC => steps::topic(change),
            BROKER_CONFIG => steps::broker_config(change),
            ACL => acl::steps(change),
            QUOTA => quota::steps(change),
            USER => user::steps(change),
            name @ (CONSUMER_GROUP | LOG_DIR | QUORUM | SHARE_GROUP) => Err(read_only(name)),
            other => Err(unknown_type(other)),
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
