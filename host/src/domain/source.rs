//! Who told of a node or a relation.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The backend.
    Found,
    /// Only a person.
    Hand,
    /// A person, and the backend too.
    Both,
}
