//! The real `headgate serve`, as a child process, with its data in a scratch folder.

pub(crate) mod cli;
mod compiled;
pub(crate) mod http;
mod process;
mod samples;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

use crate::host::process::Process;
use crate::{Database, Kafka, scratch, wait};

/// A debug build that compiles the built-in plugins on first use answers within this, on two busy cores.
const START_DEADLINE: Duration = Duration::from_secs(120);

/// What a scenario may change about a start.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where it listens; `127.0.0.1:0` where empty.
    pub listen: Option<String>,
    /// More arguments of `headgate serve`.
    pub arguments: Vec<String>,
    /// More environment variables.
    pub environment: Vec<(String, String)>,
}

/// A running host. Its log is printed when it is dropped: the test runner shows that for failed tests only.
#[derive(Debug)]
pub struct Host {
    folder: TempDir,
    database_url: Option<String>,
    options: Options,
    process: Option<Process>,
    starts: u32,
}

impl Host {
    /// Starts with an empty data folder on a free port, and waits until it listens.
    ///
    /// # Errors
    /// It ended, or did not listen in time; its log is in the error.
    pub fn start(database: &Database) -> Result<Self> {
        Self::start_with(database, Options::default())
    }

    /// The same with more arguments or variables.
    ///
    /// # Errors
    /// As [`Host::start`].
    pub fn start_with(database: &Database, options: Options) -> Result<Self> {
        let mut host = Self::new(database.url(), options)?;
        compiled::give(&host.data())?;
        host.restart()?;
        Ok(host)
    }

    /// Another one on the database of the first, which has that one's key and its owner's token.
    ///
    /// # Errors
    /// As [`Host::start`].
    pub fn start_beside(first: &Self, options: Options) -> Result<Self> {
        let mut host = Self::new(first.database_url.clone(), options)?;
        compiled::give(&host.data())?;
        for name in ["key", "token"] {
            let from = first.data().join(name);
            std::fs::copy(&from, host.data().join(name))
                .with_context(|| format!("copy {}", from.display()))?;
        }
        host.restart()?;
        Ok(host)
    }

    fn new(database_url: Option<String>, options: Options) -> Result<Self> {
        Ok(Self { folder: scratch::folder("host.")?, database_url, options, process: None, starts: 0 })
    }

    /// SIGKILL, at whatever it is doing. Killing a dead one does nothing.
    ///
    /// # Errors
    /// The process could not be killed or waited for.
    pub fn kill(&mut self) -> Result<()> {
        match self.process.take() {
            Some(process) => process.kill(),
            None => Ok(()),
        }
    }

    /// Kills it where it runs, and starts it again on the same data (and another port).
    ///
    /// # Errors
    /// As [`Host::start`].
    pub fn restart(&mut self) -> Result<()> {
        self.restart_within(START_DEADLINE)
    }

    fn restart_within(&mut self, deadline: Duration) -> Result<()> {
        self.kill()?;
        self.starts += 1;
        let process = Process::start(self.serve(), &self.log(), self.starts)?;
        self.process = Some(process);
        let address = wait::until(
            "headgate serve printed `listening on http://…`",
            deadline,
            || self.dump(),
            || self.running()?.listening(),
        )
        .map_err(|error| error.context(format!("its log:\n{}", self.logged().unwrap_or_default())))?;
        self.running_mut()?.address = address;
        Ok(())
    }

    /// `http://127.0.0.1:PORT`
    ///
    /// # Errors
    /// It was killed and not started again.
    pub fn url(&self) -> Result<&str> {
        Ok(&self.running()?.address)
    }

    /// The process id.
    ///
    /// # Errors
    /// It was killed and not started again.
    pub fn pid(&self) -> Result<u32> {
        Ok(self.running()?.id())
    }

    /// The owner's token that the first start wrote.
    ///
    /// # Errors
    /// There is no such file.
    pub fn token(&self) -> Result<String> {
        let path = self.data().join("token");
        let text = std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        Ok(text.trim().to_owned())
    }

