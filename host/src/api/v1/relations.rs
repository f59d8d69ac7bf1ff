//! Relations between clusters: which one stands on which.

pub(crate) mod add;
pub(crate) mod list;
pub(crate) mod remove;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::NamedRelation;
use crate::domain::relation::RelationType;

/// An edge by the names of its clusters: `from` depends on `to`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RelationView {
    pub from: String,
    pub relation: RelationType,
    pub to: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RelationsQuery {
    /// Only those that begin or end at the cluster of this name.
    pub(crate) cluster: Option<String>,
}

impl From<NamedRelation> for RelationView {
    fn from(named: NamedRelation) -> Self {
        let NamedRelation { from, relation, to } = named;
        Self { from, relation, to }
    }
}

impl From<RelationView> for NamedRelation {
    fn from(view: RelationView) -> Self {
        let RelationView { from, relation, to } = view;
        Self { from, relation, to }
    }
}
