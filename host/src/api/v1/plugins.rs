//! Plugins: files and the versions that serve, their failures, and what an operator changes.

pub(crate) mod disable;
pub(crate) mod enable;
pub(crate) mod grant;
pub(crate) mod install;
pub(crate) mod list;
pub(crate) mod remove;
pub(crate) mod rollback;
pub(crate) mod show;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The signature of a component that is installed.
pub(crate) const SIGNATURE_HEADER: &str = "x-headgate-signature";

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct InstallQuery {
    /// Of the file in the plugin folder, without `.wasm`; where the kind is served already, else the kind itself.
    pub(crate) name: Option<String>,
}

/// A file that is gone from the plugin folder. Its kind is served until the host has noticed, within a few seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RemovedPlugin {
    pub file: String,
}

/// How a plugin is enabled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EnablePlugin {
    /// Takes the file though its version is older than the one that serves.
    pub downgrade: bool,
}
