//! The data folder: private, of one host at a time, with that host's name in it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

/// The name of this host among those on the same database, below the data folder. Whoever works in the folder locks it.
const HOST_FILE: &str = "host";

/// A host that is just being stopped leaves the folder within this.
const LOCK_WAIT: Duration = Duration::from_secs(5);

const LOCK_RETRY: Duration = Duration::from_millis(100);

pub(super) struct Folder {
    path: PathBuf,
    /// Locked once this host works in it.
    file: File,
    pub(super) host: String,
}

impl Folder {
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        make_private(path)?;
        let name = path.join(HOST_FILE);
        let opened = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&name);
        let mut file = opened.with_context(|| format!("cannot open {}", name.display()))?;
        let host = host_name(&mut file).with_context(|| format!("cannot use {}", name.display()))?;
        Ok(Self { path: path.to_owned(), file, host })
    }

    /// `false`: another host works in it.
    pub(super) fn try_lock(&self) -> anyhow::Result<bool> {
        match self.file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock the data folder {}", self.path.display()))
            }
        }
    }

    pub(super) async fn lock(&self) -> anyhow::Result<()> {
        let began = tokio::time::Instant::now();
        while !self.try_lock()? {
            if began.elapsed() > LOCK_WAIT {
                let folder = self.path.display();
                anyhow::bail!(
                    "another headgate works in the data folder {folder}; stop it first, or give this one its own `--data`"
                );
            }
            tokio::time::sleep(LOCK_RETRY).await;
        }
        Ok(())
    }
}

fn make_private(folder: &Path) -> anyhow::Result<()> {
    if !fs::exists(folder).unwrap_or_default() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .with_context(|| format!("cannot make the data folder {}", folder.display()))?;
    }
    Ok(())
}

/// The machine's name, and what tells two hosts on one machine apart: made once, kept in the file.
fn host_name(file: &mut File) -> std::io::Result<String> {
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    if let Some(name) = text.lines().next().map(str::trim).filter(|name| !name.is_empty()) {
        return Ok(name.to_owned());
    }
    let id = uuid::Uuid::new_v4().simple().to_string();
    let name = format!("{}-{}", machine(), id.get(..8).unwrap_or_default());
    writeln!(file, "{name}")?;
    Ok(name)
}

/// The name by which other machines may know this one.
pub(super) fn machine() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "host".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_keeps_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let name = Folder::open(folder.path()).unwrap().host;
        assert_eq!(Folder::open(folder.path()).unwrap().host, name);
        assert!(name.rsplit_once('-').is_some_and(|(_, id)| id.len() == 8), "{name}");
        fs::remove_file(folder.path().join(HOST_FILE)).unwrap();
        assert_ne!(Folder::open(folder.path()).unwrap().host, name);
    }

    #[test]
    fn one_host_at_a_time_works_in_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (Folder::open(folder.path()).unwrap(), Folder::open(folder.path()).unwrap());
        assert!(first.try_lock().unwrap());
        assert!(!second.try_lock().unwrap());
        drop(first);
        assert!(second.try_lock().unwrap());
    }
}
