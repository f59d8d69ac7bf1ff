//! Secret keys: made, read, and what they sign. Nothing of them is ever printed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use blake2::digest::consts::U32;
use blake2::{Blake2b, Blake2b512, Digest};
use ring::signature::{Ed25519KeyPair, KeyPair};
use zeroize::Zeroizing;

use super::{
    FormatError, KeyId, LEGACY, PREHASHED, PublicKey, TRUSTED, UNTRUSTED, decode, is_plain, part, starts,
};

/// Algorithm, derivation, checksum, salt, limits; then id, seed, public key and checksum, which a password would cover.
const FILE_BYTES: usize = 158;
const COVERED: usize = 54;

const NO_PASSWORD: &[u8; 2] = &[0, 0];
const SCRYPT: &[u8; 2] = b"Sc";
const CHECKSUM: &[u8; 2] = b"B2";

pub struct SecretKey {
    id: KeyId,
    pair: Ed25519KeyPair,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretKeyError {
    #[error("it is no secret key of minisign: {0}")]
    Format(#[from] FormatError),
    #[error(
        "it is protected by a password, which is not asked for here; `minisign -C -W -s FILE` takes the password off, and `minisign -S` signs with it as it is"
    )]
    Password,
    #[error("its checksum is wrong: the file was changed")]
    Checksum,
    #[error("its two halves do not belong together")]
    Halves,
    #[error("a comment is one line of at most {0} bytes, without control characters")]
    Comment(usize),
}

/// Other tools refuse longer ones.
const COMMENT_BYTES_MAX: usize = 8_000;

impl SecretKey {
    /// From fresh random bytes, with the text of its file.
    pub fn make(
        seed: &Zeroizing<[u8; 32]>,
        id: [u8; 8],
    ) -> Result<(Self, Zeroizing<String>), SecretKeyError> {
        let pair =
            Ed25519KeyPair::from_seed_unchecked(&seed[..]).map_err(|_rejected| SecretKeyError::Halves)?;
        let mut file = Zeroizing::new(Vec::with_capacity(FILE_BYTES));
        for part in [&LEGACY[..], NO_PASSWORD, CHECKSUM, &[0; 48], &id, &seed[..], pair.public_key().as_ref()]
        {
            file.extend_from_slice(part);
        }
        let sum = checksum(&file);
        file.extend_from_slice(&sum);
        let key = Self { id: KeyId(id), pair };
        let line = Zeroizing::new(STANDARD.encode(&*file));
        let text = format!("{UNTRUSTED}minisign secret key {}\n{}\n", key.id, &*line);
        Ok((key, Zeroizing::new(text)))
    }

    pub fn parse(text: &str) -> Result<Self, SecretKeyError> {
        let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        let [comment, line] = lines.as_slice() else {
            return Err(FormatError::Lines(lines.len(), 2).into());
        };
        starts(comment, 1, UNTRUSTED)?;
        let file = Zeroizing::new(decode::<FILE_BYTES>(line, 2)?);
        if part::<2>(&*file, 0) != *LEGACY || part::<2>(&*file, 4) != *CHECKSUM {
            return Err(FormatError::Algorithm.into());
        }
        match &part::<2>(&*file, 2) {
            NO_PASSWORD => {}
            SCRYPT => return Err(SecretKeyError::Password),
            _ => return Err(FormatError::Algorithm.into()),
        }
        // minisign itself leaves the checksum of a key without a password at zero.
        let sum = part::<32>(&*file, FILE_BYTES - 32);
        if sum != [0; 32] && sum != checksum(&*file) {
            return Err(SecretKeyError::Checksum);
        }
        let (seed, public) =
            (Zeroizing::new(part::<32>(&*file, COVERED + 8)), part::<32>(&*file, COVERED + 40));
        let pair = Ed25519KeyPair::from_seed_and_public_key(&seed[..], &public)
            .map_err(|_rejected| SecretKeyError::Halves)?;
        Ok(Self { id: KeyId(part(&*file, COVERED)), pair })
    }

    pub fn public(&self) -> PublicKey {
        PublicKey { id: self.id, key: part(self.pair.public_key().as_ref(), 0) }
    }

    /// The signature's file. The comment is signed with the content.
    pub fn sign(&self, content: &[u8], comment: &str) -> Result<String, SecretKeyError> {
        if comment.len() > COMMENT_BYTES_MAX || !is_plain(comment) {
            return Err(SecretKeyError::Comment(COMMENT_BYTES_MAX));
        }
        let signature = self.pair.sign(&Blake2b512::digest(content));
        let global = self.pair.sign(&[signature.as_ref(), comment.as_bytes()].concat());
        let line = STANDARD.encode([&PREHASHED[..], &self.id.0, signature.as_ref()].concat());
        let global = STANDARD.encode(global.as_ref());
        Ok(format!(
            "{UNTRUSTED}signature by headgate, key {}\n{line}\n{TRUSTED}{comment}\n{global}\n",
            self.id
        ))
    }
}

/// Over the algorithm, the id and both halves.
fn checksum(file: &[u8]) -> [u8; 32] {
    let sum = Blake2b::<U32>::new().chain_update(LEGACY).chain_update(part::<72>(file, COVERED));
    sum.finalize().into()
}
