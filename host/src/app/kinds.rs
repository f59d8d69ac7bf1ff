//! The loaded plugins.

use std::sync::Arc;

use super::caller::Caller;
use super::{App, AppError};
use crate::domain::cluster::Cluster;
use crate::domain::contract::{Description, MetadataType};
use crate::plugins::driver::Kind;

/// A plugin that is loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadedKind {
    pub description: Description,
    pub digest: String,
}

impl From<&dyn Kind> for LoadedKind {
    fn from(kind: &dyn Kind) -> Self {
        Self { description: kind.description().clone(), digest: kind.digest().to_owned() }
    }
}

impl App {
    pub fn list_kinds(&self, _: &Caller) -> Vec<LoadedKind> {
        self.kinds.list().iter().map(|kind| LoadedKind::from(kind.as_ref())).collect()
    }

    pub async fn show_kind(
        &self,
        _: &Caller,
        name: &str,
    ) -> Result<(LoadedKind, Vec<MetadataType>), AppError> {
        let kind = self.kinds.find(name).ok_or_else(|| AppError::not_found("kind", name))?;
        let types =
            kind.types(None).await.map_err(|source| AppError::Kind { kind: name.to_owned(), source })?;
        Ok((LoadedKind::from(kind.as_ref()), types))
    }

    /// With what discovery said of the cluster.
    pub async fn list_cluster_types(
        &self,
        caller: &Caller,
        name: &str,
    ) -> Result<Vec<MetadataType>, AppError> {
        let cluster = self.find_cluster(caller, name).await?;
        self.types_of(&cluster).await
    }

    pub(super) fn kind_of(&self, kind: &str) -> Result<Arc<dyn Kind>, AppError> {
        self.kinds.find(kind).ok_or_else(|| AppError::UnknownKind {
            kind: kind.to_owned(),
            reason: self.kinds.why_absent(kind),
            loaded: self.kinds.list().iter().map(|kind| kind.description().kind.clone()).collect(),
        })
    }

    pub(super) async fn types_of(&self, cluster: &Cluster) -> Result<Vec<MetadataType>, AppError> {
        let kind = self.kind_of(&cluster.kind)?;
        let facts = cluster.discovered_at_ms.map(|_| &cluster.facts);
        kind.types(facts).await.map_err(|source| AppError::Kind { kind: cluster.kind.clone(), source })
    }

    pub(super) async fn type_of(&self, cluster: &Cluster, name: &str) -> Result<MetadataType, AppError> {
        let types = self.types_of(cluster).await?;
        let known = types.iter().map(|one| one.name.clone()).collect();
        types.into_iter().find(|one| one.name == name).ok_or_else(|| AppError::UnknownType {
            kind: cluster.kind.clone(),
            metadata_type: name.to_owned(),
            known,
        })
    }
}
