//! Access tokens of the API, by the hash of their text.

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use super::columns::{Columns, word};
use super::{Store, StoreError, Tx};
use crate::domain::id::{OrganizationId, TokenId};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenRole {
    Owner,
    /// Reads everything, changes nothing.
    Reader,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    pub id: TokenId,
    pub organization: OrganizationId,
    pub name: String,
    pub role: TokenRole,
    pub created_at_ms: i64,
    pub expires_at_ms: Option<i64>,
}

impl Store {
    /// Expired ones too: whoever asks has the clock.
    pub async fn find_token_by_hash(&self, hash: &[u8]) -> Result<Option<Token>, StoreError> {
        let mut connection = self.reader().await?;
        sqlx::query(
            "select id, organization_id, name, role, created_at_ms, expires_at_ms
            from tokens
            where hash = $1",
        )
        .bind(hash)
        .fetch_optional(&mut *connection)
        .await?
        .as_ref()
        .map(read_token)
        .transpose()
    }

    /// Oldest first.
    pub async fn list_tokens(&self, organization: &OrganizationId) -> Result<Vec<Token>, StoreError> {
        let mut connection = self.reader().await?;
        sqlx::query(
            "select id, organization_id, name, role, created_at_ms, expires_at_ms
            from tokens
            where organization_id = $1
            order by id",
        )
        .bind(organization.as_str())
        .fetch_all(&mut *connection)
        .await?
        .iter()
        .map(read_token)
        .collect()
    }
}

impl Tx {
    pub async fn insert_token(&mut self, token: &Token, hash: &[u8]) -> Result<(), StoreError> {
        sqlx::query(
            "insert into tokens (id, organization_id, name, role, hash, created_at_ms, expires_at_ms)
            values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(token.id.as_str())
        .bind(token.organization.as_str())
        .bind(token.name.as_str())
        .bind(word("role", &token.role)?)
        .bind(hash)
        .bind(token.created_at_ms)
        .bind(token.expires_at_ms)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// `false`: there was none.
    pub async fn delete_token(&mut self, id: &TokenId) -> Result<bool, StoreError> {
        let deleted = sqlx::query("delete from tokens where id = $1")
            .bind(id.as_str())
            .execute(self.connection())
            .await?;
        Ok(deleted.rows_affected() == 1)
    }
}

fn read_token(row: &AnyRow) -> Result<Token, StoreError> {
    let mut columns = Columns::of(row, "tokens");
    Ok(Token {
        id: TokenId(columns.text()?),
        organization: OrganizationId(columns.text()?),
        name: columns.text()?,
        role: columns.word()?,
        created_at_ms: columns.int()?,
        expires_at_ms: columns.int_maybe()?,
    })
}
