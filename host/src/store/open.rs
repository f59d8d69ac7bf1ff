//! Opening the database: one host at a time, migrated, with the pools that reading and writing need.

use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{AnyConnection, AnyPool, ConnectOptions, Connection, Row};
use tokio::sync::broadcast;
use uuid::Uuid;

use super::error::StoreError;
use super::{Inner, Options, Store, secrets};
use crate::clock::SharedClock;

pub(super) static MIGRATOR: Migrator = sqlx::migrate!("../migrations");

/// Connections that read: the API, and a cycle per busy cluster.
const READERS_MAX: u32 = 8;

/// A statement waits so long for another process's lock, a backup or a restore.
pub(super) const BUSY_WAIT: Duration = Duration::from_secs(5);

/// A host that is just being stopped lets go within this.
const CLAIM_WAIT: Duration = Duration::from_secs(5);

/// How often a held database is tried again within `CLAIM_WAIT`.
const CLAIM_RETRY: Duration = Duration::from_millis(100);

/// Of PostgreSQL's advisory lock, within the database: "headgate" in ASCII.
const CLAIM_KEY: i64 = 0x6865_6164_6761_7465;

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

/// That this process, and no other, writes the database.
pub(super) enum Claim {
    /// An advisory lock on a file beside the database; the system releases it with the process.
    File { _locked: File },
    /// A connection that holds an advisory lock; the server releases it with the connection.
    Session { _connection: Mutex<AnyConnection> },
}

pub(super) async fn open(options: Options, clock: SharedClock) -> Result<Store, StoreError> {
    let (database, claim, writer) = open_writer(&options.url).await?;
    migrate(&writer, None).await?;
    let readers = pool(database, &options.url, READERS_MAX, true).await?;
    let unreadable = secrets::check_key(&writer, &options.key).await?;
    let newest = sqlx::query(NEWEST_ID).fetch_one(&writer).await?;
    let newest: Option<String> = newest.try_get(0)?;
    let last_id = newest.and_then(|id| Uuid::parse_str(&id).ok()).map_or(0, |id| id.as_u128());
    let (events, _nobody) = broadcast::channel(EVENTS_KEPT);
    Ok(Store {
        inner: Arc::new(Inner {
            database,
            writer,
            readers,
            writing: Arc::default(),
            key: options.key,
            clock,
            events,
            last_id: Mutex::new(last_id),
            unreadable: Mutex::new(unreadable),
            _claim: claim,
            #[cfg(test)]
            folder: std::sync::OnceLock::new(),
        }),
    })
}

/// Claims the database and opens the one connection that writes, before any migration.
pub(super) async fn open_writer(url: &str) -> Result<(Database, Claim, AnyPool), StoreError> {
    let database = database_of(url)?;
    let claim = match database {
        Database::Sqlite => claim_file(&sqlite_path(url)?).await?,
        Database::Postgres => claim_session(url).await?,
    };
    let writer = pool(database, url, 1, false).await?;
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

/// `read_only` connections cannot write, whatever they are asked.
pub(super) async fn pool(
    database: Database,
    url: &str,
    connections_max: u32,
    read_only: bool,
) -> Result<AnyPool, StoreError> {
    let options = connect_options(database, url)?;
    let prepare = match (database, read_only) {
        (Database::Sqlite, true) => {
            "pragma busy_timeout = 5000; pragma case_sensitive_like = on; pragma query_only = on"
        }
        (Database::Sqlite, false) => concat!(
            "pragma busy_timeout = 5000; pragma journal_mode = wal; pragma synchronous = full; ",
            "pragma foreign_keys = on; pragma case_sensitive_like = on"
        ),
        (Database::Postgres, true) => "set default_transaction_read_only = on",
        (Database::Postgres, false) => "set default_transaction_read_only = off",
    };
    // By itself first: a pool would try again and again, and say at last that it took too long.
    let mut first = options.connect().await.map_err(|source| opening(url, source))?;
    sqlx::raw_sql(prepare).execute(&mut first).await.map_err(|source| opening(url, source))?;
    first.close().await?;
    Ok(AnyPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(super::WRITER_WAIT)
        .after_connect(move |connection, _about| {
            Box::pin(async move {
                sqlx::raw_sql(prepare).execute(connection).await?;
                Ok(())
            })
        })
        .connect_lazy_with(options))
}

fn connect_options(database: Database, url: &str) -> Result<AnyConnectOptions, StoreError> {
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
fn opening(url: &str, source: sqlx::Error) -> StoreError {
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
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let Some((login, place)) = rest.rsplit_once('@') else { return url.to_owned() };
    let user = login.split_once(':').map_or(login, |(user, _password)| user);
    format!("{scheme}://{user}@{place}")
}

/// The database file is made private before SQLite makes it with the umask's mode.
async fn claim_file(path: &Path) -> Result<Claim, StoreError> {
    let private =
        |path: &Path| {
            fs::OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path).map_err(
                |source| StoreError::File { action: "open the database", path: path.to_owned(), source },
            )
        };
    private(path)?;
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = private(Path::new(&name))?;
    for _attempt in 0..attempts() {
        match file.try_lock() {
            Ok(()) => return Ok(Claim::File { _locked: file }),
            Err(fs::TryLockError::WouldBlock) => tokio::time::sleep(CLAIM_RETRY).await,
            Err(fs::TryLockError::Error(source)) => {
                return Err(StoreError::File { action: "lock", path: PathBuf::from(name), source });
            }
        }
    }
    Err(StoreError::Locked { holder: path.display().to_string() })
}

async fn claim_session(url: &str) -> Result<Claim, StoreError> {
    let mut connection =
        connect_options(Database::Postgres, url)?.connect().await.map_err(|source| opening(url, source))?;
    for _attempt in 0..attempts() {
        let row =
            sqlx::query("select pg_try_advisory_lock($1)").bind(CLAIM_KEY).fetch_one(&mut connection).await?;
        if row.try_get(0)? {
            return Ok(Claim::Session { _connection: Mutex::new(connection) });
        }
        tokio::time::sleep(CLAIM_RETRY).await;
    }
    Err(StoreError::Locked { holder: without_password(url) })
}

fn attempts() -> u128 {
    CLAIM_WAIT.as_millis() / CLAIM_RETRY.as_millis()
}
