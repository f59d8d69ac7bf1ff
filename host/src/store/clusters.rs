//! Registered clusters.

use sqlx::any::AnyRow;

use super::columns::{Columns, json, word};
use super::statement::Statement;
use super::{Store, StoreError, Tx};
use crate::domain::cluster::Cluster;
use crate::domain::id::{ClusterId, OrganizationId};

const SELECT: &str = "
    select id, organization_id, name, kind, connection, credential_revision, authority, paused, identity,
        backend_version, facts, discovered_at_ms, reach, created_at_ms, updated_at_ms, version,
        addresses, named_nodes
    from clusters";

impl Store {
    pub async fn find_cluster(
        &self,
        organization: &OrganizationId,
        name: &str,
    ) -> Result<Option<Cluster>, StoreError> {
        let mut select = Statement::new(SELECT);
        select.push(" where organization_id = ").bind(organization.as_str());
        select.push(" and name = ").bind(name);
        Ok(self.clusters(select).await?.pop())
    }

    pub async fn find_cluster_by_id(&self, id: &ClusterId) -> Result<Option<Cluster>, StoreError> {
        let mut select = Statement::new(SELECT);
        select.push(" where id = ").bind(id.as_str());
        Ok(self.clusters(select).await?.pop())
    }

    /// By name, those after the name `after`.
    pub async fn list_clusters(
        &self,
        organization: &OrganizationId,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Cluster>, StoreError> {
        let mut select = Statement::new(SELECT);
        select.push(" where organization_id = ").bind(organization.as_str());
        select.push(" and name > ").bind(after.unwrap_or(""));
        select.push(" order by name limit ").bind(i64::from(limit));
        self.clusters(select).await
    }

    /// Of every organization.
    pub async fn all_clusters(&self) -> Result<Vec<Cluster>, StoreError> {
        let mut select = Statement::new(SELECT);
        select.push(" order by id");
        self.clusters(select).await
    }

    /// Registrations of one and the same backend cluster.
    pub async fn clusters_with_identity(
        &self,
        kind: &str,
        identity: &str,
    ) -> Result<Vec<Cluster>, StoreError> {
        let mut select = Statement::new(SELECT);
        select.push(" where kind = ").bind(kind);
        select.push(" and identity = ").bind(identity);
        select.push(" order by id");
        self.clusters(select).await
    }

    async fn clusters(&self, select: Statement) -> Result<Vec<Cluster>, StoreError> {
        let mut connection = self.reader().await?;
        select.fetch_all(&mut connection).await?.iter().map(read_cluster).collect()
    }
}

impl Tx {
    /// `false`: the name is taken.
    pub async fn insert_cluster(&mut self, cluster: &Cluster) -> Result<bool, StoreError> {
        let mut insert = Statement::new(
            "insert into clusters (id, organization_id, name, kind, created_at_ms, connection, credential_revision,
                authority, paused, identity, backend_version, facts, discovered_at_ms, reach, updated_at_ms, version,
                addresses, named_nodes)
            values ",
        );
        insert.rows(&[cluster], |row, cluster| {
            row.bind(cluster.id.as_str())
                .bind(cluster.organization.as_str())
                .bind(cluster.name.as_str())
                .bind(cluster.kind.as_str())
                .bind(cluster.created_at_ms)
                .bind(json("connection", &cluster.connection)?)
                .bind(cluster.credential_revision)
                .bind(word("authority", &cluster.authority)?)
                .bind(i64::from(cluster.paused))
                .bind(cluster.identity.clone())
                .bind(cluster.backend_version.clone())
                .bind(json("facts", &cluster.facts)?)
                .bind(cluster.discovered_at_ms)
                .bind(json("reach", &cluster.reach)?)
                .bind(cluster.updated_at_ms)
                .bind(cluster.version)
                .bind(json("addresses", &cluster.addresses)?)
                .bind(json("named nodes", &cluster.named_nodes)?);
            Ok(())
        })?;
        insert.push(" on conflict do nothing");
        Ok(insert.execute(self.connection()).await? == 1)
    }

    /// Guarded by the version, which grows; `false`: it changed meanwhile, or is gone.
    pub async fn save_cluster(&mut self, cluster: &mut Cluster) -> Result<bool, StoreError> {
        let mut update = Statement::new("update clusters set name = ");
        update.bind(cluster.name.as_str());
        update.push(", connection = ").bind(json("connection", &cluster.connection)?);
        update.push(", addresses = ").bind(json("addresses", &cluster.addresses)?);
        update.push(", named_nodes = ").bind(json("named nodes", &cluster.named_nodes)?);
        update.push(", credential_revision = ").bind(cluster.credential_revision);
        update.push(", authority = ").bind(word("authority", &cluster.authority)?);
        update.push(", paused = ").bind(i64::from(cluster.paused));
        update.push(", identity = ").bind(cluster.identity.clone());
        update.push(", backend_version = ").bind(cluster.backend_version.clone());
        update.push(", facts = ").bind(json("facts", &cluster.facts)?);
        update.push(", discovered_at_ms = ").bind(cluster.discovered_at_ms);
        update.push(", reach = ").bind(json("reach", &cluster.reach)?);
        update.push(", updated_at_ms = ").bind(cluster.updated_at_ms);
        update.push(", version = version + 1 where id = ").bind(cluster.id.as_str());
        update.push(" and version = ").bind(cluster.version);
        let saved = update.execute(self.connection()).await? == 1;
        if saved {
            cluster.version += 1;
        }
        Ok(saved)
    }

    /// With everything that belongs to it but its events and records.
    pub async fn delete_cluster(&mut self, id: &ClusterId) -> Result<(), StoreError> {
        sqlx::query("delete from clusters where id = $1")
            .bind(id.as_str())
            .execute(self.connection())
            .await?;
        self.sealed.push((id.clone(), None));
        Ok(())
    }
}

fn read_cluster(row: &AnyRow) -> Result<Cluster, StoreError> {
    let mut columns = Columns::of(row, "clusters");
    Ok(Cluster {
        id: ClusterId(columns.text()?),
        organization: OrganizationId(columns.text()?),
        name: columns.text()?,
        kind: columns.text()?,
        connection: columns.json()?,
        credential_revision: columns.int()?,
        authority: columns.word()?,
        paused: columns.flag()?,
        identity: columns.text_maybe()?,
        backend_version: columns.text_maybe()?,
        facts: columns.json()?,
        discovered_at_ms: columns.int_maybe()?,
        reach: columns.json()?,
        created_at_ms: columns.int()?,
        updated_at_ms: columns.int()?,
        version: columns.int()?,
        addresses: columns.json()?,
        named_nodes: columns.json()?,
    })
}
