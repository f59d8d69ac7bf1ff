//! Compiled plugins, kept between starts.
//!
//! Invariant: compiled code is machine code that the host runs. Only what this host wrote and signed with its own key is
//! loaded; anything else in the folder is compiled anew.

use std::collections::BTreeSet;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom, SystemRandom};
use ring::{digest, hmac};
use wasmtime::Engine;
use wasmtime::component::Component;

use super::files;
use super::hex::hex;

/// Of the key that signs.
const KEY_BYTES: usize = 32;

/// How names of compiled plugins end.
const COMPILED: &str = ".compiled";

pub(super) struct Cache {
    folder: PathBuf,
    key: hmac::Key,
    /// Of the engine: version, settings and CPU.
    compatibility: String,
}

/// Whether a component came out of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Cache,
    Compiler,
}

impl Cache {
    /// Makes the folder, private to this user, and the key where they are missing; drops what other engines compiled.
    pub(super) fn open(folder: &Path, engine: &Engine) -> io::Result<Self> {
        files::open_folder(folder)?;
        let key = load_key(&folder.join("key"))?;
        let mut hasher = Sha256(digest::Context::new(&digest::SHA256));
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let compatibility = hex(hasher.0.finish().as_ref()).chars().take(16).collect();
        let cache = Self { folder: folder.to_owned(), key, compatibility };
        cache.sweep()?;
        Ok(cache)
    }

    /// From the cache, else compiled and kept. Blocks: takes seconds for a large component.
    pub(super) fn load(
        &self,
        engine: &Engine,
        digest: &str,
        bytes: &[u8],
    ) -> wasmtime::Result<(Component, Source)> {
        let file = self.file(digest);
        if let Some(component) = self.find(engine, &file) {
            return Ok((component, Source::Cache));
        }
        let component = Component::from_binary(engine, bytes)?;
        crate::memory::give_back();
        if let Err(error) = self.save(&file, &component.serialize()?) {
            tracing::warn!(%error, file = %file.display(), "the compiled plugin cannot be kept: the next start is slower");
        }
        Ok((component, Source::Compiler))
    }

    fn file(&self, digest: &str) -> PathBuf {
        self.folder.join(format!("{digest}-{}{COMPILED}", self.compatibility))
    }

    fn find(&self, engine: &Engine, file: &Path) -> Option<Component> {
        let kept = fs::read(file).ok()?;
        let (tag, code) = kept.split_at_checked(digest::SHA256_OUTPUT_LEN)?;
        if hmac::verify(&self.key, &signed(file, code), tag).is_err() {
            tracing::warn!(file = %file.display(), "a compiled plugin was changed by somebody: compiling it anew");
            return None;
        }
        #[expect(
            unsafe_code,
            reason = "the bytes are what this host's compiler wrote: their signature was checked"
        )]
        let component = unsafe { Component::deserialize(engine, code) };
        component.inspect_err(|error| tracing::warn!(%error, "a compiled plugin cannot be loaded")).ok()
    }

    /// The signature in front: what two hosts write at once is one's or the other's, never a mix.
    fn save(&self, file: &Path, code: &[u8]) -> io::Result<()> {
        let tag = hmac::sign(&self.key, &signed(file, code));
        files::write(file, &[tag.as_ref(), code].concat())
    }

    /// Removes what was compiled from other components.
    pub(super) fn prune(&self, kept: &BTreeSet<String>) -> io::Result<()> {
        self.keep_only(|digest, _| kept.contains(digest))
    }

    fn sweep(&self) -> io::Result<()> {
        self.keep_only(|_, compatibility| compatibility == self.compatibility)
    }

    /// Of the compiled files, by digest and engine; the others that lie there are not ours.
    fn keep_only(&self, kept: impl Fn(&str, &str) -> bool) -> io::Result<()> {
        files::keep_only(&self.folder, |name| {
            let ours = name.strip_suffix(COMPILED).and_then(|stem| stem.split_once('-'));
            ours.is_none_or(|(digest, compatibility)| kept(digest, compatibility))
        })
    }
}

