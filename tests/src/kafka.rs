//! Real Kafka clusters: started by `tests/backends/kafka`, killed and deleted when dropped.

pub(crate) mod judge;

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow};

use crate::backends;

/// The last line of releases that knows ZooKeeper.
const WITH_ZOOKEEPER: (&str, &str) = ("HEADGATE_KAFKA_VERSION", "3.9.1");

/// A running cluster. Each node is both broker and controller.
#[derive(Debug)]
pub struct Kafka {
    nodes: u32,
    /// What the scripts are told of the release; nothing is the newest.
    release: Option<(&'static str, &'static str)>,
    /// `cluster.env` of the start script.
    facts: HashMap<String, String>,
}

/// One node of a cluster, by its id: 1, 2, 3.
#[derive(Debug)]
pub struct Node<'a> {
    kafka: &'a Kafka,
    id: u32,
}

impl Kafka {
    /// A cluster of 1 or 3 nodes without login, for a test that damages it or counts what is in it.
    ///
    /// # Errors
    /// A node did not come up; the end of its log is in the error.
    pub fn nodes(nodes: u32) -> Result<Self> {
        Self::start(nodes, false, None)
    }

    /// A single node that tells its clients this `HOST:PORT`, whatever that may be.
    ///
    /// # Errors
    /// As [`Kafka::nodes`].
    pub fn advertising(address: &str) -> Result<Self> {
        let extra = tempfile::NamedTempFile::new()?;
        std::fs::write(extra.path(), format!("advertised.listeners=PLAINTEXT://{address}\n"))?;
        let mut command = backends::command("kafka/start.sh");
        Self::started(1, None, command.arg("1").env("EXTRA", extra.path()))
    }

    /// A single node of the last release that registers with ZooKeeper, below a path of its own: `HOST:PORT,…/PATH`.
    ///
    /// # Errors
    /// As [`Kafka::nodes`].
    pub fn registering_with(ensemble: &str) -> Result<Self> {
        let release = Some(WITH_ZOOKEEPER);
        let mut command = backends::command("kafka/start.sh");
        Self::started(1, release, command.envs(release).arg("1").env("ZOOKEEPER", ensemble))
    }

    /// The same with users, TLS and access rules; `tests/backends/README.md` names them.
    ///
    /// # Errors
    /// As [`Kafka::nodes`].
    pub fn secure(nodes: u32) -> Result<Self> {
        Self::start(nodes, true, None)
    }

