//! What is remembered of the plugins: versions, incidents, and what each host serves.

use super::columns::{Columns, json};
use super::{Store, StoreError, Tx};
use crate::domain::grant::GrantDecision;
use crate::domain::plugin::{HostVersion, Incident, PluginRecord};

/// Incidents of one kind that are kept: the newest say what is wrong now.
const INCIDENTS_MAX: i64 = 200;

impl Store {
    /// By kind.
    pub async fn list_plugin_records(&self) -> Result<Vec<PluginRecord>, StoreError> {
        let mut connection = self.reader().await?;
        sqlx::query("select document from plugins order by kind")
            .fetch_all(&mut *connection)
            .await?
            .iter()
            .map(|row| Columns::of(row, "plugins").json())
            .collect()
    }

    /// By kind.
    pub async fn list_plugin_grants(&self) -> Result<Vec<GrantDecision>, StoreError> {
        let mut connection = self.reader().await?;
        sqlx::query("select document from plugin_grants order by kind")
            .fetch_all(&mut *connection)
            .await?
            .iter()
            .map(|row| Columns::of(row, "plugin_grants").json())
            .collect()
    }

    /// Newest first, those before `before`.
    pub async fn list_plugin_incidents(
        &self,
        kind: &str,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Incident>, StoreError> {
        let mut connection = self.reader().await?;
        sqlx::query(
            "select document
            from plugin_incidents
            where kind = $1 and ($2 = '' or id < $2)
            order by id desc
            limit $3",
        )
        .bind(kind)
        .bind(before.unwrap_or(""))
        .bind(i64::from(limit))
        .fetch_all(&mut *connection)
        .await?
        .iter()
        .map(|row| Columns::of(row, "plugin_incidents").json())
        .collect()
    }

    /// With the kind of each, by host. Those that were not heard of since are left out.
    pub async fn list_plugin_hosts(&self, since_ms: i64) -> Result<Vec<(String, HostVersion)>, StoreError> {
        let mut connection = self.reader().await?;
        sqlx::query(
            "select kind, host, digest, version, seen_at_ms
            from plugin_hosts
            where seen_at_ms >= $1
            order by kind, host",
        )
        .bind(since_ms)
        .fetch_all(&mut *connection)
        .await?
        .iter()
        .map(|row| {
            let mut columns = Columns::of(row, "plugin_hosts");
            let kind = columns.text()?;
            let (host, digest, version) = (columns.text()?, columns.text()?, columns.text()?);
            Ok((kind, HostVersion { host, digest, version, seen_at_ms: columns.int()? }))
        })
        .collect()
    }

    /// All that the host serves now, in the place of what it said before. A host that stands by says it, too.
    pub async fn save_plugin_host(
        &self,
        host: &str,
        served: &[(String, HostVersion)],
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_own().await?;
        sqlx::query("delete from plugin_hosts where host = $1").bind(host).execute(tx.connection()).await?;
        for (kind, version) in served {
            sqlx::query(
                "insert into plugin_hosts (host, kind, digest, version, seen_at_ms)
                values ($1, $2, $3, $4, $5)",
            )
            .bind(host)
            .bind(kind)
            .bind(&version.digest)
            .bind(&version.version)
            .bind(version.seen_at_ms)
            .execute(tx.connection())
            .await?;
        }
        tx.commit().await
    }
}

impl Tx {
    pub async fn save_plugin_record(&mut self, record: &PluginRecord) -> Result<(), StoreError> {
        sqlx::query(
            "insert into plugins (kind, document)
            values ($1, $2)
            on conflict (kind) do update set document = excluded.document",
        )
        .bind(&record.kind)
        .bind(json("plugin", record)?)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// `false`: its revision is not the one after what is stored; somebody else decided meanwhile.
    pub async fn save_plugin_grant(&mut self, decision: &GrantDecision) -> Result<bool, StoreError> {
        let revision = i64::try_from(decision.revision).unwrap_or(i64::MAX);
        let saved = sqlx::query(
            "insert into plugin_grants (kind, revision, document)
            values ($1, $2, $3)
            on conflict (kind) do update
            set revision = excluded.revision, document = excluded.document
            where plugin_grants.revision = excluded.revision - 1",
        )
        .bind(&decision.kind)
        .bind(revision)
        .bind(json("grant", decision)?)
        .execute(self.connection())
        .await?;
        Ok(saved.rows_affected() == 1)
    }

    /// The oldest of its kind make room.
    pub async fn insert_plugin_incident(&mut self, incident: &Incident) -> Result<(), StoreError> {
        sqlx::query("insert into plugin_incidents (id, kind, document) values ($1, $2, $3)")
            .bind(&incident.id)
            .bind(&incident.kind)
            .bind(json("incident", incident)?)
            .execute(self.connection())
            .await?;
        sqlx::query(
            "delete from plugin_incidents
            where kind = $1 and id not in (
                select id from plugin_incidents where kind = $1 order by id desc limit $2
            )",
        )
        .bind(&incident.kind)
        .bind(INCIDENTS_MAX)
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
