//! Real ZooKeeper ensembles: started by `tests/backends/zookeeper`, killed and deleted when dropped.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow};

use crate::backends;

/// Servers numbered from 1; one alone is no ensemble.
#[derive(Debug)]
pub struct ZooKeeper {
    servers: u32,
    /// `cluster.env` of the start script.
    facts: HashMap<String, String>,
}

impl ZooKeeper {
    /// An ensemble of that many servers, with ZooKeeper's defaults for what clients may ask.
    ///
    /// # Errors
    /// A server did not come up; the end of its log is in the error.
    pub fn servers(servers: u32) -> Result<Self> {
        let mut command = backends::command("zookeeper/start.sh");
        let printed = backends::run(command.arg(servers.to_string()))
            .context("start ZooKeeper; tests/backends/install.sh installs what it needs")?;
        let facts = printed.lines().filter_map(|line| line.split_once('='));
        Ok(Self { servers, facts: facts.map(|(key, value)| (key.to_owned(), value.to_owned())).collect() })
    }

    /// An ensemble of three that all tests of the process use, for tests that keep to names of their own.
    ///
    /// # Errors
    /// As [`ZooKeeper::servers`]; every later caller gets the same error.
    pub fn shared() -> Result<&'static Self> {
        static THREE: OnceLock<Result<ZooKeeper, String>> = OnceLock::new();
        // The error is kept as text: `anyhow::Error` cannot be cloned out of the cell.
        let started = THREE.get_or_init(|| Self::servers(3).map_err(|error| format!("{error:#}")));
        started.as_ref().map_err(|text| anyhow!("{text}"))
    }

    /// `HOST:PORT,…` of all servers.
    ///
    /// # Errors
    /// The start script did not name them.
    pub fn addresses(&self) -> Result<&str> {
        self.fact("SERVERS")
    }

    /// ZooKeeper's own shell, the judge of what Headgate shows: one command.
    ///
    /// # Errors
    /// ZooKeeper refused; what it printed is in the error.
    pub fn cli(&self, arguments: &[&str]) -> Result<String> {
        backends::run(backends::command("zookeeper/cli.sh").arg(self.folder()?).args(arguments))
    }

    /// SIGKILL: a crash of the server with that number.
    ///
    /// # Errors
    /// There is no such server.
    pub fn kill(&self, server: u32) -> Result<()> {
        self.act(server, "kill")
    }

    /// Starts it again and waits until all of them serve.
    ///
    /// # Errors
    /// They did not.
    pub fn start(&self, server: u32) -> Result<()> {
        self.act(server, "start")?;
        let servers = self.servers.to_string();
        backends::run(backends::command("zookeeper/wait.sh").arg(self.folder()?).arg(servers))?;
        Ok(())
    }

    fn act(&self, server: u32, verb: &str) -> Result<()> {
        let server = server.to_string();
        backends::run(backends::command("node.sh").arg(self.folder()?).args([&server, verb]))?;
        Ok(())
    }

    fn folder(&self) -> Result<PathBuf> {
        Ok(PathBuf::from(self.fact("DIR")?))
    }

    fn fact(&self, key: &str) -> Result<&str> {
        self.facts
            .get(key)
            .map(String::as_str)
            .with_context(|| format!("zookeeper/start.sh printed no {key}"))
    }
}

impl Drop for ZooKeeper {
    fn drop(&mut self) {
        let Ok(folder) = self.folder() else { return };
        // A failure here leaves the ensemble to its watcher, which ends it with this process.
        drop(backends::run(backends::command("stop.sh").arg(folder)));
    }
}