    /// A cluster that all tests of the process use, for tests that keep to names of their own.
    ///
    /// # Errors
    /// As [`Kafka::nodes`]; every later caller gets the same error.
    pub fn shared(nodes: u32) -> Result<&'static Self> {
        static ONE: OnceLock<Result<Kafka, String>> = OnceLock::new();
        static THREE: OnceLock<Result<Kafka, String>> = OnceLock::new();
        let cell = if nodes == 1 { &ONE } else { &THREE };
        Self::once(cell, || Self::nodes(nodes))
    }

    /// A secured cluster of one node that all tests of the process use.
    ///
    /// # Errors
    /// As [`Kafka::shared`].
    pub fn shared_secure() -> Result<&'static Self> {
        static SECURE: OnceLock<Result<Kafka, String>> = OnceLock::new();
        Self::once(&SECURE, || Self::secure(1))
    }

    /// The oldest release that is supported, one node that all tests of the process use.
    ///
    /// # Errors
    /// As [`Kafka::shared`].
    pub fn shared_oldest() -> Result<&'static Self> {
        static OLDEST: OnceLock<Result<Kafka, String>> = OnceLock::new();
        Self::once(&OLDEST, || Self::start(1, false, Some(("HEADGATE_KAFKA_VERSION", "3.9.1"))))
    }

    fn once(cell: &OnceLock<Result<Self, String>>, start: impl FnOnce() -> Result<Self>) -> Result<&Self> {
        // The error is kept as text: `anyhow::Error` cannot be cloned out of the cell.
        let started = cell.get_or_init(|| start().map_err(|error| format!("{error:#}")));
        started.as_ref().map_err(|text| anyhow!("{text}"))
    }

    fn start(nodes: u32, secure: bool, release: Option<(&'static str, &'static str)>) -> Result<Self> {
        let mut command = backends::command("kafka/start.sh");
        command.envs(release).arg(nodes.to_string()).env("SECURE", if secure { "1" } else { "0" });
        Self::started(nodes, release, &mut command)
    }

    fn started(
        nodes: u32,
        release: Option<(&'static str, &'static str)>,
        command: &mut Command,
    ) -> Result<Self> {
        let printed = backends::run(command)
            .context("start Kafka; tests/backends/install.sh installs what it needs")?;
        let facts = printed.lines().filter_map(|line| line.split_once('='));
        Ok(Self {
            nodes,
            release,
            facts: facts.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        })
    }

    /// `HOST:PORT,…` of the listener without login.
    ///
    /// # Errors
    /// The start script did not name it.
    pub fn bootstrap(&self) -> Result<&str> {
        self.fact("BOOTSTRAP")
    }

    /// Another line of the start script: `CLUSTER_ID`, `BOOTSTRAP_SASL_SSL`, `PORT_1`, …
    ///
    /// # Errors
    /// The start script did not name it.
    pub fn fact(&self, key: &str) -> Result<&str> {
        self.facts.get(key).map(String::as_str).with_context(|| format!("kafka/start.sh printed no {key}"))
    }

    /// The folder of the cluster; `tls/` in it holds the certificates of a secure one.
    ///
    /// # Errors
    /// The start script did not name it.
    pub fn folder(&self) -> Result<PathBuf> {
        Ok(PathBuf::from(self.fact("DIR")?))
    }

    pub fn node(&self, id: u32) -> Node<'_> {
        Node { kafka: self, id }
    }

    /// Waits until every running node sees that many live brokers.
    ///
    /// # Errors
    /// They were not seen within a minute.
    pub fn until_live(&self, brokers: u32) -> Result<()> {
        backends::run(backends::command("kafka/wait.sh").arg(self.folder()?).arg(brokers.to_string()))?;
        Ok(())
    }

    /// One of Kafka's own tools, the judge of what Headgate did: `cli("topics", &["--list"])`. The address is filled in.
    ///
    /// # Errors
    /// The tool failed; what it printed is in the error.
    pub fn cli(&self, tool: &str, arguments: &[&str]) -> Result<String> {
        self.cli_with_input(tool, arguments, "")
    }

    /// The same with something on standard input: messages for the producer.
    ///
    /// # Errors
    /// As [`Kafka::cli`].
    pub fn cli_with_input(&self, tool: &str, arguments: &[&str], input: &str) -> Result<String> {
        let mut command = backends::command("kafka/cli.sh");
        command.envs(self.release).args([tool, "--bootstrap-server", self.bootstrap()?]).args(arguments);
        backends::run(command.stdin(backends::input(input)?))
    }
}

/// A console consumer that runs until it is dropped.
#[derive(Debug)]
pub struct Consumer(Child);

impl Kafka {
    /// A member of the group that reads the topic. It joins a moment later.
    ///
    /// # Errors
    /// Its process did not start.
    pub fn consumer(&self, topic: &str, group: &str) -> Result<Consumer> {
        let mut command = backends::command("kafka/cli.sh");
        command.envs(self.release).args(["console-consumer", "--bootstrap-server", self.bootstrap()?]);
        command.args(["--topic", topic, "--group", group]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Consumer(command.spawn().context("run kafka/cli.sh")?))
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        // The script became the consumer, so this ends it.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        let Ok(folder) = self.folder() else { return };
        // A failure here leaves the cluster to its watcher, which ends it with this process.
        drop(backends::run(backends::command("kafka/stop.sh").arg(folder).arg("--remove")));
    }
}

impl Node<'_> {
    /// `HOST:PORT` of the listener without login.
    ///
    /// # Errors
    /// There is no such node.
    pub fn address(&self) -> Result<String> {
        Ok(format!("127.0.0.1:{}", self.kafka.fact(&format!("PORT_{}", self.id))?))
    }

    /// SIGKILL: a crash.
    ///
    /// # Errors
    /// There is no such node.
    pub fn kill(&self) -> Result<()> {
        self.act("kill")
    }

    /// Starts it again and waits until all nodes see each other.
    ///
    /// # Errors
    /// It did not come up.
    pub fn start(&self) -> Result<()> {
        self.start_alone()?;
        self.kafka.until_live(self.kafka.nodes)
    }

    /// Starts it again, while others are down.
    ///
    /// # Errors
    /// There is no such node.
    pub fn start_alone(&self) -> Result<()> {
        self.act("start")
    }

    /// SIGSTOP: it hangs, and its ports still accept.
    ///
    /// # Errors
    /// It does not run.
    pub fn pause(&self) -> Result<()> {
        self.act("pause")
    }

    /// SIGCONT.
    ///
    /// # Errors
    /// It does not run.
    pub fn resume(&self) -> Result<()> {
        self.act("resume")
    }

    fn act(&self, verb: &str) -> Result<()> {
        let mut command = backends::command("kafka/node.sh");
        command.arg(self.kafka.folder()?).args([&self.id.to_string(), verb]);
        backends::run(&mut command)?;
        Ok(())
    }
}
