//! Plugins: files and the versions that serve, their failures, and what an operator changes.

pub(crate) mod disable;
pub(crate) mod enable;
pub(crate) mod grant;
pub(crate) mod list;
pub(crate) mod rollback;
pub(crate) mod show;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a plugin is enabled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EnablePlugin {
    /// Takes the file though its version is older than the one that serves.
    pub downgrade: bool,
}
