//! A plugin's file that came over the API, and where it lies now.

use serde::{Deserialize, Serialize};

use super::contract::Grant;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Installed {
    pub kind: String,
    pub version: String,
    /// Lower-case hexadecimal SHA-256.
    pub digest: String,
    /// In the plugin folder of the host that answered.
    pub file: String,
    /// What its manifest asks for.
    pub asks: Vec<Grant>,
    /// The same content lay there already: nothing was written.
    pub unchanged: bool,
}
