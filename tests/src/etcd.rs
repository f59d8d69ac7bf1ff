//! Real etcd clusters: started by `tests/backends/etcd`, killed and deleted when dropped.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow};

use crate::backends;

/// Members numbered from 1.
#[derive(Debug)]
pub struct Etcd {
    members: u32,
    /// `cluster.env` of the start script.
    facts: HashMap<String, String>,
}

impl Etcd {
    /// A cluster of that many members, with these flags beside those of every start.
    ///
    /// # Errors
    /// A member did not come up; the end of its log is in the error.
    pub fn members(members: u32, flags: &str) -> Result<Self> {
        let mut command = backends::command("etcd/start.sh");
        let printed = backends::run(command.arg(members.to_string()).env("ETCD_FLAGS", flags))
            .context("start etcd; tests/backends/install.sh installs what it needs")?;
        let facts = printed.lines().filter_map(|line| line.split_once('='));
        Ok(Self { members, facts: facts.map(|(key, value)| (key.to_owned(), value.to_owned())).collect() })
    }

    /// A cluster of three that all tests of the process use, for tests that keep to names of their own.
    ///
    /// # Errors
    /// As [`Etcd::members`]; every later caller gets the same error.
    pub fn shared() -> Result<&'static Self> {
        static THREE: OnceLock<Result<Etcd, String>> = OnceLock::new();
        // The error is kept as text: `anyhow::Error` cannot be cloned out of the cell.
        let started = THREE.get_or_init(|| Self::members(3, "").map_err(|error| format!("{error:#}")));
        started.as_ref().map_err(|text| anyhow!("{text}"))
    }

    /// `HOST:PORT,…` of all members.
    ///
    /// # Errors
    /// The start script did not name them.
    pub fn endpoints(&self) -> Result<&str> {
        self.fact("ENDPOINTS")
    }

    /// etcdctl, the judge of what Headgate shows: one command.
    ///
    /// # Errors
    /// etcd refused; what it printed is in the error.
    pub fn cli(&self, arguments: &[&str]) -> Result<String> {
        backends::run(backends::command("etcd/cli.sh").arg(self.folder()?).args(arguments))
    }

    /// SIGKILL: a crash of the member with that number.
    ///
    /// # Errors
    /// There is no such member.
    pub fn kill(&self, member: u32) -> Result<()> {
        self.act(member, "kill")
    }

    /// Starts it again and waits until all of them serve.
    ///
    /// # Errors
    /// They did not.
    pub fn start(&self, member: u32) -> Result<()> {
        self.act(member, "start")?;
        let members = self.members.to_string();
        backends::run(backends::command("etcd/wait.sh").arg(self.folder()?).arg(members))?;
        Ok(())
    }

    fn act(&self, member: u32, verb: &str) -> Result<()> {
        let member = member.to_string();
        backends::run(backends::command("node.sh").arg(self.folder()?).args([&member, verb]))?;
        Ok(())
    }

    fn folder(&self) -> Result<PathBuf> {
        Ok(PathBuf::from(self.fact("DIR")?))
    }

    fn fact(&self, key: &str) -> Result<&str> {
        self.facts.get(key).map(String::as_str).with_context(|| format!("etcd/start.sh printed no {key}"))
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        let Ok(folder) = self.folder() else { return };
        // A failure here leaves the cluster to its watcher, which ends it with this process.
        drop(backends::run(backends::command("stop.sh").arg(folder)));
    }
}
