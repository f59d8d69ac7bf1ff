//! Where a host of a scenario keeps its state: every scenario runs on both.

use anyhow::{Context, Result, anyhow};

use crate::Postgres;

/// The database of one scenario.
#[derive(Debug)]
pub enum Database {
    /// The file that the host makes in its data folder.
    Sqlite,
    Postgres(Postgres),
}

impl Database {
    /// The one that a test is named after.
    ///
    /// # Errors
    /// PostgreSQL did not come up.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "sqlite" => Ok(Self::Sqlite),
            "postgres" => Postgres::start().map(Self::Postgres).context("a scenario on PostgreSQL"),
            other => Err(anyhow!("no database is called {other}; use sqlite or postgres")),
        }
    }

    /// What `HEADGATE_DATABASE_URL` must say; nothing for SQLite, the default.
    #[must_use]
    pub fn url(&self) -> Option<String> {
        match self {
            Self::Sqlite => None,
            Self::Postgres(postgres) => Some(postgres.url()),
        }
    }
}

/// Makes of each scenario `fn name(database: &Database) -> Result<()>` two tests: `sqlite::name` and `postgres::name`.
#[macro_export]
macro_rules! for_each_database {
    ($($scenario:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $scenario() -> ::anyhow::Result<()> { super::$scenario(&$crate::Database::named("sqlite")?) })+
        }
        mod postgres {
            $(#[test] fn $scenario() -> ::anyhow::Result<()> { super::$scenario(&$crate::Database::named("postgres")?) })+
        }
    };
}
