//! Policies: their bodies are the domain's own.

pub(crate) mod list;
pub(crate) mod save;

use serde::Deserialize;
use utoipa::IntoParams;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SubjectQuery {
    /// The whole cluster when absent.
    #[serde(rename = "type")]
    pub(crate) metadata_type: Option<String>,
    /// The whole type when absent.
    pub(crate) id: Option<String>,
}
