//! Secrets of clusters: written and opened for the plugin's session, never listed with their values.

use std::collections::BTreeMap;
use std::sync::Arc;

use sqlx::AnyPool;

use super::columns::Columns;
use super::sealing::SealingKey;
use super::{Store, StoreError, Tx};
use crate::domain::cluster::Cluster;
use crate::domain::id::ClusterId;
use crate::plugins::driver::Secrets;

/// A cluster whose secrets the key does not open: they have to be set again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableSecrets {
    pub id: ClusterId,
    pub cluster: String,
    /// Of the secrets, sorted.
    pub names: Vec<String>,
}

/// The name of the row that tells whether a key fits, what is sealed in it, and what for.
const CHECK: &str = "sealing_check";

impl Store {
    pub async fn secret_names(&self, cluster: &ClusterId) -> Result<Vec<String>, StoreError> {
        let mut connection = self.reader().await?;
        sqlx::query("select name from secrets where cluster_id = $1 order by name")
            .bind(cluster.as_str())
            .fetch_all(&mut *connection)
            .await?
            .iter()
            .map(|row| Columns::of(row, "secrets").text())
            .collect()
    }

    /// When each was set last, by its name: a wish that names a secret compares by it.
    pub async fn secret_versions(&self, cluster: &ClusterId) -> Result<BTreeMap<String, i64>, StoreError> {
        let mut connection = self.reader().await?;
        sqlx::query("select name, updated_at_ms from secrets where cluster_id = $1")
            .bind(cluster.as_str())
            .fetch_all(&mut *connection)
            .await?
            .iter()
            .map(|row| {
                let mut columns = Columns::of(row, "secrets");
                Ok((columns.text()?, columns.int()?))
            })
            .collect()
    }

    /// All or none: the error names the secret that the key does not open, and what to do.
    pub async fn open_secrets(&self, cluster: &ClusterId) -> Result<Secrets, StoreError> {
        let mut connection = self.reader().await?;
        let rows = sqlx::query(
            "select secrets.name, secrets.sealed, clusters.name
            from secrets
            join clusters on clusters.id = secrets.cluster_id
            where secrets.cluster_id = $1",
        )
        .bind(cluster.as_str())
        .fetch_all(&mut *connection)
        .await?;
        let mut opened = BTreeMap::new();
        for row in &rows {
            let mut columns = Columns::of(row, "secrets");
            let name = columns.text()?;
            let Some(value) = self.inner.key.open(&context(cluster, &name), &columns.bytes()?) else {
                return Err(StoreError::SecretUnreadable { cluster: columns.text()?, name });
            };
            opened.insert(name, value);
        }
        Ok(Secrets(Arc::new(opened)))
    }
}

impl Tx {
    pub async fn save_secret(
        &mut self,
        cluster: &ClusterId,
        name: &str,
        value: &[u8],
    ) -> Result<(), StoreError> {
        let organization = self.organization_of(cluster).await?;
        let sealed = self.store.inner.key.seal(&context(cluster, name), value)?;
        let now_ms = self.store.inner.clock.now_ms();
        sqlx::query(
            "insert into secrets (cluster_id, name, organization_id, sealed, updated_at_ms)
            values ($1, $2, $3, $4, $5)
            on conflict (cluster_id, name) do update
            set sealed = excluded.sealed, updated_at_ms = excluded.updated_at_ms",
        )
        .bind(cluster.as_str())
        .bind(name)
        .bind(organization.as_str())
        .bind(sealed)
        .bind(now_ms)
        .execute(self.connection())
        .await?;
        self.sealed.push((cluster.clone(), Some(name.to_owned())));
        Ok(())
    }

