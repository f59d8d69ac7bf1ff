//! What can go wrong with the database, each named with what to do about it.

use std::borrow::Cow;
use std::path::PathBuf;

use super::sealing::KeyError;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "the database address `{url}` is not understood; write `sqlite://PATH` or `postgres://USER@HOST/DATABASE`"
    )]
    Address { url: String },
    #[error(
        "cannot open the database `{url}`; see that it exists, that it is reachable, and that this user may use it"
    )]
    Open { url: String, source: sqlx::Error },
    #[error(
        "the database was written by a newer headgate: it has migration {found}, this one knows up to {known}; \
         start the newer version, or restore a backup made by this one"
    )]
    Newer { found: i64, known: i64 },
    #[error(
        "the database is at migration {found}, this headgate makes backups of {known}; start it once, which migrates \
         the database, or take the backup with the version that wrote it"
    )]
    NotMigrated { found: i64, known: i64 },
    #[error(
        "another headgate holds the database and keeps it at migration {found}, this one knows {known}: stand by with \
         its version, or stop it first, and this one migrates the database when it starts"
    )]
    Older { found: i64, known: i64 },
    #[error("this host stands by: another one on its database is active, and changes what is there")]
    StandsBy,
    #[error("the claim to the database was lost: another host may act on it by now")]
    Lost,
    #[error(
        "the host that is active seals secrets with another key: put a copy of its key file in the place of this host's, \
         or name one with `--key-file`"
    )]
    ForeignKey,
    #[error("there is no database `{}`", path.display())]
    Missing { path: PathBuf },
    #[error(
        "migration {version} of the database is not the one that this headgate has; use the build that made it"
    )]
    Altered { version: i64 },
    #[error("cannot migrate the database; nothing was changed by the failed migration")]
    Migrate { source: sqlx::migrate::MigrateError },
    #[error(
        "another headgate holds the database `{holder}`; stop it first, or give this one its own `--data`"
    )]
    Locked { holder: String },
    #[error("the disk of the database is full; nothing was written: free some space and try again")]
    Full { source: sqlx::Error },
    #[error("the database was busy for {waited_s} s; try again, and look for another program that holds it")]
    Busy { waited_s: u64 },
    #[error("the database is read-only for this user; see the owner and the mode of its file and folder")]
    ReadOnly { source: sqlx::Error },
    #[error("the database is damaged; restore a backup into an empty one")]
    Damaged { source: sqlx::Error },
    #[error("a row of `{table}` cannot be read: {problem}")]
    Row { table: &'static str, problem: String },
    #[error("`{what}` cannot be stored: {problem}")]
    Value { what: &'static str, problem: String },
    #[error("there is no cluster {cluster} any more")]
    NoCluster { cluster: String },
    #[error(
        "the secret `{name}` of cluster `{cluster}` was sealed with another key; put the key file back, or set it again: \
         headgate cluster set {cluster} --secret {name}=-"
    )]
    SecretUnreadable { cluster: String, name: String },
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("cannot {action} `{}`", path.display())]
    File { action: &'static str, path: PathBuf, source: std::io::Error },
    #[error("`{}` is no backup that this headgate can read: {problem}", path.display())]
    NotABackup { path: PathBuf, problem: String },
    #[error(
        "the database to restore into is not empty: `{table}` has rows; give an empty one, or ask to replace it"
    )]
    NotEmpty { table: &'static str },
    #[error("`{}` holds another sealing key; move it away, or ask to replace it", path.display())]
    OtherKey { path: PathBuf },
    #[error("the database failed: {source}")]
    Database { source: sqlx::Error },
}

impl StoreError {
    /// Whether it may be otherwise in a moment: the database was away, or held.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Open { .. } | Self::Locked { .. } | Self::Lost | Self::Busy { .. } | Self::Database { .. }
        )
    }
}

/// What SQLite and PostgreSQL call the failures that have a name here. SQLite's codes are extended: the low byte counts.
impl From<sqlx::Error> for StoreError {
    fn from(source: sqlx::Error) -> Self {
        if matches!(source, sqlx::Error::PoolTimedOut) {
            return Self::Busy { waited_s: super::WRITER_WAIT.as_secs() };
        }
        let code = match &source {
            sqlx::Error::Database(error) => error.code().map(Cow::into_owned),
            sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::StorageFull => {
                Some("53100".to_owned())
            }
            _other => None,
        };
        let Some(code) = code else { return Self::Database { source } };
        if code.len() == 5 {
            return match code.as_str() {
                "53100" => Self::Full { source },
                "25006" => Self::ReadOnly { source },
                _other => Self::Database { source },
            };
        }
        match code.parse::<u32>().map(|code| code & 0xff) {
            Ok(13) => Self::Full { source },
            Ok(5 | 6) => Self::Busy { waited_s: super::open::BUSY_WAIT.as_secs() },
            Ok(8) => Self::ReadOnly { source },
            Ok(11 | 26) => Self::Damaged { source },
            Ok(_) | Err(_) => Self::Database { source },
        }
    }
}
