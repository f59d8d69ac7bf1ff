//! One start of the host: the child process and what it prints.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::scratch;

/// A child that is killed when dropped, or with this process.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    stdout: PathBuf,
    /// `http://127.0.0.1:PORT`, once it is known.
    pub(super) address: String,
}

impl Process {
    /// Starts it with its standard error appended to the log. Each start has a standard output of its own, so that
    /// an older start's address is never taken for this one's.
    pub(super) fn start(mut command: Command, log: &Path, start: u32) -> Result<Self> {
        let stdout = log.with_file_name(format!("stdout-{start}"));
        let child = command
            .stdin(Stdio::null())
            .stdout(File::create(&stdout)?)
            .stderr(File::options().create(true).append(true).open(log)?)
            .spawn()
            .with_context(|| {
                format!("start {command:?}; `make build` makes the binary, HEADGATE_BIN names another")
            })?;
        scratch::remember(child.id())?;
        Ok(Self { child, stdout, address: String::new() })
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The address that it listens on, once it said so.
    pub(super) fn listening(&self) -> Result<Option<String>> {
        let printed = std::fs::read_to_string(&self.stdout)?;
        // A line that is not ended yet may be cut.
        let whole = printed.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let address = whole.filter_map(|line| line.trim().strip_prefix("listening on ")).next();
        if address.is_none() && self.ended()? {
            bail!("headgate serve ended before it listened; it printed: {printed}");
        }
        Ok(address.map(str::to_owned))
    }

    pub(super) fn kill(mut self) -> Result<()> {
        self.end()
    }

    /// A child that ended stays a zombie until it is waited for.
    fn ended(&self) -> Result<bool> {
        let stat = match std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())) {
            Ok(stat) => stat,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(true),
            Err(error) => return Err(error.into()),
        };
        Ok(stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z')))
    }

    fn end(&mut self) -> Result<()> {
        let id = self.child.id();
        self.child.kill().context("kill the host")?;
        self.child.wait().context("wait for the killed host")?;
        scratch::forget(id)
    }
}
