//! Who decides on a cluster, a type or a resource, and within which limits.

use serde::{Deserialize, Serialize};

/// Which side is the truth. A type or a resource can only narrow what its cluster says.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Authority {
    /// Writes nothing, ever.
    Observe,
    /// `manage` that begins with a proposal to adopt what the first complete sweep found.
    Adopt,
    #[default]
    Manage,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DriftPolicy {
    #[default]
    Show,
    /// A plan waits for approval.
    Propose,
    /// The plan is applied by itself, within the limits.
    Revert,
}

/// Hides a difference, and says that it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IgnoreRule {
    /// Of ids; `*` stands for any run of characters.
    pub pattern: String,
    /// JSON Pointer into `spec`, `*` any one key; the whole resource where absent.
    pub field: Option<String>,
}

/// Set on a cluster, and narrowed on a type (`metadata_type`) or a resource (`id` too).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Policy {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<Authority>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftPolicy>,
    /// Refuses deletes until taken off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protect: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletes_max: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletes_percent_max: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edits_percent_max: Option<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<IgnoreRule>,
}

/// What a policy lies on. Ordered from the widest to the narrowest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PolicySubject {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub metadata_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PolicyEntry {
    #[serde(flatten)]
    pub subject: PolicySubject,
    #[serde(flatten)]
    pub policy: Policy,
}
