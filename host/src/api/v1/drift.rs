//! Drift: what somebody changed in the cluster, and what to do about it.

pub(crate) mod accept;
pub(crate) mod ignore;
pub(crate) mod list;
pub(crate) mod revert;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::place::Place;
use crate::domain::resource::ResourceKey;

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

impl DriftSubject {
    pub(crate) fn split(self) -> (ResourceKey, Option<String>) {
        let Self { metadata_type, id, at, field } = self;
        (ResourceKey { metadata_type, id, place: at.unwrap_or(Place::Cluster) }, field)
    }
}
