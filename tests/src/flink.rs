//! Real Flink session clusters: started by `tests/backends/flink`, killed and deleted when dropped.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow};

use crate::backends;

/// A job manager, and task managers numbered from 1.
#[derive(Debug)]
pub struct Flink {
    /// `cluster.env` of the start script.
    facts: HashMap<String, String>,
}

impl Flink {
    /// A cluster of that many task managers, of four slots each.
    ///
    /// # Errors
    /// A process did not come up; the end of its log is in the error.
    pub fn of(task_managers: u32) -> Result<Self> {
        let printed = backends::run(backends::command("flink/start.sh").arg(task_managers.to_string()))
            .context("start Flink; tests/backends/install.sh installs what it needs")?;
        let facts = printed.lines().filter_map(|line| line.split_once('='));
        Ok(Self { facts: facts.map(|(key, value)| (key.to_owned(), value.to_owned())).collect() })
    }

    /// A cluster of two task managers that all tests of the process use, with slots for the jobs of all.
    ///
    /// # Errors
    /// As [`Flink::of`]; every later caller gets the same error.
    pub fn shared() -> Result<&'static Self> {
        static TWO: OnceLock<Result<Flink, String>> = OnceLock::new();
        // The error is kept as text: `anyhow::Error` cannot be cloned out of the cell.
        let started = TWO.get_or_init(|| Self::of(2).map_err(|error| format!("{error:#}")));
        started.as_ref().map_err(|text| anyhow!("{text}"))
    }

    /// `HOST:PORT` of the job manager's REST API.
    ///
    /// # Errors
    /// The start script did not name it.
    pub fn address(&self) -> Result<&str> {
        self.fact("ADDRESS")
    }

    /// Submits a job without an end under that name, from a savepoint where one is given; its id, once it runs.
    ///
    /// # Errors
    /// Flink did not take it, or it does not run.
    pub fn submit(&self, name: &str, savepoint: Option<&str>) -> Result<String> {
        let mut command = backends::command("flink/run.sh");
        command.arg(self.folder()?).arg(name).args(savepoint);
        Ok(backends::run(&mut command)?.trim().to_owned())
    }

    /// One question past Headgate, the judge of what it shows and did.
    ///
    /// # Errors
    /// Flink refused.
    pub fn ask(&self, path: &str) -> Result<String> {
        let url = format!("http://{}{path}", self.address()?);
        ureq::get(&url).call().and_then(|mut answer| answer.body_mut().read_to_string()).context(url)
    }

    /// SIGKILL: a crash of the task manager with that number.
    ///
    /// # Errors
    /// There is no such process.
    pub fn kill(&self, task_manager: u32) -> Result<()> {
        let name = format!("tm{task_manager}");
        backends::run(backends::command("node.sh").arg(self.folder()?).args([&name, "kill"]))?;
        Ok(())
    }

    fn folder(&self) -> Result<PathBuf> {
        Ok(PathBuf::from(self.fact("DIR")?))
    }

    fn fact(&self, key: &str) -> Result<&str> {
        self.facts.get(key).map(String::as_str).with_context(|| format!("flink/start.sh printed no {key}"))
    }
}

impl Drop for Flink {
    fn drop(&mut self) {
        let Ok(folder) = self.folder() else { return };
        // A failure here leaves the cluster to its watcher, which ends it with this process.
        drop(backends::run(backends::command("stop.sh").arg(folder)));
    }
}
