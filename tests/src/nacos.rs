//! Registries that speak Nacos' v1 API: started by `tests/backends/nacos`, killed and deleted when dropped.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow};

use crate::backends;

/// Nodes numbered from 1.
#[derive(Debug)]
pub struct Nacos {
    /// `cluster.env` of the start script.
    facts: HashMap<String, String>,
}

impl Nacos {
    /// The password of the user `admin`, where users log in.
    pub const PASSWORD: &str = "admin-secret";

    /// A registry of that many nodes, which nobody logs in to.
    ///
    /// # Errors
    /// A node did not come up; the end of its log is in the error.
    pub fn nodes(nodes: u32) -> Result<Self> {
        Self::start(nodes, false)
    }

    /// One node, with the user `admin`.
    ///
    /// # Errors
    /// As [`Nacos::nodes`].
    pub fn with_users() -> Result<Self> {
        Self::start(1, true)
    }

    /// One node that all tests of the process use, for tests that keep to names of their own.
    ///
    /// # Errors
    /// As [`Nacos::nodes`]; every later caller gets the same error.
    pub fn shared() -> Result<&'static Self> {
        static ONE: OnceLock<Result<Nacos, String>> = OnceLock::new();
        // The error is kept as text: `anyhow::Error` cannot be cloned out of the cell.
        let started = ONE.get_or_init(|| Self::nodes(1).map_err(|error| format!("{error:#}")));
        started.as_ref().map_err(|text| anyhow!("{text}"))
    }

    fn start(nodes: u32, users: bool) -> Result<Self> {
        let mut command = backends::command("nacos/start.sh");
        command.arg(nodes.to_string()).env("AUTH", if users { "1" } else { "0" });
        let printed = backends::run(&mut command)
            .context("start the registry; tests/backends/install.sh installs what it needs")?;
        let facts = printed.lines().filter_map(|line| line.split_once('='));
        Ok(Self { facts: facts.map(|(key, value)| (key.to_owned(), value.to_owned())).collect() })
    }

    /// `HOST:PORT,…` of all nodes.
    ///
    /// # Errors
    /// The start script did not name them.
    pub fn addresses(&self) -> Result<&str> {
        self.fact("ADDRESSES")
    }

    /// One request past Headgate, the judge of what it did: the path is below `/nacos/v1`.
    ///
    /// # Errors
    /// The registry refused; what it said is in the error.
    pub fn ask(&self, method: &str, path: &str, form: &str) -> Result<String> {
        backends::run(backends::command("nacos/cli.sh").arg(self.folder()?).args(["1", method, path, form]))
    }

    /// SIGKILL: a crash of the node with that number.
    ///
    /// # Errors
    /// There is no such node.
    pub fn kill(&self, node: u32) -> Result<()> {
        self.act(node, "kill")
    }

    /// Starts it again and waits until it serves.
    ///
    /// # Errors
    /// It did not.
    pub fn revive(&self, node: u32) -> Result<()> {
        self.act(node, "start")?;
        backends::run(backends::command("nacos/wait.sh").arg(self.folder()?).arg(node.to_string()))?;
        Ok(())
    }

    fn act(&self, node: u32, verb: &str) -> Result<()> {
        let node = node.to_string();
        backends::run(backends::command("node.sh").arg(self.folder()?).args([&node, verb]))?;
        Ok(())
    }

    fn folder(&self) -> Result<PathBuf> {
        Ok(PathBuf::from(self.fact("DIR")?))
    }

    fn fact(&self, key: &str) -> Result<&str> {
        self.facts.get(key).map(String::as_str).with_context(|| format!("nacos/start.sh printed no {key}"))
    }
}

impl Drop for Nacos {
    fn drop(&mut self) {
        let Ok(folder) = self.folder() else { return };
        // A failure here leaves the registry to its watcher, which ends it with this process.
        drop(backends::run(backends::command("stop.sh").arg(folder)));
    }
}
