//! Runs the scripts of `tests/backends`.

use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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

/// A standard input that holds the text and then ends. A file, not a pipe: nobody has to feed it.
pub(crate) fn input(text: &str) -> Result<Stdio> {
    let mut file = tempfile::tempfile()?;
    file.write_all(text.as_bytes())?;
    file.seek(SeekFrom::Start(0))?;
    Ok(Stdio::from(file))
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
