//! Detached Ed25519 signatures in the format of minisign: keys, signatures, and whether one fits a content.
//!
//! The format is of <https://jedisct1.github.io/minisign/>: two or four lines, base64, an id of eight bytes in each key and
//! signature. `ED` signs the `BLAKE2b` hash of the content, `Ed` the content itself. The trusted comment is signed together
//! with the signature.

mod secret;

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use blake2::{Blake2b512, Digest};
use ring::signature::{ED25519, UnparsedPublicKey};

pub use secret::{SecretKey, SecretKeyError};

/// Beside the file that is signed.
pub const SUFFIX: &str = ".minisig";

/// Of a signature file: four short lines. More is none.
pub const SIGNATURE_BYTES_MAX: usize = 16 * 1024;

const LEGACY: &[u8; 2] = b"Ed";
const PREHASHED: &[u8; 2] = b"ED";

const UNTRUSTED: &str = "untrusted comment: ";
const TRUSTED: &str = "trusted comment: ";

/// Tells keys apart; nothing depends on its being unique.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 8]);

#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    id: KeyId,
    key: [u8; 32],
}

/// A signature file that was read, and not held against anything yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    is_prehashed: bool,
    id: KeyId,
    signature: [u8; 64],
    comment: String,
    global: [u8; 64],
}

/// Whose signature fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    pub key: KeyId,
    /// Signed with the content.
    pub comment: String,
}

/// Why a text is no key or signature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    #[error("it has {0} lines in the place of {1}")]
    Lines(usize, usize),
    #[error("line {0} does not begin with `{1}`")]
    Comment(usize, &'static str),
    #[error("line {0} is no base64 of {1} bytes")]
    Base64(usize, usize),
    #[error("its algorithm is not Ed25519")]
    Algorithm,
    #[error("its trusted comment holds control characters")]
    Control,
}

/// Why a signature is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("a signature by the key {0}, which is none of these")]
    ForeignKey(KeyId),
    #[error("a signature by {0} that does not fit the content")]
    Content(KeyId),
    #[error("a signature by {0} whose trusted comment was changed")]
    Comment(KeyId),
}

impl fmt::Display for KeyId {
    /// As minisign writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", u64::from_le_bytes(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id)
    }
}

impl fmt::Display for PublicKey {
    /// The line that people copy.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode([&LEGACY[..], &self.id.0, &self.key].concat()))
    }
}

impl PublicKey {
    /// The file of two lines, or its second line alone.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        let (number, line) = match lines.as_slice() {
            [line] => (1, *line),
            [comment, line] => {
                starts(comment, 1, UNTRUSTED)?;
                (2, *line)
            }
            _ => return Err(FormatError::Lines(lines.len(), 2)),
        };
        let bytes: [u8; 42] = decode(line, number)?;
        let (algorithm, id, key) = (part::<2>(&bytes, 0), part(&bytes, 2), part(&bytes, 10));
        // Keys carry this name, whichever way they sign.
        if algorithm != *LEGACY {
            return Err(FormatError::Algorithm);
        }
        Ok(Self { id: KeyId(id), key })
    }

    pub fn id(&self) -> KeyId {
        self.id
    }

    pub fn file(&self) -> String {
        format!("{UNTRUSTED}minisign public key {}\n{self}\n", self.id)
    }
}

impl Signature {
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        let lines: Vec<&str> = text.lines().map(|line| line.trim_end_matches('\r')).collect();
        let [untrusted, signature, trusted, global] = lines.as_slice() else {
            return Err(FormatError::Lines(lines.len(), 4));
        };
        starts(untrusted, 1, UNTRUSTED)?;
        let comment = starts(trusted, 3, TRUSTED)?;
        if !is_plain(comment) {
            return Err(FormatError::Control);
        }
        let bytes: [u8; 74] = decode(signature, 2)?;
        let is_prehashed = match &part::<2>(&bytes, 0) {
            LEGACY => false,
            PREHASHED => true,
            _ => return Err(FormatError::Algorithm),
        };
        Ok(Self {
            is_prehashed,
            id: KeyId(part(&bytes, 2)),
            signature: part(&bytes, 10),
            comment: comment.to_owned(),
            global: decode(global, 4)?,
        })
    }

    pub fn verify(&self, keys: &[PublicKey], content: &[u8]) -> Result<Signer, Fault> {
        let signs = |key: &PublicKey, message: &[u8], signature: &[u8]| {
            UnparsedPublicKey::new(&ED25519, key.key).verify(message, signature).is_ok()
        };
        // Ids are chosen freely: two keys may have the same.
        let own: Vec<&PublicKey> = keys.iter().filter(|key| key.id == self.id).collect();
        if own.is_empty() {
            return Err(Fault::ForeignKey(self.id));
        }
        let hash = self.is_prehashed.then(|| Blake2b512::digest(content));
        let message = hash.as_deref().unwrap_or(content);
        let Some(key) = own.into_iter().find(|key| signs(key, message, &self.signature)) else {
            return Err(Fault::Content(self.id));
        };
        let whole = [&self.signature[..], self.comment.as_bytes()].concat();
        if !signs(key, &whole, &self.global) {
            return Err(Fault::Comment(self.id));
        }
        Ok(Signer { key: self.id, comment: self.comment.clone() })
    }
}

fn starts<'t>(line: &'t str, number: usize, with: &'static str) -> Result<&'t str, FormatError> {
    line.strip_prefix(with).ok_or(FormatError::Comment(number, with))
}

fn decode<const N: usize>(line: &str, number: usize) -> Result<[u8; N], FormatError> {
    let bytes = STANDARD.decode(line.trim()).unwrap_or_default();
    bytes.try_into().map_err(|_other| FormatError::Base64(number, N))
}

/// minisign itself writes tabs between the parts of its comment.
fn is_plain(comment: &str) -> bool {
    !comment.chars().any(|letter| letter.is_control() && letter != '\t')
}

/// Zeros where there are fewer bytes: the callers know that there are not.
fn part<const N: usize>(bytes: &[u8], from: usize) -> [u8; N] {
    let found = bytes.get(from..).and_then(|rest| rest.first_chunk::<N>());
    found.copied().unwrap_or([0; N])
}

#[cfg(test)]
mod tests;
