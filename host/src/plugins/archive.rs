//! Versions that served, kept by digest below the data folder: a rollback works though the operator's file is
//! overwritten. Blocking.
//!
//! Invariant: what is read back has the digest that it is asked for, or is not there.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::files;
use super::watch::files::digest_of;

pub(super) struct Archive {
    folder: PathBuf,
}

impl Archive {
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        files::open_folder(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }

    fn file(&self, digest: &str) -> PathBuf {
        self.folder.join(format!("{digest}.wasm"))
    }

    pub(super) fn keep(&self, digest: &str, bytes: &[u8]) -> io::Result<()> {
        let file = self.file(digest);
        if file.exists() {
            return Ok(());
        }
        files::write(&file, bytes)
    }

    pub(super) fn find(&self, digest: &str) -> Option<Vec<u8>> {
        let bytes = fs::read(self.file(digest)).ok()?;
        (digest_of(&bytes) == digest).then_some(bytes)
    }

    /// Removes all others.
    pub(super) fn prune(&self, kept: &BTreeSet<String>) -> io::Result<()> {
        files::keep_only(&self.folder, |name| kept.contains(name.strip_suffix(".wasm").unwrap_or(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_reads_back_and_what_was_changed_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::open(&folder.path().join("versions")).unwrap();
        let (one, two) = (digest_of(b"one"), digest_of(b"two"));
        archive.keep(&one, b"one").unwrap();
        archive.keep(&two, b"two").unwrap();
        assert_eq!(archive.find(&one).as_deref(), Some(&b"one"[..]));
        fs::write(archive.file(&two), b"tampered").unwrap();
        assert_eq!(archive.find(&two), None);
        archive.prune(&BTreeSet::from([one.clone()])).unwrap();
        assert!(archive.find(&one).is_some() && !archive.file(&two).exists());
    }
}
