//! One folder for all that this test process leaves on disk, and a list of the processes that must not outlive it.
//!
//! A watcher in a session of its own kills and deletes both when the test process is gone, also after `kill -9`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow};
use tempfile::TempDir;

use crate::backends;

/// Kills what is listed in the folder given as its first argument, then deletes the folder.
const SWEEP: &str = r#"for pid in "$0"/processes/*; do kill -9 "${pid##*/}"; done; rm -rf "$0""#;

static SCRATCH: OnceLock<std::result::Result<PathBuf, String>> = OnceLock::new();

/// A folder of its own inside this process's folder; deleted when dropped, or by the watcher.
///
/// # Errors
/// The disk refused.
pub fn folder(prefix: &str) -> Result<TempDir> {
    tempfile::Builder::new().prefix(prefix).tempdir_in(root()?).context("make a scratch folder")
}

/// The process is killed with this one until [`forget`] is called.
pub(crate) fn remember(pid: u32) -> Result<()> {
    fs::write(processes()?.join(pid.to_string()), "").context("list a started process")
}

/// The process has ended and its id may be another's soon.
pub(crate) fn forget(pid: u32) -> Result<()> {
    fs::remove_file(processes()?.join(pid.to_string())).context("take an ended process off the list")
}

fn processes() -> Result<PathBuf> {
    Ok(root()?.join("processes"))
}

fn root() -> Result<&'static Path> {
    // The error is kept as text: `anyhow::Error` cannot be cloned out of the cell.
    match SCRATCH.get_or_init(|| make_root().map_err(|error| format!("{error:#}"))) {
        Ok(root) => Ok(root),
        Err(text) => Err(anyhow!("{text}")),
    }
}

fn make_root() -> Result<PathBuf> {
    let root = tempfile::Builder::new().prefix("headgate-tests.").tempdir()?.keep();
    fs::create_dir(root.join("processes"))?;
    let own_session = Command::new("setsid")
        .arg(backends::script("watch.sh"))
        .arg(std::process::id().to_string())
        .arg(&root)
        .args(["bash", "-c", SWEEP])
        .arg(&root)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    own_session.context("start the watcher (setsid, bash)")?;
    Ok(root)
}
