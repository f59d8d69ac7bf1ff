//! Typed edges between clusters.

use std::collections::BTreeMap;

use super::columns::{Columns, word};
use super::{Store, StoreError, Tx};
use crate::domain::id::{ClusterId, OrganizationId};
use crate::domain::relation::Relation;
use crate::domain::source::Source;

impl Store {
    /// All of an organization, with who told of each: a graph is judged as a whole.
    pub async fn relation_sources(
        &self,
        organization: &OrganizationId,
    ) -> Result<BTreeMap<Relation, Source>, StoreError> {
        let mut connection = self.reader().await?;
        sqlx::query(
            "select cluster_id, relation, target_id, source from relations where organization_id = $1",
        )
        .bind(organization.as_str())
        .fetch_all(&mut *connection)
        .await?
        .iter()
        .map(|row| {
            let mut columns = Columns::of(row, "relations");
            let relation = Relation {
                from: ClusterId(columns.text()?),
                relation: columns.word()?,
                to: ClusterId(columns.text()?),
            };
            Ok((relation, columns.word()?))
        })
        .collect()
    }
}

impl Tx {
    /// Twice is once; `source` counts from now on.
    pub async fn save_relation(
        &mut self,
        relation: &Relation,
        source: Source,
        actor: &str,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let organization = self.organization_of(&relation.from).await?;
        sqlx::query(
            "insert into relations (cluster_id, relation, target_id, organization_id, created_by, created_at_ms,
                source)
            values ($1, $2, $3, $4, $5, $6, $7)
            on conflict (cluster_id, relation, target_id) do update
            set source = excluded.source",
        )
        .bind(relation.from.as_str())
        .bind(word("relation", &relation.relation)?)
        .bind(relation.to.as_str())
        .bind(organization.as_str())
        .bind(actor)
        .bind(now_ms)
        .bind(word("source", &source)?)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// `false`: there was none.
    pub async fn delete_relation(&mut self, relation: &Relation) -> Result<bool, StoreError> {
        let deleted =
            sqlx::query("delete from relations where cluster_id = $1 and relation = $2 and target_id = $3")
                .bind(relation.from.as_str())
                .bind(word("relation", &relation.relation)?)
                .bind(relation.to.as_str())
                .execute(self.connection())
                .await?;
        Ok(deleted.rows_affected() == 1)
    }
}
