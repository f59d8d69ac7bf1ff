//! Opening the database: one host at a time, migrated, with the pools that reading and writing need.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{AnyPool, ConnectOptions, Connection, Row};
use tokio::sync::broadcast;
use uuid::Uuid;

use super::claim::{Claim, Held, lock_writer};
use super::error::StoreError;
use super::sealing::SealingKey;
use super::{Inner, Options, Store, secrets};
use crate::clock::SharedClock;

pub(super) static MIGRATOR: Migrator = sqlx::migrate!("../migrations");

/// Connections that read: the API, and a cycle per busy cluster.
const READERS_MAX: u32 = 8;

/// A statement waits so long for another process's lock, a backup or a restore.
pub(super) const BUSY_WAIT: Duration = Duration::from_secs(5);

/// Events that a slow follower may lag behind before it has to read them from the table.
const EVENTS_KEPT: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Database {
    Sqlite,
    Postgres,
}

/// Of events and records together: their ids go on from it.
const NEWEST_ID: &str = "
    select max(id)
    from (select max(id) as id from events union all select max(id) as id from records) as newest";

/// `wait`: how long a database that another host holds is tried.
pub(super) async fn open(options: Options, clock: SharedClock, wait: Duration) -> Result<Store, StoreError> {
    let (database, claim, writer) = open_writer(&options.url, wait).await?;
    migrate(&writer, None).await?;
    let readers = pool(database, &options.url, READERS_MAX, Use::Reads).await?;
    let unreadable = secrets::check_key(&writer, &options.key).await?;
    let newest = sqlx::query(NEWEST_ID).fetch_one(&writer).await?;
    let newest: Option<String> = newest.try_get(0)?;
    let last_id = newest.and_then(|id| Uuid::parse_str(&id).ok()).map_or(0, |id| id.as_u128());
    let (last_id, unreadable) = (Mutex::new(last_id), Mutex::new(unreadable));
    let inner = Inner::of(database, (writer, readers), Some(claim), options.key, clock);
    Ok(Store { inner: Arc::new(Inner { last_id, unreadable, ..inner }) })
}

/// Beside the host that has the claim. Every session may only read: what is written begins by saying so.
pub(super) async fn open_beside(options: Options, clock: SharedClock) -> Result<Store, StoreError> {
    let Options { url, key } = options;
    let database = database_of(&url)?;
    if database == Database::Sqlite {
        return Err(StoreError::Locked { holder: sqlite_path(&url)?.display().to_string() });
    }
    let own = pool(database, &url, 1, Use::Reads).await?;
    let readers = pool(database, &url, READERS_MAX, Use::Reads).await?;
    Ok(Store { inner: Arc::new(Inner::of(database, (own, readers), None, key, clock)) })
}

impl Inner {
    /// `writer` and `readers`. Without a claim it belongs to a host that stands by.
    fn of(
        database: Database,
        (writer, readers): (AnyPool, AnyPool),
        claim: Option<Claim>,
        key: SealingKey,
        clock: SharedClock,
    ) -> Self {
        let (events, _nobody) = broadcast::channel(EVENTS_KEPT);
        Self {
            database,
            writer,
            readers,
            writing: Arc::default(),
            key,
            clock,
            events,
            last_id: Mutex::new(0),
            unreadable: Mutex::default(),
            acts: claim.is_some(),
            claim: Held::of(claim),
            #[cfg(test)]
            folder: std::sync::OnceLock::new(),
        }
    }
}

/// Claims the database and opens the one connection that writes, before any migration.
pub(super) async fn open_writer(url: &str, wait: Duration) -> Result<(Database, Claim, AnyPool), StoreError> {
    let database = database_of(url)?;
    let claim = Claim::take(database, url, wait).await?;
    let writer = pool(database, url, 1, Use::Writes).await?;
    if database == Database::Postgres {
        // Bytewise order, whatever the database's own: keyset pages and merges need it. SQLite has it built in.
        sqlx::query("create collation if not exists \"binary\" (provider = libc, locale = 'C')")
            .execute(&writer)
            .await?;
    }
    Ok((database, claim, writer))
}

/// `sqlite://PATH` for a path that may hold any character.
pub fn sqlite_url(path: &Path) -> String {
    let mut url = "sqlite://".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                url.push(char::from(*byte));
            }
            other => url.push_str(&format!("%{other:02X}")),
        }
    }
    url
}

