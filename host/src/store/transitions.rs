//! Changes of status, kept for a while.

use super::columns::{Columns, word};
use super::resources::read_key;
use super::statement::{ROWS_MAX, Statement};
use super::{Store, StoreError, Tx, uuid_at};
use crate::domain::id::ClusterId;
use crate::domain::resource::{ResourceKey, Transition};

impl Store {
    /// Of one resource, newest first.
    pub async fn list_transitions(
        &self,
        cluster: &ClusterId,
        key: &ResourceKey,
        limit: u32,
    ) -> Result<Vec<Transition>, StoreError> {
        let mut connection = self.reader().await?;
        sqlx::query(
            "select type, id, place, from_status, to_status, cause, at_ms
            from transitions
            where cluster_id = $1 and type = $2 and id = $3 and place = $4
            order by uid desc
            limit $5",
        )
        .bind(cluster.as_str())
        .bind(key.metadata_type.as_str())
        .bind(key.id.as_str())
        .bind(key.place.to_string())
        .bind(i64::from(limit))
        .fetch_all(&mut *connection)
        .await?
        .iter()
        .map(|row| {
            let mut columns = Columns::of(row, "transitions");
            Ok(Transition {
                key: read_key(&mut columns)?,
                from: columns.word()?,
                to: columns.word()?,
                cause: columns.text()?,
                at_ms: columns.int()?,
            })
        })
        .collect()
    }
}

impl Tx {
    /// In the order in which they happened.
    pub async fn insert_transitions(
        &mut self,
        cluster: &ClusterId,
        transitions: &[Transition],
    ) -> Result<(), StoreError> {
        if transitions.is_empty() {
            return Ok(());
        }
        let organization = self.organization_of(cluster).await?;
        let mut uid = 0;
        for rows in transitions.chunks(ROWS_MAX) {
            let mut insert = Statement::new(
                "insert into transitions (uid, cluster_id, type, id, place, organization_id, from_status, to_status,
                    cause, at_ms)
                values ",
            );
            insert.rows(rows, |row, transition| {
                // Greater than the one before, also within a millisecond: the order is read from it.
                uid = uuid_at(transition.at_ms).as_u128().max(uid + 1);
                row.bind(uuid::Uuid::from_u128(uid).to_string())
                    .bind(cluster.as_str())
                    .bind(transition.key.metadata_type.as_str())
                    .bind(transition.key.id.as_str())
                    .bind(transition.key.place.to_string())
                    .bind(organization.as_str())
                    .bind(word("status", &transition.from)?)
                    .bind(word("status", &transition.to)?)
                    .bind(transition.cause.as_str())
                    .bind(transition.at_ms);
                Ok(())
            })?;
            insert.execute(self.connection()).await?;
        }
        Ok(())
    }

    pub async fn prune_transitions(&mut self, before_ms: i64) -> Result<u64, StoreError> {
        let pruned = sqlx::query("delete from transitions where at_ms < $1")
            .bind(before_ms)
            .execute(self.connection())
            .await?;
        Ok(pruned.rows_affected())
    }
}
