//! Who decides on a cluster, a type or a resource, and within which limits.

use serde::{Deserialize, Serialize};

use super::fields;

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

#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum DriftPolicy {
    #[default]
    Show,
    /// A plan waits for approval.
    Propose,
    /// The plan is applied by itself, within the limits.
    Revert,
}

/// What the policies together say of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    pub authority: Authority,
    pub drift: DriftPolicy,
    pub protect: bool,
    pub deletes_max: u32,
    pub deletes_percent_max: u32,
    pub edits_percent_max: u32,
    /// Of the cluster, the type and the resource together.
    pub ignore: Vec<IgnoreRule>,
}

/// Deletes, and re-creations of owned resources found absent, in one plan: what one review can take in.
pub const DELETES_MAX: u32 = 10;
/// The same, of the type's resources: an emptied cluster is not rebuilt, nor emptied, without a word.
pub const DELETES_PERCENT_MAX: u32 = 30;
/// Edits in one plan, of the type's resources.
pub const EDITS_PERCENT_MAX: u32 = 30;
/// A type with fewer resources than this has no limit of edits.
pub const EDITS_LIMITED_FROM: u64 = 20;

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

/// What holds for a resource, or for a type where `id` is `None`: authority and drift policy only narrow from the
/// cluster to the resource, limits and protection are the narrowest that speaks, ignore rules add up.
pub fn resolve(
    entries: &[PolicyEntry],
    authority: Authority,
    metadata_type: &str,
    id: Option<&str>,
) -> Effective {
    let mut applying: Vec<&PolicyEntry> =
        entries.iter().filter(|entry| entry.subject.covers(metadata_type, id)).collect();
    applying.sort_by(|one, other| one.subject.cmp(&other.subject));
    let mut effective = Effective {
        authority,
        drift: DriftPolicy::default(),
        protect: false,
        deletes_max: DELETES_MAX,
        deletes_percent_max: DELETES_PERCENT_MAX,
        edits_percent_max: EDITS_PERCENT_MAX,
        ignore: Vec::new(),
    };
    for entry in applying {
        effective.narrow(entry);
    }
    effective
}

impl PolicySubject {
    fn covers(&self, metadata_type: &str, id: Option<&str>) -> bool {
        self.metadata_type.as_deref().is_none_or(|named| named == metadata_type)
            && self.id.as_deref().is_none_or(|named| Some(named) == id)
    }

    fn is_cluster(&self) -> bool {
        self.metadata_type.is_none() && self.id.is_none()
    }
}

impl Effective {
    fn narrow(&mut self, entry: &PolicyEntry) {
        let policy = &entry.policy;
        if let Some(authority) = policy.authority {
            self.authority = self.authority.min(authority);
        }
        if let Some(drift) = policy.drift {
            // The cluster's word is the widest; below it a policy may only do less by itself.
            self.drift = if entry.subject.is_cluster() { drift } else { self.drift.min(drift) };
        }
        self.protect = policy.protect.unwrap_or(self.protect);
        self.deletes_max = policy.deletes_max.unwrap_or(self.deletes_max);
        self.deletes_percent_max = policy.deletes_percent_max.unwrap_or(self.deletes_percent_max);
        self.edits_percent_max = policy.edits_percent_max.unwrap_or(self.edits_percent_max);
        self.ignore.extend(policy.ignore.iter().cloned());
    }

    /// The rule that hides a field of a resource; existence is the field "".
    pub fn ignoring(&self, id: &str, path: &str) -> Option<&IgnoreRule> {
        self.ignore.iter().find(|rule| {
            is_like(&rule.pattern, id)
                && rule.field.as_deref().is_none_or(|field| !path.is_empty() && fields::matches(field, path))
        })
    }
}

/// Whether a text is like a pattern, in which `*` stands for any run of characters.
pub fn is_like(pattern: &str, text: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == text };
    let Some(rest) = text.strip_prefix(head) else { return false };
    let mut starts = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    starts.any(|at| rest.get(at..).is_some_and(|rest| is_like(tail, rest)))
}