    /// DATA: what `--data` named.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Writes a file beside the data, for `-f`, and gives its path.
    ///
    /// # Errors
    /// The disk refused.
    pub fn file(&self, name: &str, text: &str) -> Result<String> {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path.to_string_lossy().into_owned())
    }

    /// All that the host logged, from its first start on.
    ///
    /// # Errors
    /// There is no log.
    pub fn logged(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&std::fs::read(self.log())?).into_owned())
    }

    /// Registers the cluster under the name and lets it be seen once.
    ///
    /// # Errors
    /// Headgate refused, or saw nothing.
    pub fn add_kafka(&self, name: &str, kafka: &Kafka) -> Result<()> {
        let bootstrap = format!("bootstrap={}", kafka.bootstrap()?);
        self.cli(&["cluster", "add", name, "--kind", "kafka", "--set", &bootstrap])?.ok()?;
        self.cli(&["sync", name])?.ok()?;
        Ok(())
    }

    /// The one word for a resource, as the API tells it.
    ///
    /// # Errors
    /// It is not known, or the answer is no resource.
    pub fn status(&self, cluster: &str, metadata_type: &str, id: &str) -> Result<String> {
        let resource = self.resource(cluster, metadata_type, id)?;
        let status = resource.get("status").and_then(Value::as_str);
        Ok(status.with_context(|| format!("no status in {resource}"))?.to_owned())
    }

    /// A resource with its images and fields.
    ///
    /// # Errors
    /// It is not known.
    pub fn resource(&self, cluster: &str, metadata_type: &str, id: &str) -> Result<Value> {
        self.get(&format!("/api/v1/clusters/{cluster}/resources/{metadata_type}/{id}"))
    }

    /// Looks until it is so; fails with the host's own view of its clusters, plans and log.
    ///
    /// # Errors
    /// The deadline passed, or `look` failed.
    pub fn until(
        &self,
        what: &str,
        deadline: Duration,
        mut look: impl FnMut(&Self) -> Result<bool>,
    ) -> Result<()> {
        wait::until(what, deadline, || self.dump(), || Ok(look(self)?.then_some(())))
    }

    /// What a person would look at first when something is not as it should be.
    fn dump(&self) -> String {
        let mut text = String::new();
        for path in ["/api/v1/clusters", "/api/v1/plans?limit=5", "/api/v1/events?limit=50"] {
            let seen = self.get(path).map_or_else(|error| format!("{error:#}"), |body| format!("{body:#}"));
            text.push_str(&format!("{path}: {seen}\n"));
        }
        text
    }

    fn serve(&self) -> std::process::Command {
        let mut command = std::process::Command::new(binary());
        let listen = self.options.listen.as_deref().unwrap_or("127.0.0.1:0");
        command.args(["serve", "--listen", listen, "--data"]).arg(self.data());
        command.args(&self.options.arguments);
        match &self.database_url {
            Some(url) => command.env("HEADGATE_DATABASE_URL", url),
            None => command.env_remove("HEADGATE_DATABASE_URL"),
        };
        command.envs(self.options.environment.iter().map(|(key, value)| (key, value)));
        command
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn running(&self) -> Result<&Process> {
        match &self.process {
            Some(process) => Ok(process),
            None => bail!("the host was killed; call restart() first"),
        }
    }

    fn running_mut(&mut self) -> Result<&mut Process> {
        self.process.as_mut().context("the host was killed; call restart() first")
    }

    #[expect(clippy::print_stderr, reason = "the test runner keeps it for failed tests")]
    fn print_log(&self) {
        let log = self.logged().unwrap_or_else(|error| format!("{error:#}"));
        if log.is_empty() {
            return;
        }
        eprintln!("the log of the host in {}:\n{log}", self.folder.path().display());
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.print_log();
        // A failure leaves the process to the watcher, which ends it with this one.
        drop(self.kill());
    }
}

/// `HEADGATE_BIN`, or the binary beside this test's own: `target/debug/deps/scenarios-…` → `target/debug/headgate`.
fn binary() -> PathBuf {
    if let Some(named) = std::env::var_os("HEADGATE_BIN") {
        return PathBuf::from(named);
    }
    let own = std::env::current_exe().unwrap_or_default();
    own.parent().and_then(Path::parent).unwrap_or(Path::new(".")).join("headgate")
}
