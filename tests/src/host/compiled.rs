//! Plugins as the first host of this process compiled them: every other one would take seconds of both cores.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context, Result, anyhow};

use super::samples::COMPILE_DEADLINE;
use super::{Host, Options};

/// The host's own, inside of its data folder.
const FOLDER: &str = "cache";

/// Puts them into the data folder of a host that was not started yet.
pub(super) fn give(data: &Path) -> Result<()> {
    static FIRST: OnceLock<Result<Host, String>> = OnceLock::new();
    // The error is kept as text: `anyhow::Error` cannot be cloned out of the cell.
    let first = FIRST.get_or_init(|| compile().map_err(|error| format!("{error:#}")));
    copy(first.as_ref().map_err(|text| anyhow!("{text}"))?, data)
}

/// The same with the components of these kinds, whose folder the options name.
pub(super) fn give_kinds(data: &Path, kinds: &[&str], options: &Options) -> Result<()> {
    static FIRST: Mutex<BTreeMap<String, Result<Host, String>>> = Mutex::new(BTreeMap::new());
    // Held while the first one compiles: the others wait for it, and do not fail one after the other.
    let mut compiled = FIRST.lock().unwrap_or_else(PoisonError::into_inner);
    let first = compiled
        .entry(kinds.join(" "))
        .or_insert_with(|| compile_kinds(kinds, options).map_err(|error| format!("{error:#}")));
    copy(first.as_ref().map_err(|text| anyhow!("{text}"))?, data)
}

fn compile_kinds(kinds: &[&str], options: &Options) -> Result<Host> {
    let mut host = Host::new(None, options.clone())?;
    give(&host.data())?;
    host.restart_within(COMPILE_DEADLINE)?;
    host.until_they_serve(kinds)?;
    host.kill()?;
    Ok(host)
}

fn copy(first: &Host, data: &Path) -> Result<()> {
    let folder = data.join(FOLDER);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    for entry in fs::read_dir(first.data().join(FOLDER))? {
        let from = entry?.path();
        let name = from.file_name().context("a file without a name")?;
        fs::copy(&from, folder.join(name)).with_context(|| format!("copy {}", from.display()))?;
    }
    Ok(())
}

/// A host on SQLite that listened once: what it compiled stays in its folder.
fn compile() -> Result<Host> {
    let mut host = Host::new(None, Options::default())?;
    host.restart()?;
    host.kill()?;
    Ok(host)
}
