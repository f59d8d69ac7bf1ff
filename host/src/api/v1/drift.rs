//! Drift: what somebody changed in the cluster, and what to do about it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::place::Place;

/// The drift of a resource, or of one field of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DriftSubject {
    #[serde(rename = "type")]
    pub metadata_type: String,
    pub id: String,
    /// `cluster` (the default), `group:NAME` or `node:ID`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Place>,
    /// JSON Pointer into `spec`; the whole resource when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}