/// The name is signed with the code: one plugin's code cannot be put in another's place.
fn signed(file: &Path, code: &[u8]) -> Vec<u8> {
    let name = file.file_name().unwrap_or_default().as_encoded_bytes();
    [name, b"\0", code].concat()
}

struct Sha256(digest::Context);

impl Hasher for Sha256 {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

/// Hosts that start at once on one folder share the key of the first.
fn load_key(file: &Path) -> io::Result<hmac::Key> {
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => files::write_once(file, random_key()?)?,
        Err(error) => return Err(error),
    };
    if bytes.len() == KEY_BYTES {
        return Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes));
    }
    // A key of another length is none: what it signed is compiled anew.
    let bytes = random_key()?;
    files::write(file, &bytes)?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

fn random_key() -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; KEY_BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_unspecified| io::Error::other("no random bytes"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugins::engine::GuestEngine;
    use crate::plugins::fixture;

    #[test]
    fn compiled_code_is_kept_and_changed_code_is_compiled_anew() {
        let folder = tempfile::tempdir().unwrap();
        let engine = GuestEngine::start().unwrap();
        let bytes = fixture::plain();
        let load = || {
            let cache = Cache::open(folder.path(), engine.wasm()).unwrap();
            cache.load(engine.wasm(), "digest", &bytes).unwrap().1
        };
        assert_eq!([load(), load()], [Source::Compiler, Source::Cache]);
        let blob = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let blob =
            blob.into_iter().find(|path| path.extension().is_some_and(|end| end == "compiled")).unwrap();
        let mut code = fs::read(&blob).unwrap();
        let middle = code.len() / 2;
        code[middle] ^= 1;
        fs::write(&blob, code).unwrap();
        assert_eq!([load(), load()], [Source::Compiler, Source::Cache]);
    }

    #[test]
    fn what_is_not_needed_any_more_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let engine = GuestEngine::start().unwrap();
        let cache = Cache::open(folder.path(), engine.wasm()).unwrap();
        let source = |digest: &str| cache.load(engine.wasm(), digest, &fixture::plain()).unwrap().1;
        assert_eq!([source("a"), source("b")], [Source::Compiler; 2]);
        cache.prune(&BTreeSet::from(["b".to_owned()])).unwrap();
        assert_eq!([source("b"), source("a")], [Source::Cache, Source::Compiler]);
    }

    #[test]
    fn hosts_that_start_at_once_share_a_key_and_find_what_another_compiled() {
        let folder = tempfile::tempdir().unwrap();
        let engine = GuestEngine::start().unwrap();
        let bytes = fixture::plain();
        std::thread::scope(|scope| {
            for host in 0..8 {
                let (folder, engine, bytes) = (folder.path(), engine.wasm(), &bytes);
                scope.spawn(move || {
                    let cache = Cache::open(folder, engine).unwrap();
                    cache.load(engine, &format!("of{host}"), bytes).unwrap();
                    cache.prune(&(0..8).map(|other| format!("of{other}")).collect()).unwrap();
                });
            }
        });
        let cache = Cache::open(folder.path(), engine.wasm()).unwrap();
        for host in 0..8 {
            let source = cache.load(engine.wasm(), &format!("of{host}"), &bytes).unwrap().1;
            assert_eq!(source, Source::Cache);
        }
    }

    #[test]
    fn the_folder_and_its_files_are_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let engine = GuestEngine::start().unwrap();
        let cache = Cache::open(folder.path(), engine.wasm()).unwrap();
        cache.load(engine.wasm(), "digest", &fixture::plain()).unwrap();
        assert_eq!(fs::metadata(folder.path()).unwrap().permissions().mode() & 0o777, 0o700);
        for entry in fs::read_dir(folder.path()).unwrap() {
            assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
