//! Relations between clusters: which one stands on which.

pub(crate) mod add;
pub(crate) mod list;
pub(crate) mod remove;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::{NamedRelation, ToldOfRelation};
use crate::domain::relation::RelationType;
use crate::domain::source::Source;

/// An edge by the names of its clusters: `from` depends on `to`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddRelation {
    pub from: String,
    pub relation: RelationType,
    pub to: String,
}

/// An edge with who told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RelationView {
    pub from: String,
    pub relation: RelationType,
    pub to: String,
    pub source: Source,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RelationsQuery {
    /// Only those that begin or end at the cluster of this name.
    pub(crate) cluster: Option<String>,
}

impl From<ToldOfRelation> for RelationView {
    fn from(told: ToldOfRelation) -> Self {
        let ToldOfRelation { edge: NamedRelation { from, relation, to }, source } = told;
        Self { from, relation, to, source }
    }
}

impl From<AddRelation> for NamedRelation {
    fn from(body: AddRelation) -> Self {
        let AddRelation { from, relation, to } = body;
        Self { from, relation, to }
    }
}
