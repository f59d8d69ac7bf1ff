//! The claim: that this host, and no other, acts on a database.
//!
//! Invariant: on PostgreSQL there are two locks, of the claim's own session and of the one that writes. Whoever takes over
//! needs both, so a host that lost its claim and has not noticed yet writes beside nobody.

use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::{AnyConnection, ConnectOptions, Row};
use tokio::time::timeout;

use super::error::StoreError;
use super::open::{self, Database};

/// A host that is just being stopped lets go within this.
pub(super) const CLAIM_WAIT: Duration = Duration::from_secs(5);

/// How often a held database is tried again within `CLAIM_WAIT`.
const CLAIM_RETRY: Duration = Duration::from_millis(100);

/// How often a host looks whether it still has its claim.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A database that does not answer within this may have given the claim to another host.
const LOOK_WAIT: Duration = Duration::from_secs(3);

/// A host knows within this that its claim is gone.
pub const LOSS_NOTICED: Duration = Duration::from_secs(5);

const _: () = assert!(LOOK_EVERY.as_secs() + LOOK_WAIT.as_secs() <= LOSS_NOTICED.as_secs());

/// Of PostgreSQL's advisory lock, within the database: "headgate" in ASCII.
const CLAIM_KEY: i64 = 0x6865_6164_6761_7465;

/// When PostgreSQL gives up a client of which it hears nothing, such as a machine without power: after 14 s, which is later
/// than that client itself gave up.
const KEEP_ALIVE: &str = "set tcp_keepalives_idle = 5; set tcp_keepalives_interval = 3; \
    set tcp_keepalives_count = 3; set tcp_user_timeout = 14000";

/// Of the session that writes.
const WRITER_KEY: i64 = CLAIM_KEY + 1;

/// The session that wrote before ends with its host, which is told by then that it lost its claim.
const LOCK_WAIT: &str = "set lock_timeout = 10000";

pub(super) enum Claim {
    /// An advisory lock on a file beside the database; the system releases it with the process.
    File { _locked: File },
    /// A connection that holds an advisory lock; the server releases it with the connection.
    Session { connection: Box<AnyConnection> },
}

impl Claim {
    /// Tries for as long as `wait` says, and once where that is nothing.
    pub(super) async fn take(database: Database, url: &str, wait: Duration) -> Result<Self, StoreError> {
        match database {
            Database::Sqlite => claim_file(&open::sqlite_path(url)?, wait).await,
            Database::Postgres => claim_session(url, wait).await,
        }
    }

    /// The server would let go of it too, a moment after it heard that the connection is closed.
    async fn release(self) {
        if let Self::Session { mut connection } = self
            && !answers(&mut connection, "select pg_advisory_unlock_all()").await
        {
            tracing::debug!("the database did not hear that its claim is let go");
        }
    }

    /// As long as the session lives, its lock is held.
    async fn is_held(&mut self) -> bool {
        match self {
            Self::File { .. } => true,
            Self::Session { connection } => answers(connection, "select 1").await,
        }
    }
}

/// Not prepared: who leaves in the middle of it leaves a connection that goes on.
async fn answers(connection: &mut AnyConnection, statement: &'static str) -> bool {
    let asked = sqlx::raw_sql(statement).fetch_one(connection);
    matches!(timeout(LOOK_WAIT, asked).await, Ok(Ok(_row)))
}

/// Where a store keeps its claim. It is let go by being taken out.
pub(super) struct Held(tokio::sync::Mutex<Option<Claim>>);

impl Held {
    pub(super) fn of(claim: Option<Claim>) -> Self {
        Self(tokio::sync::Mutex::new(claim))
    }

    /// Ends when there is no claim any more: it was lost, or let go.
    pub(super) async fn lost(&self) {
        loop {
            let mut claim = self.0.lock().await;
            let is_held = match claim.as_mut() {
                Some(claim) => claim.is_held().await,
                None => false,
            };
            if !is_held {
                // A connection that was left in the middle of an answer is of no use to anybody.
                *claim = None;
                return;
            }
            drop(claim);
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Whoever asks for the claim behind this has it.
    pub(super) async fn let_go(&self) {
        if let Some(claim) = self.0.lock().await.take() {
            claim.release().await;
        }
    }
}

/// The database file is made private before SQLite makes it with the umask's mode.
async fn claim_file(path: &Path, wait: Duration) -> Result<Claim, StoreError> {
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
    for attempt in 0..attempts(wait) {
        if attempt > 0 {
            tokio::time::sleep(CLAIM_RETRY).await;
        }
        match file.try_lock() {
            Ok(()) => return Ok(Claim::File { _locked: file }),
            Err(fs::TryLockError::WouldBlock) => {}
            Err(fs::TryLockError::Error(source)) => {
                return Err(StoreError::File { action: "lock", path: PathBuf::from(name), source });
            }
        }
    }
    Err(StoreError::Locked { holder: path.display().to_string() })
}

async fn claim_session(url: &str, wait: Duration) -> Result<Claim, StoreError> {
    let connecting = open::connect_options(Database::Postgres, url)?;
    let mut connection = connecting.connect().await.map_err(|source| open::opening(url, source))?;
    sqlx::raw_sql(KEEP_ALIVE).execute(&mut connection).await?;
    for attempt in 0..attempts(wait) {
        if attempt > 0 {
            tokio::time::sleep(CLAIM_RETRY).await;
        }
        let row =
            sqlx::query("select pg_try_advisory_lock($1)").bind(CLAIM_KEY).fetch_one(&mut connection).await?;
        if row.try_get(0)? {
            return Ok(Claim::Session { connection: Box::new(connection) });
        }
    }
    Err(StoreError::Locked { holder: open::without_password(url) })
}

/// Waits for the session that wrote before this one.
pub(super) async fn lock_writer(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(KEEP_ALIVE).execute(&mut *connection).await?;
    sqlx::raw_sql(LOCK_WAIT).execute(&mut *connection).await?;
    sqlx::query("select 1 from pg_advisory_lock($1)").bind(WRITER_KEY).fetch_one(&mut *connection).await?;
    sqlx::raw_sql("reset lock_timeout").execute(connection).await?;
    Ok(())
}

fn attempts(wait: Duration) -> u128 {
    (wait.as_millis() / CLAIM_RETRY.as_millis()).max(1)
}
