//! The command line, run as a person would: the same binary, told by its environment where the host is.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::host::{Host, binary};
use crate::{backends, wait};

/// The longest command applies 300 topics on two busy cores.
const DEADLINE: Duration = Duration::from_secs(180);

/// What a command printed, and how it ended.
#[derive(Debug, Clone)]
pub struct Output {
    pub command: String,
    /// -1 where a signal ended it.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// Standard output of a command that must end with 0.
    ///
    /// # Errors
    /// It ended otherwise.
    pub fn ok(&self) -> Result<&str> {
        self.code_is(0)
    }

    /// Standard output of a command that must end with the code.
    ///
    /// # Errors
    /// It ended otherwise.
    pub fn code_is(&self, code: i32) -> Result<&str> {
        if self.code != code {
            bail!("expected exit code {code}: {self}");
        }
        Ok(&self.stdout)
    }

    /// Fails unless the command ended with the code and its message on standard error holds every part.
    ///
    /// # Errors
    /// Otherwise.
    pub fn refused(&self, code: i32, parts: &[&str]) -> Result<()> {
        self.code_is(code)?;
        for part in parts {
            if !self.stderr.contains(part) {
                bail!("the message does not hold `{part}`: {self}");
            }
        }
        Ok(())
    }

    /// Standard output as JSON.
    ///
    /// # Errors
    /// The command failed, or printed something else.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(self.ok()?).with_context(|| format!("not JSON: {self}"))
    }

    /// The id of the plan that the text names: `Plan 0197…: 1 create`.
    ///
    /// # Errors
    /// It names none.
    pub fn plan(&self) -> Result<String> {
        let mut words = self.stdout.split_whitespace();
        while let Some(word) = words.next() {
            if word == "Plan" {
                let id = words.next().unwrap_or_default().trim_end_matches([':', ',', '.']);
                return Ok(id.to_owned());
            }
        }
        bail!("no plan is named: {self}")
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { command, code, stdout, stderr } = self;
        write!(formatter, "`{command}` ended with {code}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}

impl Host {
    /// Runs `headgate ARGUMENTS` against this host. How it ended is in the output, not an error.
    ///
    /// # Errors
    /// It could not be run, or did not end in time.
    pub fn cli(&self, arguments: &[&str]) -> Result<Output> {
        self.cli_with_input(arguments, "")
    }

    /// The same with something on standard input.
    ///
    /// # Errors
    /// As [`Host::cli`].
    pub fn cli_with_input(&self, arguments: &[&str], input: &str) -> Result<Output> {
        let mut command = Command::new(binary());
        command.args(arguments).env("HEADGATE_URL", self.url()?).env("HEADGATE_TOKEN", self.token()?);
        run(&mut command, arguments, input, DEADLINE)
    }

    /// Runs a command that needs no running host, with these variables and none that say where a host is.
    ///
    /// # Errors
    /// As [`Host::cli`].
    pub fn cli_locally(
        &self,
        arguments: &[&str],
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Output> {
        without_a_host(arguments, environment)
    }

    /// The same for a command that is expected to be cut off: whoever kills the host meanwhile decides its end.
    ///
    /// # Errors
    /// It could not be started.
    pub fn cli_in_background(&self, arguments: &[&str]) -> Result<Background> {
        let mut command = Command::new(binary());
        command.args(arguments).env("HEADGATE_URL", self.url()?).env("HEADGATE_TOKEN", self.token()?);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Background(command.spawn().context("start the command")?))
    }
}

/// Runs `headgate ARGUMENTS` in a folder, with nothing that says where a host is: for commands that need none.
///
/// # Errors
/// It could not be run, or did not end in time.
pub fn headgate(folder: &Path, arguments: &[&str], deadline: Duration) -> Result<Output> {
    let mut command = Command::new(binary());
    command.args(arguments).current_dir(folder);
    for variable in ["HEADGATE_URL", "HEADGATE_TOKEN", "HEADGATE_DATA", "HEADGATE_DATABASE_URL"] {
        command.env_remove(variable);
    }
    run(&mut command, arguments, "", deadline)
}

/// Runs a command where no host is, with these variables.
///
/// # Errors
/// As [`Host::cli`].
pub fn without_a_host(
    arguments: &[&str],
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Output> {
    let mut command = Command::new(binary());
    command.args(arguments).env_remove("HEADGATE_URL").env_remove("HEADGATE_TOKEN");
    command.env_remove("HEADGATE_DATA").env_remove("HEADGATE_DATABASE_URL").envs(environment);
    run(&mut command, arguments, "", DEADLINE)
}

/// A command that goes on by itself; killed when dropped.
#[derive(Debug)]
pub struct Background(std::process::Child);

impl Drop for Background {
    fn drop(&mut self) {
        // It has ended by itself where this fails.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn run(command: &mut Command, arguments: &[&str], input: &str, deadline: Duration) -> Result<Output> {
    // Files, not pipes: a pipe that nobody empties stops the command.
    let (stdout, stderr) = (tempfile::NamedTempFile::new()?, tempfile::NamedTempFile::new()?);
    command
        .stdin(backends::input(input)?)
        .stdout(File::create(stdout.path())?)
        .stderr(File::create(stderr.path())?);
    let mut child = command.spawn().with_context(|| format!("run {command:?}"))?;
    let shown = format!("headgate {}", arguments.join(" "));
    let ended = wait::until(&format!("`{shown}` ended"), deadline, String::new, || Ok(child.try_wait()?));
    if ended.is_err() {
        child.kill()?;
        child.wait()?;
    }
    let read = |file: &tempfile::NamedTempFile| {
        anyhow::Ok(String::from_utf8_lossy(&std::fs::read(file.path())?).into_owned())
    };
    let output = Output { command: shown, code: -1, stdout: read(&stdout)?, stderr: read(&stderr)? };
    match ended {
        Ok(status) => Ok(Output { code: status.code().unwrap_or(-1), ..output }),
        Err(error) => Err(error.context(output.to_string())),
    }
}
