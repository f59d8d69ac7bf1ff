//! Resources: what a cluster holds, what is wished for, and how they differ.

pub(crate) mod list;
pub(crate) mod release;
pub(crate) mod show;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::app::{KnownResource, SeenResource};
use crate::domain::compare::{FieldDifference, FieldState};
use crate::domain::place::Place;
use crate::domain::resource::{Resource, ResourceKey, Transition};

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

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    #[serde(rename = "type")]
    pub(crate) metadata_type: Option<String>,
    /// One or several, with commas between: `drifted,conflicted`.
    pub(crate) status: Option<String>,
    pub(crate) at: Option<Place>,
    /// Of ids; `*` stands for any run of characters.
    pub(crate) pattern: Option<String>,
    /// Only copies of resources that should be alike everywhere and are not; needs `type`.
    pub(crate) diverged: Option<bool>,
    /// Only the backend's own, or only the others.
    pub(crate) internal: Option<bool>,
    /// Items of a page, 1 to 1,000; 100 when absent.
    pub(crate) limit: Option<u32>,
    /// `next` of the page before.
    pub(crate) after: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AtQuery {
    /// `cluster` (the default), `group:NAME` or `node:ID`.
    pub(crate) at: Option<Place>,
}

impl From<ResourceName> for ResourceKey {
    fn from(name: ResourceName) -> Self {
        Self { metadata_type: name.metadata_type, id: name.id, place: name.at.unwrap_or(Place::Cluster) }
    }
}

impl From<KnownResource> for ResourceView {
    fn from(known: KnownResource) -> Self {
        Self { resource: known.resource, observed_at_ms: known.observed_at_ms }
    }
}

impl From<(KnownResource, Vec<FieldDifference>)> for ResourceDrift {
    fn from((known, fields): (KnownResource, Vec<FieldDifference>)) -> Self {
        Self { view: ResourceView::from(known), fields: fields.into_iter().map(FieldView::from).collect() }
    }
}

impl From<SeenResource> for ResourceDetail {
    fn from(seen: SeenResource) -> Self {
        let SeenResource { known, fields, effective, live, live_error, transitions } = seen;
        let fields = fields.into_iter().map(FieldView::from).collect();
        Self { view: ResourceView::from(known), fields, effective, live, live_error, transitions }
    }
}

impl From<FieldDifference> for FieldView {
    fn from(difference: FieldDifference) -> Self {
        let FieldDifference { path, desired, applied, observed, state, ignored } = difference;
        Self { path, desired, applied, observed, state: state.into(), ignored }
    }
}

impl From<FieldState> for FieldStateView {
    fn from(state: FieldState) -> Self {
        match state {
            FieldState::Synced => Self::Synced,
            FieldState::Pending => Self::Pending,
            FieldState::Drifted => Self::Drifted,
            FieldState::Conflicted => Self::Conflicted,
        }
    }
}
