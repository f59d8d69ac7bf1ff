//! The commands, a file each or a file for those that belong together.

pub(super) mod apply;
pub(super) mod backup;
pub(super) mod change;
pub(super) mod cluster;
pub(super) mod completion;
pub(super) mod divergence;
pub(super) mod drift;
pub(super) mod events;
pub(super) mod get;
pub(super) mod kind;
pub(super) mod log_level;
pub(super) mod node;
pub(super) mod operation;
pub(super) mod plan;
pub(super) mod plugin;
pub(super) mod policy;
pub(super) mod record;
pub(super) mod relation;
mod resource;
pub(super) mod run;
pub(super) mod serve;
pub(super) mod sync;
pub(super) mod token;

use clap::Args;

use super::client::encode;
use crate::api::v1::resources::ResourceName;
use crate::domain::place::Place;

/// Names one resource of a cluster.
#[derive(Args, Clone, Debug)]
pub(super) struct Subject {
    /// Metadata type, such as `topic`; `headgate kind show KIND` lists them
    #[arg(value_name = "TYPE")]
    pub(super) metadata_type: String,
    /// The resource's name
    pub(super) id: String,
    /// Name of the cluster
    #[arg(short, long, value_name = "NAME")]
    pub(super) cluster: String,
    /// Place: cluster, group:NAME or node:ID [default: cluster]
    #[arg(long, value_name = "PLACE")]
    pub(super) at: Option<Place>,
}

impl Subject {
    fn name(&self) -> ResourceName {
        ResourceName { metadata_type: self.metadata_type.clone(), id: self.id.clone(), at: self.at.clone() }
    }
}

fn cluster_path(name: &str) -> String {
    format!("/clusters/{}", encode(name))
}

/// The word that a domain value has in JSON.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// A document in one line of a table.
fn brief(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
