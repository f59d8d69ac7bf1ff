//! The plugin directory as it lies there: names, stamps, contents. Blocking.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ring::digest;

use super::super::hex::hex;
use super::super::limits::COMPONENT_BYTES_MAX;
use super::super::refusal::{Refusal, Stage};
use super::life::Stamp;
use crate::domain::minisign::{SIGNATURE_BYTES_MAX, SUFFIX};
use crate::domain::signature::SignatureFile;

/// Files of one directory: each costs a look every few seconds. More are left out, and said to be.
const FILES_MAX: usize = 256;

/// One look.
#[derive(Debug)]
pub(in crate::plugins) struct Listing {
    /// By name.
    pub(in crate::plugins) files: BTreeMap<String, Stamp>,
    /// Of the operator's grants, where there are any.
    pub(in crate::plugins) grants: Option<Stamp>,
    /// Of the directory itself: another one means that it was replaced.
    pub(in crate::plugins) inode: u64,
    pub(in crate::plugins) left_out: usize,
}

pub(in crate::plugins) fn list(directory: &Path, grants: &str) -> io::Result<Listing> {
    let inode = fs::metadata(directory)?.ino();
    let mut listing = Listing { files: BTreeMap::new(), grants: None, inode, left_out: 0 };
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name == grants {
            listing.grants = Some(stamp(&path));
        }
        // Compiled code too: to say that it is refused. Hidden files are what copying programs write into first.
        let is_plugin = path.extension().is_some_and(|end| end == "wasm" || end == "cwasm");
        if !is_plugin || name.starts_with('.') {
            continue;
        }
        let signature = beside(&path);
        let stamp = match signature.symlink_metadata() {
            Ok(_) => Stamp::Signed(Box::new((stamp(&path), stamp(&signature)))),
            Err(_) => stamp(&path),
        };
        listing.files.insert(name, stamp);
    }
    while listing.files.len() > FILES_MAX {
        listing.files.pop_last();
        listing.left_out += 1;
    }
    Ok(listing)
}

fn stamp(path: &Path) -> Stamp {
    match fs::metadata(path) {
        Ok(found) if found.is_file() => {
            let modified = found.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
            let modified_ns = modified.map_or(0, |since| since.as_nanos());
            Stamp::File { bytes: found.len(), modified_ns, inode: found.ino() }
        }
        Ok(_) => Stamp::Unreadable("no plain file".to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Stamp::Unreadable("a link to nothing".to_owned())
        }
        Err(error) => Stamp::Unreadable(error.to_string()),
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(SUFFIX);
    PathBuf::from(name)
}

/// The signature beside a plugin. Never more of it than one may have.
pub(in crate::plugins) fn read_signature(path: &Path) -> SignatureFile {
    let path = beside(path);
    let most = SIGNATURE_BYTES_MAX as u64;
    let mut text = String::new();
    let read = match stamp(&path) {
        // A folder or a pipe would be waited for.
        Stamp::Unreadable(why) if path.symlink_metadata().is_ok() => return SignatureFile::Unreadable(why),
        Stamp::Unreadable(_) => return SignatureFile::Absent,
        Stamp::File { .. } | Stamp::Signed(_) => {
            fs::File::open(&path).and_then(|file| file.take(most + 1).read_to_string(&mut text))
        }
    };
    match read {
        Ok(_) if text.len() > SIGNATURE_BYTES_MAX => {
            SignatureFile::Unreadable(format!("it has more than {SIGNATURE_BYTES_MAX} bytes"))
        }
        Ok(_) => SignatureFile::Text(text),
        Err(error) => SignatureFile::Unreadable(error.to_string()),
    }
}

/// The content and its digest. Never more of it than a component may have.
pub(in crate::plugins) fn read(path: &Path, name: &str) -> Result<(Vec<u8>, String), Refusal> {
    if let Stamp::Unreadable(found) = stamp(path) {
        return Err(unreadable(name, found));
    }
    let most = COMPONENT_BYTES_MAX as u64;
    let mut bytes = Vec::new();
    let open = fs::File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes));
    open.map_err(|error| unreadable(name, error.to_string()))?;
    if bytes.len() > COMPONENT_BYTES_MAX {
        let size = fs::metadata(path).map_or(most, |found| found.len());
        let expected = format!("at most {COMPONENT_BYTES_MAX} bytes");
        let advice = "strip its debug information";
        return Err(Refusal::new(name, Stage::Verify, expected, format!("{size} bytes"), advice));
    }
    let digest = digest_of(&bytes);
    Ok((bytes, digest))
}

pub(in crate::plugins) fn digest_of(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn unreadable(name: &str, found: String) -> Refusal {
    Refusal::new(name, Stage::Read, "a file that can be read", found, "let this user read it, or remove it")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn plugins_are_listed_behind_links_and_other_files_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["a.wasm", "b.cwasm", "c.txt", ".d.wasm", "grants.yaml"] {
            fs::write(at(name), name).unwrap();
        }
        fs::create_dir(at("e.wasm")).unwrap();
        symlink(at("c.txt"), at("f.wasm")).unwrap();
        symlink(at("nothing"), at("g.wasm")).unwrap();
        let listing = list(folder.path(), "grants.yaml").unwrap();
        let names: Vec<_> = listing.files.keys().map(String::as_str).collect();
        assert_eq!(names, ["a.wasm", "b.cwasm", "e.wasm", "f.wasm", "g.wasm"]);
        assert!(matches!(listing.files["f.wasm"], Stamp::File { bytes: 5, .. }));
        assert!(matches!(&listing.files["g.wasm"], Stamp::Unreadable(why) if why == "a link to nothing"));
        assert!(listing.grants.is_some());
        let before = listing.files["f.wasm"].clone();
        fs::remove_file(at("f.wasm")).unwrap();
        symlink(at("a.wasm"), at("f.wasm")).unwrap();
        assert_ne!(list(folder.path(), "grants.yaml").unwrap().files["f.wasm"], before);
        assert!(read(&at("e.wasm"), "e.wasm").is_err_and(|refusal| refusal.stage == Stage::Read));
    }

    #[test]
    fn the_signature_beside_a_plugin_is_part_of_how_it_lies_there() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let now = || list(folder.path(), "grants.yaml").unwrap().files["a.wasm"].clone();
        fs::write(at("a.wasm"), "a").unwrap();
        let unsigned = now();
        assert_eq!(read_signature(&at("a.wasm")), SignatureFile::Absent);
        fs::write(at("a.wasm.minisig"), "text").unwrap();
        let signed = now();
        assert_ne!(signed, unsigned);
        assert_eq!(read_signature(&at("a.wasm")), SignatureFile::Text("text".to_owned()));
        fs::write(at("a.wasm.minisig"), vec![b'x'; SIGNATURE_BYTES_MAX + 1]).unwrap();
        assert_ne!(now(), signed);
        assert!(matches!(read_signature(&at("a.wasm")), SignatureFile::Unreadable(_)));
        fs::remove_file(at("a.wasm.minisig")).unwrap();
        symlink(at("nothing"), at("a.wasm.minisig")).unwrap();
        assert!(matches!(read_signature(&at("a.wasm")), SignatureFile::Unreadable(_)));
    }

    #[test]
    fn a_file_that_is_too_large_is_not_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("huge.wasm");
        fs::File::create(&path).unwrap().set_len(200 << 20).unwrap();
        let refusal = read(&path, "huge.wasm").unwrap_err();
        assert_eq!((refusal.stage, refusal.found.as_str()), (Stage::Verify, "209715200 bytes"));
    }
}
