//! The small key-value space of each plugin with each cluster.

use super::columns::Columns;
use super::{Store, StoreError};
use crate::domain::id::ClusterId;

impl Store {
    pub async fn get_state(
        &self,
        kind: &str,
        cluster: &ClusterId,
        key: &str,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let mut connection = self.reader().await?;
        sqlx::query("select value from plugin_state where kind = $1 and cluster_id = $2 and key = $3")
            .bind(kind)
            .bind(cluster.as_str())
            .bind(key)
            .fetch_optional(&mut *connection)
            .await?
            .map(|row| Columns::of(&row, "plugin_state").bytes())
            .transpose()
    }

    /// False: the plugin has `keys_max` others with this cluster, and nothing was written.
    pub async fn set_state(
        &self,
        kind: &str,
        cluster: &ClusterId,
        key: &str,
        value: &[u8],
        keys_max: i64,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let others = sqlx::query(
            "select count(*)
            from plugin_state
            where kind = $1 and cluster_id = $2 and key <> $3",
        )
        .bind(kind)
        .bind(cluster.as_str())
        .bind(key)
        .fetch_one(tx.connection())
        .await?;
        if Columns::of(&others, "plugin_state").int()? >= keys_max {
            return Ok(false);
        }
        let organization = tx.organization_of(cluster).await?;
        sqlx::query(
            "insert into plugin_state (kind, cluster_id, key, organization_id, value)
            values ($1, $2, $3, $4, $5)
            on conflict (kind, cluster_id, key) do update set value = excluded.value",
        )
        .bind(kind)
        .bind(cluster.as_str())
        .bind(key)
        .bind(organization.as_str())
        .bind(value)
        .execute(tx.connection())
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    pub async fn delete_state(&self, kind: &str, cluster: &ClusterId, key: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("delete from plugin_state where kind = $1 and cluster_id = $2 and key = $3")
            .bind(kind)
            .bind(cluster.as_str())
            .bind(key)
            .execute(tx.connection())
            .await?;
        tx.commit().await
    }
}
