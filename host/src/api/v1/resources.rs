//! Resources: what a cluster holds, what is wished for, and how they differ.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::domain::place::Place;
use crate::domain::resource::{Resource, Transition};

/// Names a resource of a cluster in a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceName {
    #[serde(rename = "type")]
    pub metadata_type: String,
    pub id: String,
    /// `cluster` (the default), `group:NAME` or `node:ID`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Place>,
}

/// A resource as the host remembers it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ResourceView {
    #[serde(flatten)]
    pub resource: Resource,
    /// When the last complete listing of its type at its place began.
    pub observed_at_ms: Option<i64>,
}

/// A resource with what differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ResourceDrift {
    #[serde(flatten)]
    pub view: ResourceView,
    pub fields: Vec<FieldView>,
}

/// One resource with all that is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ResourceDetail {
    #[serde(flatten)]
    pub view: ResourceView,
    /// Fields that are not as wished.
    pub fields: Vec<FieldView>,
    /// With the backend's defaults filled in; only when it was read live.
    pub effective: Option<Value>,
    /// Whether the cluster was asked just now; else what the last sweep saw.
    pub live: bool,
    /// Why it could not be asked.
    pub live_error: Option<String>,
    /// Newest first.
    pub transitions: Vec<Transition>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FieldView {
    /// JSON Pointer into `spec`; empty for existence.
    pub path: String,
    pub desired: Option<Value>,
    pub applied: Option<Value>,
    pub observed: Option<Value>,
    pub state: FieldStateView,
    /// An ignore rule hides it.
    pub ignored: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FieldStateView {
    Synced,
    Pending,
    Drifted,
    Conflicted,
}
