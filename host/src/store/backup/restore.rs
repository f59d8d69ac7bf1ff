//! Restoring a backup into an empty database of either kind, in one transaction.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe};
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, BufReader};

use super::tables::{self, Sort, TABLES, Table};
use super::{EndLine, FORMAT, FORMAT_VERSION, Header, TableLine, schema_of};
use crate::store::claim::CLAIM_WAIT;
use crate::store::error::StoreError;
use crate::store::hosts;
use crate::store::open::{self, Database};
use crate::store::sealing::SealingKey;
use crate::store::statement::{ROWS_MAX, Row, Statement};

/// Where to restore to.
#[derive(Clone, Debug)]
pub struct RestoreOptions {
    /// Of the database, which no host may hold.
    pub url: String,
    /// Where the sealing key is put.
    pub key_path: PathBuf,
    /// Deletes what the database holds, and puts another key in the place of the one that is there.
    pub replace: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Restored {
    pub rows: u64,
    /// When the backup was taken.
    pub created_at_ms: i64,
}

/// All or nothing: an error leaves the database as it was.
pub async fn restore(file: &Path, options: &RestoreOptions) -> Result<Restored, StoreError> {
    let mut backup = Backup::open(file).await?;
    let key = SealingKey::parse(backup.header.key.as_bytes())
        .ok_or_else(|| backup.refused("its sealing key is malformed"))?;
    if options.key_path.exists()
        && !options.replace
        && SealingKey::load(&options.key_path).ok() != Some(key.clone())
    {
        return Err(StoreError::OtherKey { path: options.key_path.clone() });
    }
    let (database, _claim, writer) = open::open_writer(&options.url, CLAIM_WAIT).await?;
    let rows = restore_rows(&mut backup, database, &writer, options.replace).await?;
    key.write_new(&options.key_path)?;
    open::migrate(&writer, None).await?;
    writer.close().await;
    Ok(Restored { rows, created_at_ms: backup.header.created_at_ms })
}

async fn restore_rows(
    backup: &mut Backup,
    database: Database,
    writer: &AnyPool,
    replace: bool,
) -> Result<u64, StoreError> {
    // An older backup is filled into the tables of its time and then migrated with them.
    open::migrate(writer, Some(backup.header.schema)).await?;
    let mut transaction = match database {
        Database::Sqlite => writer.begin_with("begin immediate").await?,
        Database::Postgres => writer.begin().await?,
    };
    let schema = schema_of(&mut transaction).await?;
    if schema != backup.header.schema {
        return Err(backup.refused(format!(
            "it was taken at migration {} and the database is at {schema}; restore into a database that is not there yet",
            backup.header.schema
        )));
    }
    empty(&mut transaction, replace).await?;
    let rows = backup.fill(&mut transaction).await?;
    // The host that wrote the backup is not active here.
    hosts::forget_active(&mut transaction).await?;
    transaction.commit().await?;
    Ok(rows)
}

/// The rows that every new database has are no reason to refuse it.
async fn empty(connection: &mut AnyConnection, replace: bool) -> Result<(), StoreError> {
    for table in TABLES.iter().rev() {
        if !replace && !matches!(table.name, "organizations" | "meta") {
            let any = format!("select 1 from {} limit 1", table.name);
            if sqlx::query(AssertSqlSafe(any)).fetch_optional(&mut *connection).await?.is_some() {
                return Err(StoreError::NotEmpty { table: table.name });
            }
        }
        let delete = format!("delete from {}", table.name);
        sqlx::query(AssertSqlSafe(delete)).execute(&mut *connection).await?;
    }
    Ok(())
}

struct Backup {
    path: PathBuf,
    header: Header,
    lines: tokio::io::Lines<BufReader<File>>,
}

/// The table that lines of rows belong to.
struct Target {
    table: &'static Table,
    columns: Vec<(&'static str, Sort)>,
}

impl Backup {
    async fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |source| StoreError::File { action: "read", path: path.to_owned(), source };
        let refused = |problem: String| StoreError::NotABackup { path: path.to_owned(), problem };
        let mut lines = BufReader::new(File::open(path).await.map_err(failed)?).lines();
        let first = match lines.next_line().await {
            Ok(first) => first.unwrap_or_default(),
            Err(error) => return Err(refused(error.to_string())),
        };
        let header: Header = serde_json::from_str(&first)
            .map_err(|_not_a_header| refused("its first line is not the one of a backup".to_owned()))?;
        if header.format != FORMAT || header.version != FORMAT_VERSION {
            return Err(refused(format!("it is of format {} {}", header.format, header.version)));
        }
        if header.schema > open::newest_migration() {
            return Err(StoreError::Newer { found: header.schema, known: open::newest_migration() });
        }
        Ok(Self { path: path.to_owned(), header, lines })
    }

