//! Real RocketMQ clusters: started by `tests/backends/rocketmq`, killed and deleted when dropped.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow};
use serde_json::Value;

use crate::backends;

/// One name server and masters named `broker-a`, `broker-b`, …: each is a replica group of its own.
#[derive(Debug)]
pub struct RocketMq {
    brokers: u32,
    /// What the scripts are told of the release, and of users and TLS.
    options: &'static [(&'static str, &'static str)],
    /// `cluster.env` of the start script.
    facts: HashMap<String, String>,
}

/// A topic on one broker, as `mqadmin topicRoute` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queues {
    pub read: u64,
    pub write: u64,
    /// 4 reads, 2 writes.
    pub permission: u64,
}

impl RocketMq {
    /// A cluster of that many masters without login.
    ///
    /// # Errors
    /// A process did not come up; the end of its log is in the error.
    pub fn masters(brokers: u32) -> Result<Self> {
        Self::started(brokers, &[])
    }

    fn started(brokers: u32, options: &'static [(&'static str, &'static str)]) -> Result<Self> {
        let mut command = backends::command("rocketmq/start.sh");
        let printed = backends::run(command.arg(brokers.to_string()).envs(options.iter().copied()))
            .context("start RocketMQ; tests/backends/install.sh installs what it needs")?;
        let facts = printed.lines().filter_map(|line| line.split_once('='));
        Ok(Self {
            brokers,
            options,
            facts: facts.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        })
    }

