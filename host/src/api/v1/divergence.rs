//! Divergence: resources whose copies on groups or nodes differ.

pub(crate) mod list;
pub(crate) mod repair;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::place::Place;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    #[serde(rename = "type")]
    pub(crate) metadata_type: Option<String>,
    /// Differences that are allowed too.
    pub(crate) allowed: Option<bool>,
    /// Only those in which the copy there is not like most: `group:NAME` or `node:ID`.
    pub(crate) at: Option<Place>,
    /// Items of a page, 1 to 1,000; 100 when absent.
    pub(crate) limit: Option<u32>,
    /// `next` of the page before.
    pub(crate) after: Option<String>,
}

/// Which resource to make alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RepairRequest {
    #[serde(rename = "type")]
    pub metadata_type: String,
    pub id: String,
    /// The copy to follow, `group:NAME` or `node:ID`; what most copies have when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub like: Option<Place>,
}
