//! What differs of a resource, field by field, with the ignore rules of its cluster applied.

use super::{App, AppError};
use crate::domain::cluster::Cluster;
use crate::domain::compare::{FieldDifference, judge};
use crate::domain::contract::MetadataType;
use crate::domain::policy::{Authority, PolicyEntry, resolve};
use crate::domain::resource::Resource;

/// The types and policies of one cluster.
pub(super) struct Shapes {
    types: Vec<MetadataType>,
    policies: Vec<PolicyEntry>,
    authority: Authority,
}

impl Shapes {
    pub(super) async fn of(app: &App, cluster: &Cluster) -> Result<Self, AppError> {
        Ok(Self {
            types: app.types_of(cluster).await?,
            policies: app.policies_of(cluster).await?,
            authority: cluster.authority,
        })
    }

    /// Those that are not as wished; none where nothing is wished for.
    pub(super) fn fields(&self, resource: &Resource) -> Vec<FieldDifference> {
        let key = &resource.key;
        let shape = self.types.iter().find(|shape| shape.name == key.metadata_type);
        let Some(shape) = shape else { return Vec::new() };
        let effective = resolve(&self.policies, self.authority, &key.metadata_type, Some(&key.id));
        judge(resource, shape, &|path| effective.ignoring(&key.id, path).is_some()).fields
    }
}