    /// A cluster of two masters that all tests of the process use, for tests that keep to names of their own.
    ///
    /// # Errors
    /// As [`RocketMq::masters`]; every later caller gets the same error.
    pub fn shared() -> Result<&'static Self> {
        static TWO: OnceLock<Result<RocketMq, String>> = OnceLock::new();
        Self::once(&TWO, || Self::masters(2))
    }

    /// The same with TLS, client certificates and access checked: `ACCESS_KEY` and `SECRET_KEY` are a super user's, `TLS_DIR`
    /// holds `ca.crt` and `admin.pem`.
    ///
    /// # Errors
    /// As [`RocketMq::masters`]; every later caller gets the same error.
    pub fn shared_secure() -> Result<&'static Self> {
        static TWO: OnceLock<Result<RocketMq, String>> = OnceLock::new();
        Self::once(&TWO, || Self::started(2, &[("ACL", "1"), ("TLS", "client")]))
    }

    /// The oldest release that is supported, one master that all tests of the process use.
    ///
    /// # Errors
    /// As [`RocketMq::masters`]; every later caller gets the same error.
    pub fn shared_oldest() -> Result<&'static Self> {
        static OLDEST: OnceLock<Result<RocketMq, String>> = OnceLock::new();
        Self::once(&OLDEST, || Self::started(1, &[("HEADGATE_ROCKETMQ_VERSION", "4.9.7")]))
    }

    fn once(cell: &OnceLock<Result<Self, String>>, start: impl FnOnce() -> Result<Self>) -> Result<&Self> {
        // The error is kept as text: `anyhow::Error` cannot be cloned out of the cell.
        let started = cell.get_or_init(|| start().map_err(|error| format!("{error:#}")));
        started.as_ref().map_err(|text| anyhow!("{text}"))
    }

    /// `HOST:PORT` of the name server.
    ///
    /// # Errors
    /// The start script did not name it.
    pub fn name_servers(&self) -> Result<&str> {
        self.fact("NAME_SERVERS")
    }

    /// `HOST:PORT` of a master, by the name of its broker.
    ///
    /// # Errors
    /// There is no such broker.
    pub fn address(&self, broker: &str) -> Result<String> {
        Ok(format!("127.0.0.1:{}", self.fact(&format!("PORT_{}", broker.replace('-', "_")))?))
    }

    /// RocketMQ's own admin tool, the judge of what Headgate did.
    ///
    /// # Errors
    /// The tool failed; what it printed is in the error.
    pub fn mqadmin(&self, arguments: &[&str]) -> Result<String> {
        let mut command = backends::command("rocketmq/mqadmin.sh");
        backends::run(command.envs(self.options.iter().copied()).arg(self.folder()?).args(arguments))
    }

    /// Makes or changes a topic on one broker behind Headgate's back: `-r 4`, `-w 4`, …
    ///
    /// # Errors
    /// RocketMQ refused.
    pub fn update_topic(&self, broker: &str, name: &str, options: &[&str]) -> Result<()> {
        let address = self.address(broker)?;
        self.mqadmin(&[&["updateTopic", "-b", &address, "-t", name], options].concat())?;
        Ok(())
    }

    /// Where a topic is, by broker; empty where it is nowhere.
    ///
    /// # Errors
    /// The tool failed, or printed what it never printed before.
    pub fn topic(&self, name: &str) -> Result<BTreeMap<String, Queues>> {
        let printed = self.mqadmin(&["topicRoute", "-t", name])?;
        // Only this part of what is printed is JSON: other parts have numbers for keys.
        let Some((_, queues)) = printed.split_once("\"queueDatas\":") else { return Ok(BTreeMap::new()) };
        let brokers: Vec<Value> = serde_json::Deserializer::from_str(queues)
            .into_iter()
            .next()
            .context("topicRoute printed no queues")??;
        let each = brokers.iter().map(|broker| {
            let number = |key: &str| broker.get(key)?.as_u64();
            let name = broker.get("brokerName").and_then(Value::as_str).context("no brokerName")?;
            let queues = || {
                Some(Queues {
                    read: number("readQueueNums")?,
                    write: number("writeQueueNums")?,
                    permission: number("perm")?,
                })
            };
            Ok((name.to_owned(), queues().context("a broker without queues")?))
        });
        each.collect()
    }

    /// Lets a `producer` or `consumer` of that group use the topic while `look` looks, and gives it the client's id.
    ///
    /// # Errors
    /// The client did not connect, or `look` failed.
    pub fn with_client<T>(
        &self,
        role: &str,
        group: &str,
        topic: &str,
        look: impl FnOnce(&str) -> Result<T>,
    ) -> Result<T> {
        let mut command = backends::command("rocketmq/client.sh");
        command.arg(self.folder()?).args([role, group, topic]);
        // Its standard input ends with this process, and it with that.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut client = Connected(command.spawn().context("run rocketmq/client.sh")?);
        let mut line = String::new();
        let printed = client.0.stdout.take().context("the client has no standard output")?;
        BufReader::new(printed).read_line(&mut line)?;
        let id = line.trim().strip_prefix("CLIENT=").context("the client did not connect")?;
        look(id)
    }

    /// SIGKILL: a crash of `broker-a` or `namesrv`.
    ///
    /// # Errors
    /// There is no such process.
    pub fn kill(&self, name: &str) -> Result<()> {
        self.act(name, "kill")
    }

    /// Starts it again and waits until all brokers answer.
    ///
    /// # Errors
    /// It did not come up.
    pub fn start(&self, name: &str) -> Result<()> {
        self.act(name, "start")?;
        let brokers = self.brokers.to_string();
        backends::run(backends::command("rocketmq/wait.sh").arg(self.folder()?).arg(brokers))?;
        Ok(())
    }

    fn act(&self, name: &str, verb: &str) -> Result<()> {
        backends::run(backends::command("node.sh").arg(self.folder()?).args([name, verb]))?;
        Ok(())
    }

    fn folder(&self) -> Result<PathBuf> {
        Ok(PathBuf::from(self.fact("DIR")?))
    }

    /// A line of what the start script printed.
    ///
    /// # Errors
    /// It printed no such line.
    pub fn fact(&self, key: &str) -> Result<&str> {
        self.facts.get(key).map(String::as_str).with_context(|| format!("rocketmq/start.sh printed no {key}"))
    }
}

/// A client that leaves when dropped.
struct Connected(Child);

impl Drop for Connected {
    fn drop(&mut self) {
        // A client that is gone already is what was wanted.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Drop for RocketMq {
    fn drop(&mut self) {
        let Ok(folder) = self.folder() else { return };
        // A failure here leaves the cluster to its watcher, which ends it with this process.
        drop(backends::run(backends::command("stop.sh").arg(folder)));
    }
}
