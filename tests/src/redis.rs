//! Real Redis: started by `tests/backends/redis`, killed and deleted when dropped.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow};

use crate::backends;

/// A single server, or a cluster of masters; nodes numbered from 1.
#[derive(Debug)]
pub struct Redis {
    /// `cluster.env` of the start script.
    facts: HashMap<String, String>,
}

impl Redis {
    /// What clients log in with, where they do.
    pub const PASSWORD: &str = "redis-password";

    /// One node is a single server, three and more are a cluster; nobody logs in to them.
    ///
    /// # Errors
    /// A node did not come up; the end of its log is in the error.
    pub fn nodes(nodes: u32) -> Result<Self> {
        Self::start(nodes, "", false)
    }

    /// A single server with a password.
    ///
    /// # Errors
    /// As [`Redis::nodes`].
    pub fn with_password() -> Result<Self> {
        Self::start(1, Self::PASSWORD, false)
    }

    /// A single server that has no file to write settings to.
    ///
    /// # Errors
    /// As [`Redis::nodes`].
    pub fn without_a_file() -> Result<Self> {
        Self::start(1, "", true)
    }

    /// A cluster of three that all tests of the process use, for tests that keep to names of their own.
    ///
    /// # Errors
    /// As [`Redis::nodes`]; every later caller gets the same error.
    pub fn shared() -> Result<&'static Self> {
        static THREE: OnceLock<Result<Redis, String>> = OnceLock::new();
        // The error is kept as text: `anyhow::Error` cannot be cloned out of the cell.
        let started = THREE.get_or_init(|| Self::nodes(3).map_err(|error| format!("{error:#}")));
        started.as_ref().map_err(|text| anyhow!("{text}"))
    }

    fn start(nodes: u32, password: &str, forgetful: bool) -> Result<Self> {
        let mut command = backends::command("redis/start.sh");
        command.arg(nodes.to_string()).env("PASSWORD", password);
        command.env("FORGETFUL", if forgetful { "1" } else { "0" });
        let printed = backends::run(&mut command)
            .context("start Redis; tests/backends/install.sh installs what it needs")?;
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

    /// redis-cli on one node, the judge of what Headgate did: what it printed, without the end of the last line.
    ///
    /// # Errors
    /// Redis refused; what it said is in the error.
    pub fn cli(&self, node: u32, arguments: &[&str]) -> Result<String> {
        let node = node.to_string();
        let mut command = backends::command("redis/cli.sh");
        let printed = backends::run(command.arg(self.folder()?).arg(node).args(arguments))?;
        Ok(printed.trim_end().to_owned())
    }

    /// The same as another user, with a password.
    ///
    /// # Errors
    /// As [`Redis::cli`]; whom Redis does not let in is refused at the first command.
    pub fn cli_as(&self, user: &str, password: &str, arguments: &[&str]) -> Result<String> {
        let login = ["--no-auth-warning", "--user", user, "--pass", password];
        self.cli(1, &[&login, arguments].concat())
    }

    /// What a node tells of a setting.
    ///
    /// # Errors
    /// As [`Redis::cli`].
    pub fn setting(&self, node: u32, name: &str) -> Result<String> {
        let told = self.cli(node, &["config", "get", name])?;
        Ok(told.lines().nth(1).unwrap_or_default().to_owned())
    }

    /// The line of `ACL LIST` of a user; none where the node does not have it.
    ///
    /// # Errors
    /// As [`Redis::cli`].
    pub fn user(&self, node: u32, name: &str) -> Result<Option<String>> {
        let told = self.cli(node, &["acl", "list"])?;
        let start = format!("user {name} ");
        Ok(told.lines().find(|line| line.starts_with(&start)).map(str::to_owned))
    }

    /// SIGKILL: a crash of the node with that number.
    ///
    /// # Errors
    /// There is no such node.
    pub fn kill(&self, node: u32) -> Result<()> {
        self.act(node, "kill")
    }

    /// Starts it again and waits until all of them serve.
    ///
    /// # Errors
    /// They did not.
    pub fn revive(&self, node: u32) -> Result<()> {
        self.act(node, "start")?;
        let nodes = self.facts.keys().filter(|key| key.starts_with("PORT_")).count().to_string();
        backends::run(backends::command("redis/wait.sh").arg(self.folder()?).arg(nodes))?;
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
        self.facts.get(key).map(String::as_str).with_context(|| format!("redis/start.sh printed no {key}"))
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let Ok(folder) = self.folder() else { return };
        // A failure here leaves the cluster to its watcher, which ends it with this process.
        drop(backends::run(backends::command("stop.sh").arg(folder)));
    }
}
