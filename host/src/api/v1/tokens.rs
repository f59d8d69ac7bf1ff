//! Access tokens: who may call the API, and whether it may write.

pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod remove;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::caller::Role;
use crate::domain::id::TokenId;
use crate::store::{Token, TokenRole};

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

impl From<RoleView> for Role {
    fn from(role: RoleView) -> Self {
        match role {
            RoleView::Owner => Self::Owner,
            RoleView::Reader => Self::Reader,
        }
    }
}

impl From<Token> for TokenView {
    fn from(token: Token) -> Self {
        let Token { id, organization: _, name, role, created_at_ms, expires_at_ms } = token;
        let role = match role {
            TokenRole::Owner => RoleView::Owner,
            TokenRole::Reader => RoleView::Reader,
        };
        Self { id, name, role, created_at_ms, expires_at_ms }
    }
}
