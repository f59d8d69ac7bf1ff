//! Answers to creating calls, given again when the call is repeated.

use super::columns::Columns;
use super::{Store, StoreError, Tx};
use crate::domain::id::OrganizationId;

/// The first answer under an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotent {
    /// Of the call: the same key with another call is a mistake of the caller.
    pub request_hash: String,
    /// HTTP status.
    pub status: u16,
    pub body: String,
    pub at_ms: i64,
}

impl Store {
    pub async fn find_idempotent(
        &self,
        organization: &OrganizationId,
        key: &str,
    ) -> Result<Option<Idempotent>, StoreError> {
        let mut connection = self.reader().await?;
        sqlx::query(
            "select request_hash, status, body, at_ms
            from idempotency
            where organization_id = $1 and key = $2",
        )
        .bind(organization.as_str())
        .bind(key)
        .fetch_optional(&mut *connection)
        .await?
        .map(|row| {
            let mut columns = Columns::of(&row, "idempotency");
            Ok(Idempotent {
                request_hash: columns.text()?,
                status: columns.number()?,
                body: columns.text()?,
                at_ms: columns.int()?,
            })
        })
        .transpose()
    }
}

impl Tx {
    /// `false`: the key has an answer already.
    pub async fn insert_idempotent(
        &mut self,
        organization: &OrganizationId,
        key: &str,
        answer: &Idempotent,
    ) -> Result<bool, StoreError> {
        let inserted = sqlx::query(
            "insert into idempotency (organization_id, key, request_hash, status, body, at_ms)
            values ($1, $2, $3, $4, $5, $6)
            on conflict do nothing",
        )
        .bind(organization.as_str())
        .bind(key)
        .bind(answer.request_hash.as_str())
        .bind(i64::from(answer.status))
        .bind(answer.body.as_str())
        .bind(answer.at_ms)
        .execute(self.connection())
        .await?;
        Ok(inserted.rows_affected() == 1)
    }

    pub async fn prune_idempotent(&mut self, before_ms: i64) -> Result<u64, StoreError> {
        let pruned = sqlx::query("delete from idempotency where at_ms < $1")
            .bind(before_ms)
            .execute(self.connection())
            .await?;
        Ok(pruned.rows_affected())
    }
}
