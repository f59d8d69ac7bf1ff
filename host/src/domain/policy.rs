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

/// Whether the copies of a resource may differ; where no policy says so, the type does, field by field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DivergencePolicy {
    Forbid,
    Allow,
}

/// What the policies together say of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    pub authority: Authority,
    pub drift: DriftPolicy,
    pub divergence: Option<DivergencePolicy>,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub divergence: Option<DivergencePolicy>,
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

/// What holds for a resource, or for a type where `id` is `None`: authority only narrows from the
/// cluster to the resource, drift policy, divergence, limits and protection are the narrowest that speaks, ignore rules add up.
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
        divergence: None,
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
}

impl Effective {
    fn narrow(&mut self, entry: &PolicyEntry) {
        let policy = &entry.policy;
        if let Some(authority) = policy.authority {
            self.authority = self.authority.min(authority);
        }
        // Not narrowing but naming: `revert` for one type is what a person wants where the cluster shows.
        self.drift = policy.drift.unwrap_or(self.drift);
        self.divergence = policy.divergence.or(self.divergence);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(metadata_type: Option<&str>, id: Option<&str>, policy: Policy) -> PolicyEntry {
        let subject =
            PolicySubject { metadata_type: metadata_type.map(str::to_owned), id: id.map(str::to_owned) };
        PolicyEntry { subject, policy }
    }

    fn authority(authority: Authority) -> Policy {
        Policy { authority: Some(authority), ..Policy::default() }
    }

    #[test]
    fn a_type_or_a_resource_can_only_narrow_the_authority_of_its_cluster() {
        let entries = [
            entry(Some("topic"), None, authority(Authority::Manage)),
            entry(Some("topic"), Some("a"), authority(Authority::Observe)),
        ];
        let of = |cluster, id| resolve(&entries, cluster, "topic", id).authority;
        assert_eq!(of(Authority::Observe, None), Authority::Observe);
        assert_eq!(of(Authority::Manage, Some("b")), Authority::Manage);
        assert_eq!(of(Authority::Manage, Some("a")), Authority::Observe);
    }

    #[test]
    fn the_narrowest_limit_that_is_set_counts_and_ignore_rules_add_up() {
        let rule =
            |pattern: &str| IgnoreRule { pattern: pattern.to_owned(), field: Some("/config/*".to_owned()) };
        let entries = [
            entry(Some("topic"), Some("a"), Policy { deletes_max: Some(1), ..Policy::default() }),
            entry(None, None, Policy { deletes_max: Some(5), ignore: vec![rule("a*")], ..Policy::default() }),
            entry(Some("topic"), None, Policy { ignore: vec![rule("*z")], ..Policy::default() }),
        ];
        let effective = resolve(&entries, Authority::Manage, "topic", Some("a"));
        assert_eq!((effective.deletes_max, effective.deletes_percent_max), (1, DELETES_PERCENT_MAX));
        assert!(effective.ignoring("abc", "/config/x").is_some());
        assert!(effective.ignoring("yz", "/config/x").is_some());
        assert!(effective.ignoring("other", "/config/x").is_none());
        assert!(effective.ignoring("abc", "/partitions").is_none());
        assert!(effective.ignoring("abc", "").is_none(), "a field's rule does not hide the absence");
    }

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        for (pattern, text) in [("*", ""), ("pay.*", "pay.events"), ("*.ev*s", "pay.events"), ("ü*", "über")]
        {
            assert!(is_like(pattern, text), "{pattern} {text}");
        }
        assert!(!is_like("pay.*", "play.events") && !is_like("a", "ab"));
    }
}
