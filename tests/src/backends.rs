//! Runs the scripts of `tests/backends`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The path of a script, given its name below `tests/backends`.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("backends").join(name)
}

/// A script whose servers end with this test process.
pub(crate) fn command(name: &str) -> Command {
    let mut command = Command::new(script(name));
    command.env("OWNER", std::process::id().to_string());
    command
}

/// What the command printed on standard output.
///
/// # Errors
/// It could not be run or did not end with 0; the error holds all that it printed.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("run {command:?}"))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?} ended with {}:\n{stdout}{stderr}", output.status);
    }
    Ok(stdout)
}
