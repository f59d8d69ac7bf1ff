//! Which host acts on the database, and what the others need that stand by.

use std::time::Duration;

use sqlx::AnyConnection;

use super::columns::Columns;
use super::{Options, Store, StoreError, Tx, backup, open, secrets};
use crate::clock::SharedClock;
use crate::domain::host::ActiveHost;

/// The name of the row that says which host is active.
const ACTIVE: &str = "active_host";

/// What PostgreSQL says of a table that is not there.
const NO_TABLE: &str = "42P01";

impl Store {
    /// As `open`, without waiting for another host that is just being stopped.
    pub async fn take_over(options: Options, clock: SharedClock) -> Result<Self, StoreError> {
        open::open(options, clock, Duration::ZERO).await
    }

    /// Reads beside the host that is active, and writes nothing but what this one serves. Refuses a database of another
    /// version, and one whose secrets this host could not open.
    pub async fn stand_by(options: Options, clock: SharedClock) -> Result<Self, StoreError> {
        let key = options.key.clone();
        let store = open::open_beside(options, clock).await?;
        store.check_schema().await?;
        if !secrets::is_opened(&store.inner.readers, &key).await? {
            return Err(StoreError::ForeignKey);
        }
        Ok(store)
    }

    /// Whether this program understands what it reads: the active host may have been replaced by one of another version.
    pub async fn check_schema(&self) -> Result<(), StoreError> {
        let mut connection = self.reader().await?;
        let found = match backup::schema_of(&mut connection).await {
            Err(StoreError::Database { source }) if is_missing(&source) => 0,
            found => found?,
        };
        let known = open::newest_migration();
        match found {
            found if found > known => Err(StoreError::Newer { found, known }),
            found if found < known => Err(StoreError::Older { found, known }),
            _ => Ok(()),
        }
    }

    /// Ends when another host may act on the database. It never does on SQLite.
    pub async fn lost(&self) {
        self.inner.claim.lost().await;
    }

    /// The one that said so last and did not end as it should: it may be gone.
    pub async fn active_host(&self) -> Result<Option<ActiveHost>, StoreError> {
        let mut connection = self.reader().await?;
        let row = sqlx::query("select value from meta where name = $1")
            .bind(ACTIVE)
            .fetch_optional(&mut *connection)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let bytes = Columns::of(&row, "meta").bytes()?;
        let told = serde_json::from_slice(&bytes);
        told.map(Some).map_err(|error| StoreError::Row { table: "meta", problem: error.to_string() })
    }

    /// From now on it is this one.
    pub async fn announce(&self, host: &ActiveHost) -> Result<(), StoreError> {
        let told = serde_json::to_vec(host)
            .map_err(|error| StoreError::Value { what: "host", problem: error.to_string() })?;
        let mut tx = self.begin().await?;
        sqlx::query(
            "insert into meta (name, value)
            values ($1, $2)
            on conflict (name) do update set value = excluded.value",
        )
        .bind(ACTIVE)
        .bind(told)
        .execute(tx.connection())
        .await?;
        tx.commit().await
    }

    /// This host acts no more, and nobody has to wait until that is certain.
    pub async fn withdraw(&self) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        forget_active(tx.connection()).await?;
        tx.commit().await
    }

    /// For rows that each host has of its own, also one that stands by, whose sessions may only read otherwise.
    pub(super) async fn begin_own(&self) -> Result<Tx, StoreError> {
        self.begin_with("begin read write").await
    }
}

pub(super) async fn forget_active(connection: &mut AnyConnection) -> Result<(), StoreError> {
    sqlx::query("delete from meta where name = $1").bind(ACTIVE).execute(connection).await?;
    Ok(())
}

fn is_missing(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code().map(|code| code == NO_TABLE));
    code.unwrap_or_default()
}
