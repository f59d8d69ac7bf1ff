//! Metadata types that many plugins have alike.

use crate::json::{self, Value};
use crate::{Divergence, Granularity, MetadataType, Scope, Verbs};

impl MetadataType {
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
            extra: None,
        }
    }
}
