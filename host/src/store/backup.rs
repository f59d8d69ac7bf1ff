//! Backups: every row and the sealing key in one portable file, taken while the host runs.
//!
//! The file is JSON lines: a `Header`, then for each table a `TableLine` and its rows as arrays, then an `EndLine`.
//! Invariant: a backup file is whole or not there, and no one but its owner can read it, for the key is in it.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe, Row};
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufWriter};
use zeroize::Zeroize;

use super::columns::json;
use super::error::StoreError;
use super::open::{self, Database};
use super::sealing::SealingKey;
use super::{Options, Store};

mod restore;
mod tables;

pub use restore::{RestoreOptions, Restored, restore};
pub(super) use tables::TABLES;
use tables::{Sort, Table};

/// The first field of the first line.
const FORMAT: &str = "headgate-backup";

/// Of the file. The database's own is `Header::schema`.
const FORMAT_VERSION: u32 = 1;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BackedUp {
    pub path: PathBuf,
    pub rows: u64,
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    version: u32,
    /// The newest migration of the database.
    schema: i64,
    created_at_ms: i64,
    /// The sealing key, base64.
    key: String,
}

impl Drop for Header {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

#[derive(Serialize, Deserialize)]
struct TableLine {
    table: String,
    columns: Vec<(String, Sort)>,
}

#[derive(Serialize, Deserialize)]
struct EndLine {
    end: bool,
    rows: u64,
}

impl Store {
    /// Writes all rows as they are at one moment, and the key, to a new file.
    pub async fn backup(&self, out: &Path) -> Result<BackedUp, StoreError> {
        let source = Source {
            database: self.inner.database,
            readers: &self.inner.readers,
            key: &self.inner.key,
            now_ms: self.inner.clock.now_ms(),
        };
        source.write(out).await
    }
}

/// As `Store::backup`, without holding the database: beside a running host, or with none.
pub async fn backup(options: &Options, now_ms: i64, out: &Path) -> Result<BackedUp, StoreError> {
    let database = open::database_of(&options.url)?;
    if database == Database::Sqlite && !open::sqlite_path(&options.url)?.exists() {
        return Err(StoreError::Missing { path: open::sqlite_path(&options.url)? });
    }
    let readers = open::pool(database, &options.url, 1, open::Use::Reads).await?;
    let written = Source { database, readers: &readers, key: &options.key, now_ms }.write(out).await;
    readers.close().await;
    written
}

struct Source<'s> {
    database: Database,
    readers: &'s AnyPool,
    key: &'s SealingKey,
    now_ms: i64,
}

impl Source<'_> {
    /// Under a temporary name first.
    async fn write(&self, out: &Path) -> Result<BackedUp, StoreError> {
        let failed = |source| StoreError::File { action: "write", path: out.to_owned(), source };
        let mut temporary = out.as_os_str().to_owned();
        temporary.push(".new");
        let temporary = PathBuf::from(temporary);
        match tokio::fs::remove_file(&temporary).await {
            // Left behind by a process that was killed.
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let file = tokio::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)
            .await
            .map_err(failed)?;
        let written = self.write_lines(file, out).await;
        let finished = match written {
            Ok(rows) => {
                tokio::fs::rename(&temporary, out).await.map_err(failed)?;
                Ok(BackedUp { path: out.to_owned(), rows })
            }
            Err(error) => Err(error),
        };
        if finished.is_err() {
            // What was written is of no use; that it cannot be removed says nothing new.
            drop(tokio::fs::remove_file(&temporary).await);
        }
        finished
    }

    async fn write_lines(&self, file: File, out: &Path) -> Result<u64, StoreError> {
        let failed = |source| StoreError::File { action: "write", path: out.to_owned(), source };
        let mut lines = Lines { file: BufWriter::new(file), out };
        let mut transaction = match self.database {
            // The first read fixes what is seen, in WAL.
            Database::Sqlite => self.readers.begin().await?,
            Database::Postgres => {
                self.readers.begin_with("begin isolation level repeatable read read only").await?
            }
        };
        let header = Header {
            format: FORMAT.to_owned(),
            version: FORMAT_VERSION,
            schema: schema_of(&mut transaction).await?,
            created_at_ms: self.now_ms,
            key: self.key.to_base64().to_string(),
        };
        if header.schema != open::newest_migration() {
            return Err(StoreError::NotMigrated { found: header.schema, known: open::newest_migration() });
        }
        lines.write(&header).await?;
        let mut rows = 0;
        for table in TABLES {
            rows += write_table(&mut transaction, table, &mut lines).await?;
        }
        lines.write(&EndLine { end: true, rows }).await?;
        transaction.rollback().await?;
        lines.file.flush().await.map_err(failed)?;
        lines.file.get_ref().sync_all().await.map_err(failed)?;
        Ok(rows)
    }
}

struct Lines<'o> {
    file: BufWriter<File>,
    out: &'o Path,
}

impl Lines<'_> {
    async fn write<T: Serialize>(&mut self, line: &T) -> Result<(), StoreError> {
        let mut text = json("backup", line)?;
        text.push('\n');
        self.file.write_all(text.as_bytes()).await.map_err(|source| StoreError::File {
            action: "write",
            path: self.out.to_owned(),
            source,
        })
    }
}

async fn write_table(
    connection: &mut AnyConnection,
    table: &Table,
    lines: &mut Lines<'_>,
) -> Result<u64, StoreError> {
    let columns = table.columns.iter().map(|(name, sort)| ((*name).to_owned(), *sort)).collect();
    lines.write(&TableLine { table: table.name.to_owned(), columns }).await?;
    let names: Vec<&str> = table.columns.iter().map(|(name, _sort)| *name).collect();
    let select = format!("select {} from {}", names.join(", "), table.name);
    let mut rows = sqlx::query(AssertSqlSafe(select)).fetch(connection);
    let mut count = 0;
    while let Some(row) = rows.try_next().await? {
        lines.write(&values(table, &row)?).await?;
        count += 1;
    }
    Ok(count)
}

fn values(table: &Table, row: &AnyRow) -> Result<Vec<Value>, StoreError> {
    let value = |(index, (_name, sort)): (usize, &(&str, Sort))| {
        Ok::<_, sqlx::Error>(match sort {
            Sort::Text => row.try_get::<Option<String>, _>(index)?.map_or(Value::Null, Value::from),
            Sort::Bigint => row.try_get::<Option<i64>, _>(index)?.map_or(Value::Null, Value::from),
            Sort::Bytea => Value::from(STANDARD.encode(row.try_get::<Vec<u8>, _>(index)?)),
        })
    };
    let values: Result<Vec<Value>, sqlx::Error> = table.columns.iter().enumerate().map(value).collect();
    Ok(values?)
}

pub(super) async fn schema_of(connection: &mut AnyConnection) -> Result<i64, StoreError> {
    let row = sqlx::query("select max(version) from _sqlx_migrations").fetch_one(connection).await?;
    Ok(row.try_get::<Option<i64>, _>(0)?.unwrap_or(0))
}