    /// From one cluster to another, sealed anew. Nothing where the first has none of that name.
    pub async fn copy_secret(
        &mut self,
        from: &Cluster,
        to: &ClusterId,
        name: &str,
    ) -> Result<(), StoreError> {
        let row = sqlx::query("select sealed from secrets where cluster_id = $1 and name = $2")
            .bind(from.id.as_str())
            .bind(name)
            .fetch_optional(self.connection())
            .await?;
        let Some(row) = row else { return Ok(()) };
        let sealed = Columns::of(&row, "secrets").bytes()?;
        let opened = self.store.inner.key.open(&context(&from.id, name), &sealed);
        let Some(value) = opened else {
            return Err(StoreError::SecretUnreadable { cluster: from.name.clone(), name: name.to_owned() });
        };
        self.save_secret(to, name, &value).await
    }

    pub async fn delete_secret(&mut self, cluster: &ClusterId, name: &str) -> Result<(), StoreError> {
        sqlx::query("delete from secrets where cluster_id = $1 and name = $2")
            .bind(cluster.as_str())
            .bind(name)
            .execute(self.connection())
            .await?;
        self.sealed.push((cluster.clone(), Some(name.to_owned())));
        Ok(())
    }
}

/// What the key does not open. Where it opens everything, it becomes the key that the database is checked by.
pub(super) async fn check_key(
    writer: &AnyPool,
    key: &SealingKey,
) -> Result<Vec<UnreadableSecrets>, StoreError> {
    if find_check(writer).await?.is_some_and(|sealed| key.open(CHECK, &sealed).is_some()) {
        return Ok(Vec::new());
    }
    let unreadable = find_unreadable(writer, key).await?;
    if unreadable.is_empty() {
        save_check(writer, key).await?;
    }
    for of_cluster in &unreadable {
        tracing::error!(
            cluster = of_cluster.cluster,
            secrets = of_cluster.names.join(", "),
            "the sealing key does not open these secrets: put the right key file back, or set them again"
        );
    }
    Ok(unreadable)
}

/// Whether the key is the one that the active host seals with. Nothing is written.
pub(super) async fn is_opened(readers: &AnyPool, key: &SealingKey) -> Result<bool, StoreError> {
    match find_check(readers).await? {
        Some(sealed) => Ok(key.open(CHECK, &sealed).is_some()),
        None => Ok(find_unreadable(readers, key).await?.is_empty()),
    }
}

async fn find_check(pool: &AnyPool) -> Result<Option<Vec<u8>>, StoreError> {
    let row = sqlx::query("select value from meta where name = $1").bind(CHECK).fetch_optional(pool).await?;
    row.map(|row| Columns::of(&row, "meta").bytes()).transpose()
}

async fn save_check(writer: &AnyPool, key: &SealingKey) -> Result<(), StoreError> {
    let sealed = key.seal(CHECK, CHECK.as_bytes())?;
    sqlx::query(
        "insert into meta (name, value)
        values ($1, $2)
        on conflict (name) do update set value = excluded.value",
    )
    .bind(CHECK)
    .bind(sealed)
    .execute(writer)
    .await?;
    Ok(())
}

async fn find_unreadable(writer: &AnyPool, key: &SealingKey) -> Result<Vec<UnreadableSecrets>, StoreError> {
    let rows = sqlx::query(
        "select secrets.cluster_id, secrets.name, secrets.sealed, clusters.name
        from secrets
        join clusters on clusters.id = secrets.cluster_id
        order by clusters.name, clusters.id, secrets.name",
    )
    .fetch_all(writer)
    .await?;
    let mut unreadable: Vec<UnreadableSecrets> = Vec::new();
    for row in &rows {
        let mut columns = Columns::of(row, "secrets");
        let id = ClusterId(columns.text()?);
        let name = columns.text()?;
        if key.open(&context(&id, &name), &columns.bytes()?).is_some() {
            continue;
        }
        match unreadable.last_mut().filter(|last| last.id == id) {
            Some(last) => last.names.push(name),
            None => unreadable.push(UnreadableSecrets { id, cluster: columns.text()?, names: vec![name] }),
        }
    }
    Ok(unreadable)
}

/// What a secret is sealed for: moved to another cluster or name, it does not open.
fn context(cluster: &ClusterId, name: &str) -> String {
    format!("{cluster}/{name}")
}