/// Up to `target`, or the newest that this program knows.
pub(super) async fn migrate(writer: &AnyPool, target: Option<i64>) -> Result<(), StoreError> {
    let mut connection = writer.acquire().await?;
    let ran = match target {
        Some(target) => MIGRATOR.run_to(target, &mut *connection).await,
        None => MIGRATOR.run(&mut *connection).await,
    };
    ran.map_err(|error| match error {
        MigrateError::VersionMissing(found) => StoreError::Newer { found, known: newest_migration() },
        MigrateError::VersionMismatch(version) => StoreError::Altered { version },
        MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => match source.into() {
            StoreError::Database { source } => StoreError::Migrate { source: MigrateError::Execute(source) },
            named => named,
        },
        source => StoreError::Migrate { source },
    })
}

pub(super) fn newest_migration() -> i64 {
    MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or(0)
}

pub(super) fn database_of(url: &str) -> Result<Database, StoreError> {
    match url.split_once(':') {
        Some(("sqlite", _path)) => Ok(Database::Sqlite),
        Some(("postgres" | "postgresql", _rest)) => Ok(Database::Postgres),
        Some(_) | None => Err(StoreError::Address { url: without_password(url) }),
    }
}

/// What the connections of a pool are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// They cannot write, whatever they are asked.
    Reads,
    Writes,
}

pub(super) async fn pool(
    database: Database,
    url: &str,
    connections_max: u32,
    used: Use,
) -> Result<AnyPool, StoreError> {
    let options = connect_options(database, url)?;
    let prepare = match (database, used) {
        (Database::Sqlite, Use::Reads) => {
            "pragma busy_timeout = 5000; pragma case_sensitive_like = on; pragma query_only = on"
        }
        (Database::Sqlite, Use::Writes) => concat!(
            "pragma busy_timeout = 5000; pragma journal_mode = wal; pragma synchronous = full; ",
            "pragma foreign_keys = on; pragma case_sensitive_like = on"
        ),
        (Database::Postgres, Use::Reads) => "set default_transaction_read_only = on",
        (Database::Postgres, Use::Writes) => "set default_transaction_read_only = off",
    };
    // By itself first: a pool would try again and again, and say at last that it took too long.
    let mut first = options.connect().await.map_err(|source| opening(url, source))?;
    sqlx::raw_sql(prepare).execute(&mut first).await.map_err(|source| opening(url, source))?;
    first.close().await?;
    let locks = (database, used) == (Database::Postgres, Use::Writes);
    let pool = AnyPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(super::WRITER_WAIT)
        .after_connect(move |connection, _about| {
            Box::pin(async move {
                sqlx::raw_sql(prepare).execute(&mut *connection).await?;
                if locks { lock_writer(connection).await } else { Ok(()) }
            })
        });
    // A session that holds a lock is not for the pool to end.
    let pool = if locks { pool.idle_timeout(None).max_lifetime(None) } else { pool };
    Ok(pool.connect_lazy_with(options))
}

pub(super) fn connect_options(database: Database, url: &str) -> Result<AnyConnectOptions, StoreError> {
    sqlx::any::install_default_drivers();
    let url = match database {
        Database::Sqlite => {
            let path = sqlite_path(url)?;
            sqlite_url(&std::path::absolute(&path).unwrap_or(path))
        }
        Database::Postgres => url.to_owned(),
    };
    let options: AnyConnectOptions =
        url.parse().map_err(|_source| StoreError::Address { url: without_password(&url) })?;
    Ok(options)
}

/// The failures that have a name keep it; the rest says where the database was looked for.
pub(super) fn opening(url: &str, source: sqlx::Error) -> StoreError {
    match source.into() {
        StoreError::Database { source } => StoreError::Open { url: without_password(url), source },
        named => named,
    }
}

/// The path of `sqlite://PATH` or `sqlite:PATH`.
pub(super) fn sqlite_path(url: &str) -> Result<PathBuf, StoreError> {
    let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:")).unwrap_or(url);
    let path = path.split_once('?').map_or(path, |(path, _parameters)| path);
    if path.is_empty() || path == ":memory:" {
        return Err(StoreError::Address { url: url.to_owned() });
    }
    Ok(PathBuf::from(percent_decoded(path)))
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail.get(..2).filter(|_code| *first == b'%');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// For messages: `postgres://USER@HOST/…`.
pub(super) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let Some((login, place)) = rest.rsplit_once('@') else { return url.to_owned() };
    let user = login.split_once(':').map_or(login, |(user, _password)| user);
    format!("{scheme}://{user}@{place}")
}
