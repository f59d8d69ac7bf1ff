//! Typed edges between clusters.

use super::columns::{Columns, word};
use super::{Store, StoreError, Tx};
use crate::domain::id::{ClusterId, OrganizationId};
use crate::domain::relation::Relation;

impl Store {
    /// All of an organization: a graph is judged as a whole.
    pub async fn list_relations(&self, organization: &OrganizationId) -> Result<Vec<Relation>, StoreError> {
        let mut connection = self.reader().await?;
        sqlx::query(
            "select cluster_id, relation, target_id
            from relations
            where organization_id = $1
            order by cluster_id, relation, target_id",
        )
        .bind(organization.as_str())
        .fetch_all(&mut *connection)
        .await?
        .iter()
        .map(|row| {
            let mut columns = Columns::of(row, "relations");
            Ok(Relation {
                from: ClusterId(columns.text()?),
                relation: columns.word()?,
                to: ClusterId(columns.text()?),
            })
        })
        .collect()
    }
}

impl Tx {
    /// Twice is once.
    pub async fn save_relation(
        &mut self,
        relation: &Relation,
        actor: &str,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let organization = self.organization_of(&relation.from).await?;
        sqlx::query(
            "insert into relations (cluster_id, relation, target_id, organization_id, created_by, created_at_ms)
            values ($1, $2, $3, $4, $5, $6)
            on conflict (cluster_id, relation, target_id) do nothing",
        )
        .bind(relation.from.as_str())
        .bind(word("relation", &relation.relation)?)
        .bind(relation.to.as_str())
        .bind(organization.as_str())
        .bind(actor)
        .bind(now_ms)
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
