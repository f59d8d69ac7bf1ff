//! One PostgreSQL for the test process, a fresh database for each test.

use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, anyhow};

use crate::backends;

static SERVER: OnceLock<Result<String, String>> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(1);

/// A database of its own; dropped with this value.
#[derive(Debug)]
pub struct Postgres {
    server: &'static str,
    name: String,
}

impl Postgres {
    /// A fresh database on the server of this process, which the first caller starts.
    ///
    /// # Errors
    /// The server did not come up, or refused.
    pub fn start() -> Result<Self> {
        // The error is kept as text: `anyhow::Error` cannot be cloned out of the cell.
        let server = SERVER.get_or_init(|| start_server().map_err(|error| format!("{error:#}")));
        let server = server.as_ref().map_err(|text| anyhow!("{text}"))?;
        let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        // The collation sorts otherwise than bytes: a page or a merge that leans on the default order fails here.
        let statement = format!(
            "create database {name} locale_provider icu icu_locale 'en-US' encoding utf8 template template0"
        );
        let postgres = Self { server, name };
        query(server, &statement)?;
        Ok(postgres)
    }

    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE`
    #[must_use]
    pub fn url(&self) -> String {
        let server = self.server.trim_end_matches("/postgres");
        format!("{server}/{}", self.name)
    }

    /// What a statement returns, a row a line, columns parted by `|`.
    ///
    /// # Errors
    /// The statement failed.
    pub fn query(&self, statement: &str) -> Result<String> {
        query(&self.url(), statement)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // A failure only keeps the database until the server ends with this process.
        drop(query(self.server, &format!("drop database if exists {} with (force)", self.name)));
    }
}

fn start_server() -> Result<String> {
    // Nothing here survives a crash of the machine, so nothing needs to wait for the disk.
    let mut command = backends::command("postgres/start.sh");
    command.env("POSTGRES_FLAGS", "-c fsync=off -c full_page_writes=off");
    let printed = backends::run(&mut command)
        .context("start PostgreSQL; tests/backends/install.sh installs what it needs")?;
    Ok(printed.trim().to_owned())
}

fn query(url: &str, statement: &str) -> Result<String> {
    let mut command = Command::new("psql");
    command.args(["--no-psqlrc", "--quiet", "-At", "-v", "ON_ERROR_STOP=1", "-c", statement, url]);
    Ok(backends::run(&mut command)?.trim_end().to_owned())
}
