//! Kinds: the loaded plugins.

pub(crate) mod list;
pub(crate) mod show;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::LoadedKind;
use crate::domain::contract::{Description, MetadataType};

/// A loaded plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct KindView {
    #[serde(flatten)]
    pub description: Description,
    /// Of the component, lower-case hexadecimal SHA-256.
    pub digest: String,
}

/// A loaded plugin with its metadata types.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct KindDetail {
    #[serde(flatten)]
    pub kind: KindView,
    pub types: Vec<MetadataType>,
}

impl From<LoadedKind> for KindView {
    fn from(kind: LoadedKind) -> Self {
        Self { description: kind.description, digest: kind.digest }
    }
}