    async fn fill(&mut self, connection: &mut AnyConnection) -> Result<u64, StoreError> {
        let mut target: Option<Target> = None;
        let mut waiting: Vec<Vec<Value>> = Vec::new();
        let mut count = 0;
        while let Some(line) = self.next_line().await? {
            if line.starts_with('[') && target.is_some() {
                waiting.push(self.parse(&line)?);
                count += 1;
                if waiting.len() < ROWS_MAX {
                    continue;
                }
            }
            self.insert(connection, target.as_ref(), &mut waiting).await?;
            if line.starts_with("{\"table\"") {
                target = Some(self.target(&line)?);
            } else if line.starts_with("{\"end\"") {
                let end: EndLine = self.parse(&line)?;
                if end.rows == count {
                    return Ok(count);
                }
                return Err(self.refused(format!("{} rows were written and {count} are there", end.rows)));
            } else if !line.starts_with('[') || target.is_none() {
                return Err(self.refused("a line is neither a table nor a row nor the end"));
            }
        }
        Err(self.refused("it is cut off: its last line is missing"))
    }

    fn target(&self, line: &str) -> Result<Target, StoreError> {
        let line: TableLine = self.parse(line)?;
        let unknown = |name: &str| self.refused(format!("`{name}` is not known here"));
        let table = tables::find(&line.table).ok_or_else(|| unknown(&line.table))?;
        let mut columns = Vec::new();
        for (name, sort) in &line.columns {
            let known = table.column(name).filter(|(_name, known)| known == sort);
            columns.push(known.ok_or_else(|| unknown(name))?);
        }
        Ok(Target { table, columns })
    }

    async fn insert(
        &self,
        connection: &mut AnyConnection,
        target: Option<&Target>,
        rows: &mut Vec<Vec<Value>>,
    ) -> Result<(), StoreError> {
        let (Some(target), false) = (target, rows.is_empty()) else { return Ok(()) };
        let mut insert = Statement::new("insert into ");
        insert.push(target.table.name);
        for (position, (name, _sort)) in target.columns.iter().enumerate() {
            insert.push(if position == 0 { " (" } else { ", " }).push(name);
        }
        insert.push(") values ");
        insert.rows(rows, |row, values| {
            if values.len() != target.columns.len() {
                return Err(self.refused(format!("a row of `{}` has another length", target.table.name)));
            }
            for ((name, sort), value) in target.columns.iter().zip(values) {
                bind_value(row, *sort, value).ok_or_else(|| {
                    self.refused(format!("a value of `{}.{name}` is wrong", target.table.name))
                })?;
            }
            Ok(())
        })?;
        insert.execute(connection).await?;
        rows.clear();
        Ok(())
    }

    async fn next_line(&mut self) -> Result<Option<String>, StoreError> {
        match self.lines.next_line().await {
            Ok(line) => Ok(line),
            Err(source) => Err(StoreError::File { action: "read", path: self.path.clone(), source }),
        }
    }

    fn parse<T: DeserializeOwned>(&self, line: &str) -> Result<T, StoreError> {
        // Without the text: a line may hold the key.
        serde_json::from_str(line).map_err(|error| self.refused(format!("a line is malformed: {error}")))
    }

    fn refused(&self, problem: impl Into<String>) -> StoreError {
        StoreError::NotABackup { path: self.path.clone(), problem: problem.into() }
    }
}

/// `None`: the value is not of that sort.
fn bind_value(row: &mut Row<'_>, sort: Sort, value: &Value) -> Option<()> {
    match (sort, value) {
        (Sort::Text, Value::Null) => row.bind(None::<String>),
        (Sort::Text, value) => row.bind(value.as_str()?),
        (Sort::Bigint, Value::Null) => row.bind(None::<i64>),
        (Sort::Bigint, value) => row.bind(value.as_i64()?),
        (Sort::Bytea, value) => row.bind(STANDARD.decode(value.as_str()?).ok()?),
    };
    Some(())
}
