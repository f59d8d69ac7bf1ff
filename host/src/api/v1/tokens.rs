//! Access tokens: who may call the API, and whether it may write.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::id::TokenId;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RoleView {
    /// May read and write.
    Owner,
    /// May read.
    Reader,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    pub name: String,
    pub role: RoleView,
    /// Never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    pub id: TokenId,
    pub name: String,
    pub role: RoleView,
    pub created_at_ms: i64,
    pub expires_at_ms: Option<i64>,
}

/// The only answer that holds a token's text: the host keeps its hash.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedToken {
    #[serde(flatten)]
    pub view: TokenView,
    /// `hg_…`
    pub token: String,
}
