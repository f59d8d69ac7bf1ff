//! RocketMQ's own admin client, `DefaultMQAdminExt`, at the same work.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Stdio};

use anyhow::{Context, Result, bail};

use super::{Peer, number_after, run, script};

/// The least memory of the settings that were tried of it, and no slower than the others.
const OPTIONS: &str = "-Xmx512m -XX:+UseSerialGC";

/// The client asks one master after the other; with two `threads` both at once.
pub(crate) fn reads(name_servers: &str, rounds: usize, threads: u32, least: u32) -> Result<Peer> {
    let (rounds, threads_) = (format!("rounds={rounds}"), format!("threads={threads}"));
    let printed =
        run(script("rocketmq", OPTIONS).args(["read", name_servers, &rounds, "warmup=30", &threads_]))?;
    let topics = number_after(&printed, "read ")?;
    if topics < f64::from(least) {
        bail!("the admin client read only {topics} topics");
    }
    Ok(Peer {
        name: if threads == 1 { "Java admin" } else { "Java, 2 threads" },
        wall_ms: number_after(&printed, "median ")?,
        cpu_ms: number_after(&printed, "cpu mean ")?,
        memory_mb: number_after(&printed, "VmHWM: ")? / 1024.0,
    })
}

/// The client in a JVM that stays warm: each prefix is a list of topics on every master.
pub(crate) struct Creator {
    child: Child,
    printed: BufReader<ChildStdout>,
}

/// Milliseconds until all masters had taken the list, and until all of it was read back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Created {
    pub(crate) accepted_ms: f64,
    pub(crate) listed_ms: f64,
}

impl Creator {
    /// Of so many topics a list; only on the first of the masters where `masters` says so.
    pub(crate) fn start(name_servers: &str, count: u32, queues: u32, masters: u32) -> Result<Self> {
        let options = [format!("count={count}"), format!("queues={queues}"), format!("masters={masters}")];
        let mut command = script("rocketmq", OPTIONS);
        command.args(["create", name_servers]).args(options);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let printed = BufReader::new(child.stdout.take().context("no standard output")?);
        Ok(Self { child, printed })
    }

    pub(crate) fn create(&mut self, prefix: &str) -> Result<Created> {
        writeln!(self.child.stdin.as_mut().context("no standard input")?, "{prefix}")?;
        let mut line = String::new();
        self.printed.read_line(&mut line)?;
        Ok(Created {
            accepted_ms: number_after(&line, "accepted ")?,
            listed_ms: number_after(&line, "listed ")?,
        })
    }
}

impl Drop for Creator {
    fn drop(&mut self) {
        // It ends with its standard input.
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}

/// Makes so many topics on every master, and waits until they are told.
pub(crate) fn makes(name_servers: &str, count: u32, prefix: &str) -> Result<()> {
    Creator::start(name_servers, count, 4, 0)?.create(prefix).map(drop)
}
