//! Metadata types and fields that many plugins have alike.

use crate::json::{self, Value};
use crate::release::has;
use crate::{Divergence, EditRule, Field, Granularity, MetadataType, Scope, Verbs};

impl Field {
    /// One value for all copies, ordered, known to every release, at once in force.
    pub fn new(path: impl Into<String>, edits: EditRule) -> Self {
        Self {
            path: path.into(),
            default: None,
            edits,
            divergence: Divergence::Single,
            restart: false,
            unordered: false,
            since: None,
            until: None,
            extra: None,
        }
    }
}

impl MetadataType {
    /// As a cluster of this release has it: `None` where it has none, and what it does not know of it can only be read.
    /// Releases are numbers with dots between; where one is no such thing, everything is taken to be there.
    pub fn on(mut self, release: Option<&str>) -> Option<Self> {
        let Some(release) = release else { return Some(self) };
        if !has(release, self.since.as_deref(), self.until.as_deref()) {
            return None;
        }
        for field in &mut self.fields {
            if !has(release, field.since.as_deref(), field.until.as_deref()) {
                field.edits = EditRule::ReadOnly;
            }
        }
        Some(self)
    }

    /// Of the whole cluster, and only to look at. The schemas are whole ones.
    pub fn read_only(name: &str, plural: &str, title: &str, spec: &Value, status: &Value) -> Self {
        Self {
            name: name.to_owned(),
            plural: plural.to_owned(),
            title: title.to_owned(),
            scope: Scope::Cluster,
            roles: Vec::new(),
            identity: Vec::new(),
            tells_defaults: true,
            verbs: Verbs { create: false, update: false, delete: false },
            granularity: Granularity::None,
            divergence: Divergence::Single,
            spec: json::text(spec),
            status: json::text(status),
            fields: Vec::new(),
            after: Vec::new(),
            since: None,
            until: None,
            extra: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_release_does_not_know_can_only_be_read() {
        let attributes = Field { since: Some("5.0".to_owned()), ..Field::new("/attributes", EditRule::Free) };
        let topic = MetadataType {
            fields: vec![attributes, Field::new("/order", EditRule::Free)],
            ..MetadataType::read_only("topic", "topics", "Topic", &Value::Null, &Value::Null)
        };
        let edits = |release: Option<&str>| {
            let told = topic.clone().on(release).unwrap();
            told.fields.iter().map(|field| field.edits).collect::<Vec<_>>()
        };
        assert_eq!(edits(None), [EditRule::Free, EditRule::Free]);
        assert_eq!(edits(Some("5.1.0")), [EditRule::Free, EditRule::Free]);
        assert_eq!(edits(Some("4.9.7")), [EditRule::ReadOnly, EditRule::Free]);
        let user = MetadataType { since: Some("5.3".to_owned()), ..topic };
        assert!(user.clone().on(Some("5.2.0")).is_none());
        assert!(user.on(Some("5.3.1")).is_some());
    }
}
