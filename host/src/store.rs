//! All SQL: what the host remembers, in SQLite or PostgreSQL, by one set of migrations and one portable SQL.
//!
//! Invariant: one transaction writes at a time, so what it read it may decide on, and events commit in the order of
//! their ids. Reads go beside it, by connections of their own.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::AnyConnection;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyPool, Transaction};
use tokio::sync::{OwnedMutexGuard, broadcast};
use uuid::{NoContext, Timestamp, Uuid};

use crate::clock::SharedClock;
use crate::domain::id::{ClusterId, OrganizationId};

mod backup;
mod belongings;
mod claim;
mod clusters;
mod columns;
mod error;
mod events;
mod hosts;
mod idempotency;
mod nodes;
mod open;
mod operations;
mod plans;
mod plugin_state;
mod plugins;
mod policies;
mod records;
mod relations;
mod resources;
mod sealing;
mod secrets;
mod standing_wishes;
mod statement;
mod sweeps;
#[cfg(test)]
pub(crate) mod testing;
mod tokens;
mod transitions;

pub use backup::{BackedUp, RestoreOptions, Restored, backup, restore};
pub use belongings::Belongings;
pub use claim::LOSS_NOTICED;
pub use error::StoreError;
pub use events::Event;
pub use idempotency::Idempotent;
pub use open::sqlite_url;
pub use resources::{ResourceFilter, StatusCount};
pub use sealing::{KeyError, SealingKey};
pub use secrets::UnreadableSecrets;
pub use tokens::{Token, TokenRole};

/// A transaction that cannot begin within this is refused: no writer holds the database across a call to a cluster.
const WRITER_WAIT: Duration = Duration::from_secs(30);

/// A database that is away does not keep a host from ending.
const CLOSE_WAIT: Duration = Duration::from_secs(10);

/// Where the data is, and what seals the secrets in it.
#[derive(Clone, Debug)]
pub struct Options {
    /// `sqlite://PATH` or `postgres://…`
    pub url: String,
    pub key: SealingKey,
}

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    database: open::Database,
    writer: AnyPool,
    readers: AnyPool,
    /// Held from the beginning of a transaction until its events are sent.
    writing: Arc<tokio::sync::Mutex<()>>,
    key: SealingKey,
    clock: SharedClock,
    events: broadcast::Sender<Event>,
    last_id: Mutex<u128>,
    unreadable: Mutex<Vec<UnreadableSecrets>>,
    /// Whether this host may change what is there; one that stands by may not.
    acts: bool,
    /// Let go when the store is closed.
    claim: claim::Held,
    /// Of a test's own database, removed with it.
    #[cfg(test)]
    folder: std::sync::OnceLock<tempfile::TempDir>,
}

/// A transaction that writes, one at a time. Dropped without `commit`, nothing of it happened.
pub struct Tx {
    transaction: Transaction<'static, Any>,
    store: Store,
    events: Vec<Event>,
    kept: Vec<records::Kept>,
    /// Secrets that were sealed anew or removed: readable again once committed.
    sealed: Vec<(ClusterId, Option<String>)>,
    _writing: OwnedMutexGuard<()>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({:?})", self.inner.database)
    }
}

impl Store {
    /// Opens the database, makes or migrates its tables. Refuses one that another host holds or that is newer.
    /// Secrets that the key does not open do not stop it: `unreadable_secrets` names them.
    pub async fn open(options: Options, clock: SharedClock) -> Result<Self, StoreError> {
        open::open(options, clock, claim::CLAIM_WAIT).await
    }

