//! The last listing of each type at each place.

use super::columns::{Columns, integer, json, json_maybe};
use super::{Store, StoreError, Tx};
use crate::domain::id::ClusterId;
use crate::domain::resource::Sweep;

impl Store {
    /// By (type, place).
    pub async fn list_sweeps(&self, cluster: &ClusterId) -> Result<Vec<Sweep>, StoreError> {
        let mut connection = self.reader().await?;
        sqlx::query(
            "select type, place, started_at_ms, ended_at_ms, complete_at_ms, seen, changed, failures, listed
            from sweeps
            where cluster_id = $1
            order by type, place",
        )
        .bind(cluster.as_str())
        .fetch_all(&mut *connection)
        .await?
        .iter()
        .map(|row| {
            let mut columns = Columns::of(row, "sweeps");
            Ok(Sweep {
                metadata_type: columns.text()?,
                place: columns.parsed()?,
                started_at_ms: columns.int()?,
                ended_at_ms: columns.int()?,
                complete_at_ms: columns.int_maybe()?,
                seen: columns.number()?,
                changed: columns.number()?,
                failures: columns.json()?,
                listed: columns.json_maybe()?,
            })
        })
        .collect()
    }
}

impl Store {
    /// Types that were listed completely, and of which it was not proposed yet to adopt what was found.
    pub async fn types_to_adopt(&self, cluster: &ClusterId) -> Result<Vec<String>, StoreError> {
        let mut connection = self.reader().await?;
        sqlx::query(
            "select type
            from sweeps
            where cluster_id = $1 and place = 'cluster' and complete_at_ms is not null
                and adopt_proposed_at_ms is null
            order by type",
        )
        .bind(cluster.as_str())
        .fetch_all(&mut *connection)
        .await?
        .iter()
        .map(|row| Columns::of(row, "sweeps").text())
        .collect()
    }
}

impl Tx {
    /// Another cluster answers from now on: what was listed was of the old one.
    pub async fn delete_sweeps(&mut self, cluster: &ClusterId) -> Result<(), StoreError> {
        sqlx::query("delete from sweeps where cluster_id = $1")
            .bind(cluster.as_str())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// It was proposed to adopt what there is of that type: once is enough.
    pub async fn save_adopt_proposed(
        &mut self,
        cluster: &ClusterId,
        metadata_type: &str,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        sqlx::query("update sweeps set adopt_proposed_at_ms = $1 where cluster_id = $2 and type = $3")
            .bind(now_ms)
            .bind(cluster.as_str())
            .bind(metadata_type)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    pub async fn save_sweep(&mut self, cluster: &ClusterId, sweep: &Sweep) -> Result<(), StoreError> {
        let organization = self.organization_of(cluster).await?;
        sqlx::query(
            "insert into sweeps (cluster_id, type, place, organization_id, started_at_ms, ended_at_ms, complete_at_ms,
                seen, changed, failures, listed)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
            on conflict (cluster_id, type, place) do update
            set started_at_ms = excluded.started_at_ms, ended_at_ms = excluded.ended_at_ms,
                complete_at_ms = excluded.complete_at_ms, seen = excluded.seen, changed = excluded.changed,
                failures = excluded.failures, listed = excluded.listed",
        )
        .bind(cluster.as_str())
        .bind(sweep.metadata_type.as_str())
        .bind(sweep.place.to_string())
        .bind(organization.as_str())
        .bind(sweep.started_at_ms)
        .bind(sweep.ended_at_ms)
        .bind(sweep.complete_at_ms)
        .bind(integer("sweep", sweep.seen)?)
        .bind(integer("sweep", sweep.changed)?)
        .bind(json("failures", &sweep.failures)?)
        .bind(json_maybe("listed", sweep.listed.as_ref())?)
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
