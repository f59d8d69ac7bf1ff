//! `headgate backup` and `headgate restore`: the database and its key, on the host's own machine.

use std::error::Error;
use std::fmt::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::failure::{Exit, Failure};
use crate::cli::session::Session;
use crate::cli::time::moment;
use crate::config::{DATABASE_FILE, KEY_FILE};
use crate::store::{Options, RestoreOptions, SealingKey, StoreError, backup, restore, sqlite_url};

/// Where the host keeps what it knows.
#[derive(Args, Clone, Debug)]
pub(super) struct Kept {
    /// The database.
    #[arg(help = "sqlite://PATH or postgres://USER@HOST/DATABASE [default: SQLite in the data folder]")]
    #[arg(long, env = "HEADGATE_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub(super) database_url: Option<String>,
    /// The key that seals secrets [default: `key` in the data folder]
    #[arg(long, env = "HEADGATE_KEY_FILE", value_name = "FILE")]
    pub(super) key_file: Option<PathBuf>,
}

impl Kept {
    fn url(&self, data: &Path) -> String {
        self.database_url.clone().unwrap_or_else(|| sqlite_url(&data.join(DATABASE_FILE)))
    }

    fn key(&self, data: &Path) -> PathBuf {
        self.key_file.clone().unwrap_or_else(|| data.join(KEY_FILE))
    }
}

/// Write all that the host knows, and the key of its secrets, to one file; the host may run meanwhile
#[derive(Args)]
#[command(after_help = "\
Examples:
  headgate backup headgate-monday.backup
  headgate backup --database-url postgres://headgate@db/headgate /backups/headgate.backup

On the host's own machine: it reads the database, not the API. The file holds the key, so it opens every
secret: it is made with mode 0600, keep it so. Without the key file a backup of the database alone would
lose the secrets of all clusters, and nothing else.")]
pub(in crate::cli) struct Backup {
    file: PathBuf,
    #[command(flatten)]
    kept: Kept,
}

impl Backup {
    pub(in crate::cli) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let data = session.data_folder()?;
        let key = SealingKey::load(&self.kept.key(&data)).map_err(|error| refusal(&error.into()))?;
        let options = Options { url: self.kept.url(&data), key };
        let now_ms = session.now_ms();
        let done =
            runtime()?.block_on(backup(&options, now_ms, &self.file)).map_err(|error| refusal(&error))?;
        session.terminal.line(format_args!(
            "Backed up {} rows and the key to {}. It opens every secret: keep it safe.",
            done.rows,
            done.path.display()
        ))?;
        Ok(Exit::Done)
    }
}

/// Read a backup into an empty database, and put its key in place; no host may run on it
#[derive(Args)]
#[command(after_help = "\
Examples:
  headgate restore headgate-monday.backup
  headgate restore headgate-monday.backup --data /srv/headgate
  headgate restore headgate-monday.backup --database-url postgres://headgate@db/headgate

A backup of SQLite goes into PostgreSQL too, and the other way round. All or nothing: an error leaves the
database as it was.")]
pub(in crate::cli) struct Restore {
    file: PathBuf,
    #[command(flatten)]
    kept: Kept,
    /// Delete what the database holds now, and replace the key that is there
    #[arg(long)]
    replace: bool,
}

impl Restore {
    pub(in crate::cli) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let data = session.data_folder()?;
        make_private(&data)?;
        let options = RestoreOptions {
            url: self.kept.url(&data),
            key_path: self.kept.key(&data),
            replace: self.replace,
        };
        let done = runtime()?.block_on(restore(&self.file, &options)).map_err(|error| refusal(&error))?;
        session.terminal.line(format_args!(
            "Restored {} rows of {} and the key {}. Start the host: headgate serve",
            done.rows,
            moment(done.created_at_ms),
            options.key_path.display()
        ))?;
        Ok(Exit::Done)
    }
}

/// The key will lie in it: nobody else looks inside.
fn make_private(folder: &Path) -> Result<(), Failure> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|source| Failure::Failed(format!("cannot make {}: {source}", folder.display())))
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// With everything that caused it, and the exit code of its sort.
pub(super) fn refusal(error: &StoreError) -> Failure {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        let _ignored = write!(text, ": {source}");
        cause = source.source();
    }
    match error {
        StoreError::Newer { .. }
        | StoreError::NotMigrated { .. }
        | StoreError::Older { .. }
        | StoreError::ForeignKey
        | StoreError::Altered { .. }
        | StoreError::Locked { .. }
        | StoreError::NotEmpty { .. }
        | StoreError::OtherKey { .. } => Failure::Refused(text),
        StoreError::Address { .. }
        | StoreError::Missing { .. }
        | StoreError::NotABackup { .. }
        | StoreError::Key(_) => Failure::Input(text),
        StoreError::File { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            Failure::Input(text)
        }
        _ => Failure::Failed(text),
    }
}