    /// Waits for the transaction that writes now. A host that stands by begins none.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        if !self.inner.acts {
            return Err(StoreError::StandsBy);
        }
        self.begin_with("begin").await
    }

    async fn begin_with(&self, begin: &'static str) -> Result<Tx, StoreError> {
        let waiting = Arc::clone(&self.inner.writing).lock_owned();
        let writing = tokio::time::timeout(WRITER_WAIT, waiting)
            .await
            .map_err(|_elapsed| StoreError::Busy { waited_s: WRITER_WAIT.as_secs() })?;
        let transaction = match self.inner.database {
            // A deferred transaction that reads first could not write any more once another process wrote.
            open::Database::Sqlite => self.inner.writer.begin_with("begin immediate").await?,
            open::Database::Postgres => self.inner.writer.begin_with(begin).await?,
        };
        Ok(Tx {
            transaction,
            store: self.clone(),
            events: Vec::new(),
            kept: Vec::new(),
            sealed: Vec::new(),
            _writing: writing,
        })
    }

    /// Clusters whose secrets the sealing key does not open. Setting a secret again takes it from the list.
    pub fn unreadable_secrets(&self) -> Vec<UnreadableSecrets> {
        self.inner.unreadable.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The events of committed transactions, from now on. A reader that lags behind reads the rest by `list_events`.
    pub fn subscribe_events(&self) -> broadcast::Receiver<Event> {
        self.inner.events.subscribe()
    }

    /// Answers when the database does: for `/readyz`.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let mut connection = self.reader().await?;
        sqlx::query("select 1").fetch_one(&mut *connection).await?;
        Ok(())
    }

    /// Begins nothing more, waits for what runs, and lets go of the database.
    pub async fn close(&self) {
        let closing = async { tokio::join!(self.inner.readers.close(), self.inner.writer.close()) };
        if tokio::time::timeout(CLOSE_WAIT, closing).await.is_err() {
            tracing::warn!("the database does not answer: what was not finished with it is given up");
        }
        self.inner.claim.let_go().await;
    }

    async fn reader(&self) -> Result<PoolConnection<Any>, StoreError> {
        Ok(self.inner.readers.acquire().await?)
    }
}

impl Tx {
    /// Makes it so, sends the transaction's events to whoever follows them, and logs its records.
    pub async fn commit(self) -> Result<(), StoreError> {
        let Self { transaction, store, events, kept, sealed, _writing } = self;
        transaction.commit().await?;
        for (cluster, name) in &sealed {
            store.inner.forget_unreadable(cluster, name.as_deref());
        }
        for event in events {
            // Nobody listens: the row is there for whoever asks later.
            drop(store.inner.events.send(event));
        }
        kept.iter().for_each(records::Kept::log);
        Ok(())
    }

    fn connection(&mut self) -> &mut AnyConnection {
        &mut self.transaction
    }

    /// The owner of the cluster's rows.
    async fn organization_of(&mut self, cluster: &ClusterId) -> Result<OrganizationId, StoreError> {
        let row = sqlx::query("select organization_id from clusters where id = $1")
            .bind(cluster.as_str())
            .fetch_optional(self.connection())
            .await?
            .ok_or_else(|| StoreError::NoCluster { cluster: cluster.to_string() })?;
        Ok(OrganizationId(columns::Columns::of(&row, "clusters").text()?))
    }
}

impl Inner {
    /// Greater than the id of every event and record before it, also when the clock stands or steps back.
    fn next_id(&self) -> String {
        let mut last = self.last_id.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = uuid_at(self.clock.now_ms()).as_u128();
        *last = fresh.max(last.wrapping_add(1));
        Uuid::from_u128(*last).to_string()
    }

    fn forget_unreadable(&self, cluster: &ClusterId, name: Option<&str>) {
        let mut unreadable = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
        for of_cluster in unreadable.iter_mut().filter(|of_cluster| of_cluster.id == *cluster) {
            of_cluster.names.retain(|known| name.is_some_and(|name| name != known));
        }
        unreadable.retain(|of_cluster| !of_cluster.names.is_empty());
    }
}

/// A `UUIDv7` of that Unix time.
fn uuid_at(now_ms: i64) -> Uuid {
    let now_ms = u64::try_from(now_ms).unwrap_or(0);
    let nanoseconds = u32::try_from(now_ms % 1_000).unwrap_or(0) * 1_000_000;
    Uuid::new_v7(Timestamp::from_unix(NoContext, now_ms / 1_000, nanoseconds))
}

#[cfg(test)]
mod tests;
