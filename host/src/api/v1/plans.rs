//! Plans: what would be changed, what is being changed, and what became of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::resources::ResourceName;
use crate::domain::place::Place;
use crate::domain::plan::Plan;

/// What to plan: exactly one of `documents`, `adopt` and `delete`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProposePlan {
    /// The cluster's name.
    pub cluster: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documents: Option<Vec<DocumentBody>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopt: Option<AdoptBody>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete: Option<ResourceName>,
    /// Raises the limit of deletes, for this plan only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_deletes: Option<u32>,
    /// The documents are all that is wished for: what is wished in none of them is listed as a warning.
    #[serde(default)]
    pub complete: bool,
    /// Answers the plan without storing it.
    #[serde(default)]
    pub dry_run: bool,
}

/// A wish for one resource, as a file holds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentBody {
    #[serde(rename = "type")]
    pub metadata_type: String,
    pub name: String,
    /// `cluster`, `group:NAME` or `node:ID`; every place of the type when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Place>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<Value>,
    #[serde(default)]
    pub delete: bool,
}

/// What exists and shall become ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdoptBody {
    #[serde(rename = "type")]
    pub metadata_type: String,
    /// Of ids; `*` stands for any run of characters.
    pub pattern: String,
}

/// What the person who approves raises for this plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovePlan {
    #[serde(default)]
    pub allow_destructive: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_deletes: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanView {
    #[serde(flatten)]
    pub plan: Plan,
    pub cluster_name: String,
    /// One line for a person: `Plan 0197…: 1 create, 1 edit. Nothing is destructive.`
    pub summary: String,
    /// Steps by verb (`create`, `edit`, …), and `blocked`, `destructive`, `unchanged`; only what is not 0.
    pub counts: BTreeMap<String, u64>,
}
