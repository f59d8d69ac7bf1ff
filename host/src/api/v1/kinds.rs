//! Kinds: the loaded plugins.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
