//! The key that seals secrets at rest, and sealing itself: ChaCha20-Poly1305 with a random nonce.
//!
//! Invariant: the key is in the key file and in memory, never in the database, a log, an error or `Debug`.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

/// Bytes of a key: what ChaCha20-Poly1305 takes.
const KEY_LEN: usize = 32;

/// Seals the secrets. Cheap to clone; its memory is wiped with the last one.
#[derive(Clone)]
pub struct SealingKey(Arc<Zeroizing<[u8; KEY_LEN]>>);

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("cannot {action} the sealing key `{}`", path.display())]
    File { action: &'static str, path: PathBuf, source: io::Error },
    #[error("`{}` is no sealing key: it must hold 32 bytes, or the base64 text of them", path.display())]
    Malformed { path: PathBuf },
    #[error("the system gave no random bytes for a sealing key")]
    Random,
    #[error("a value could not be sealed")]
    Seal,
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey")
    }
}

impl PartialEq for SealingKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_slice() == other.0.as_slice()
    }
}

impl Eq for SealingKey {}

impl SealingKey {
    /// The key of the file; where there is no file, a new key and the file with mode 0600.
    pub fn load_or_create(path: &Path) -> Result<Self, KeyError> {
        match Self::load(path) {
            Err(KeyError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                let key = Self::generate()?;
                key.write_new(path)?;
                Ok(key)
            }
            found => found,
        }
    }

    /// The key of a file that must be there.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::File { action: "read", path: path.to_owned(), source };
        let bytes = Zeroizing::new(fs::read(path).map_err(failed)?);
        let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            tracing::warn!(path = %path.display(), "others may read the sealing key; run chmod 600 on it");
        }
        Self::parse(&bytes).ok_or_else(|| KeyError::Malformed { path: path.to_owned() })
    }

    pub fn generate() -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new([0; KEY_LEN]);
        SystemRandom::new().fill(bytes.as_mut()).map_err(|_unspecified| KeyError::Random)?;
        Ok(Self(Arc::new(bytes)))
    }

    /// 32 raw bytes, or the base64 text of them.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let decoded = match <[u8; KEY_LEN]>::try_from(bytes) {
            Ok(raw) => return Some(Self(Arc::new(Zeroizing::new(raw)))),
            Err(_not_raw) => Zeroizing::new(STANDARD.decode(bytes.trim_ascii()).ok()?),
        };
        let raw = <[u8; KEY_LEN]>::try_from(decoded.as_slice()).ok()?;
        Some(Self(Arc::new(Zeroizing::new(raw))))
    }

    pub(super) fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.0.as_slice()))
    }

    /// Under a temporary name first: a key file is whole or not there.
    pub(super) fn write_new(&self, path: &Path) -> Result<(), KeyError> {
        let failed = |source| KeyError::File { action: "write", path: path.to_owned(), source };
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".new");
        match fs::remove_file(&temporary) {
            // Left behind by a process that was killed.
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)
            .map_err(failed)?;
        file.write_all(self.to_base64().as_bytes()).map_err(failed)?;
        file.write_all(b"\n").map_err(failed)?;
        file.sync_all().map_err(failed)?;
        fs::rename(&temporary, path).map_err(failed)?;
        // The name too must survive a power cut: a lost key cannot be had again.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        fs::File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all()).map_err(failed)
    }

    /// Nonce and sealed bytes. `context` must be given again to open it: a sealed value is of no use elsewhere.
    pub(super) fn seal(&self, context: &str, plain: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_unspecified| KeyError::Random)?;
        let mut body = Zeroizing::new(plain.to_vec());
        let tag = self
            .cipher()?
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(context.as_bytes()),
                body.as_mut(),
            )
            .map_err(|_unspecified| KeyError::Seal)?;
        Ok([&nonce, body.as_slice(), tag.as_ref()].concat())
    }

    /// `None`: sealed with another key, for another context, or damaged.
    pub(super) fn open(&self, context: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut body = Zeroizing::new(body.to_vec());
        let length =
            self.cipher().ok()?.open_in_place(nonce, Aad::from(context.as_bytes()), &mut body).ok()?.len();
        body.truncate(length);
        Some(body)
    }

    fn cipher(&self) -> Result<LessSafeKey, KeyError> {
        let key =
            UnboundKey::new(&CHACHA20_POLY1305, self.0.as_slice()).map_err(|_unspecified| KeyError::Seal)?;
        Ok(LessSafeKey::new(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_opens_with_its_key_and_context_alone() {
        let key = SealingKey::generate().unwrap();
        let sealed = key.seal("cluster/password", b"swordfish").unwrap();
        assert_eq!(key.open("cluster/password", &sealed).unwrap().as_slice(), b"swordfish");
        assert!(key.open("other/password", &sealed).is_none());
        assert!(SealingKey::generate().unwrap().open("cluster/password", &sealed).is_none());
        assert!(key.open("cluster/password", &sealed[..8]).is_none());
        assert_ne!(key.seal("cluster/password", b"swordfish").unwrap(), sealed, "the nonce must differ");
        assert!(!sealed.windows(9).any(|window| window == b"swordfish"));
    }

    #[test]
    fn a_key_file_is_made_once_private_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let key = SealingKey::load_or_create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(SealingKey::load_or_create(&path).unwrap(), key);
        assert_eq!(format!("{key:?}"), "SealingKey");
        fs::write(&path, [7; 32]).unwrap();
        assert_eq!(SealingKey::load(&path).unwrap().to_base64().as_str(), STANDARD.encode([7; 32]));
        fs::write(&path, "short").unwrap();
        let refused = SealingKey::load_or_create(&path).unwrap_err().to_string();
        assert!(refused.contains("is no sealing key"), "{refused}");
    }
}
