//! Secrets of the native stand-in: kept in memory under the names that a test or a bench gives them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::num::NonZeroU32;

use ring::{digest, hmac, pbkdf2};

use crate::secrets::{Encoding, Hash, Piece, ScramProof};
use crate::{Error, Result};

/// More than any server asks for, and done in well under a second.
const ITERATIONS_MAX: u32 = 1_000_000;

thread_local! {
    static SECRETS: RefCell<HashMap<String, Vec<u8>>> = RefCell::default();
}

/// Gives this thread's plugins a secret.
pub fn set(name: &str, value: &[u8]) {
    SECRETS.with_borrow_mut(|secrets| drop(secrets.insert(name.to_owned(), value.to_owned())));
}

pub(crate) fn get(name: &str) -> Result<Secret> {
    let value = SECRETS.with_borrow(|secrets| secrets.get(name).cloned());
    value.map(Secret).ok_or_else(|| Error::not_found(format_args!("there is no secret {name}")))
}

pub(crate) struct Secret(Vec<u8>);

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret")
    }
}

impl Secret {
    pub(crate) fn length(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn bytes(&self, encoding: Encoding) -> Result<Vec<u8>> {
        match encoding {
            Encoding::Raw => Ok(self.0.clone()),
            Encoding::JsonString => {
                let text = std::str::from_utf8(&self.0)
                    .map_err(|_not_text| Error::invalid_argument("the secret is no UTF-8 text"))?;
                Ok(crate::json::Value::from(text).to_string().into_bytes())
            }
            Encoding::Base64 | Encoding::Url => {
                Err(Error::unsupported("natively a secret is sent raw or as a JSON string"))
            }
        }
    }

    /// RFC 2104.
    pub(crate) fn hmac(&self, hash: Hash, data: Vec<Piece<'_>>) -> Result<Vec<u8>> {
        let algorithm = match hash {
            Hash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Hash::Sha256 => hmac::HMAC_SHA256,
            Hash::Sha512 => hmac::HMAC_SHA512,
        };
        let mut context = hmac::Context::with_key(&hmac::Key::new(algorithm, &self.0));
        for piece in data {
            match piece {
                Piece::Bytes(bytes) => context.update(&bytes),
                Piece::Secret(secret, encoding) => context.update(&secret.handle().bytes(encoding)?),
            }
        }
        Ok(context.sign().as_ref().to_vec())
    }

    /// PBKDF2 (RFC 8018), as SCRAM salts a password.
    pub(crate) fn salted(&self, hash: Hash, salt: &[u8], iterations: u32) -> Result<Self> {
        let (_, digest, derive) = algorithms(hash)?;
        let iterations =
            NonZeroU32::new(iterations).filter(|count| count.get() <= ITERATIONS_MAX).ok_or_else(|| {
                Error::protocol(format_args!("{iterations} iterations are out of 1 to {ITERATIONS_MAX}"))
            })?;
        let mut salted = vec![0; digest.output_len()];
        pbkdf2::derive(derive, iterations, salt, &self.0, &mut salted);
        Ok(Self(salted))
    }

    /// RFC 5802, section 3.
    pub(crate) fn scram(
        &self,
        hash: Hash,
        salt: &[u8],
        iterations: u32,
        auth_message: &[u8],
    ) -> Result<ScramProof> {
        let (mac, digest, _) = algorithms(hash)?;
        let Self(salted) = self.salted(hash, salt, iterations)?;
        let sign = |key: &[u8], data: &[u8]| hmac::sign(&hmac::Key::new(mac, key), data).as_ref().to_vec();
        let client_key = sign(&salted, b"Client Key");
        let stored_key = digest::digest(digest, &client_key);
        let signature = sign(stored_key.as_ref(), auth_message);
        let client_proof = client_key.iter().zip(&signature).map(|(key, sign)| key ^ sign).collect();
        let server_signature = sign(&sign(&salted, b"Server Key"), auth_message);
        Ok(ScramProof { client_proof, server_signature })
    }
}

fn algorithms(hash: Hash) -> Result<(hmac::Algorithm, &'static digest::Algorithm, pbkdf2::Algorithm)> {
    match hash {
        Hash::Sha256 => Ok((hmac::HMAC_SHA256, &digest::SHA256, pbkdf2::PBKDF2_HMAC_SHA256)),
        Hash::Sha512 => Ok((hmac::HMAC_SHA512, &digest::SHA512, pbkdf2::PBKDF2_HMAC_SHA512)),
        Hash::Sha1 => Err(Error::unsupported("natively there is no SHA-1")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second case of RFC 2202, section 3.
    #[test]
    fn the_keyed_hash_is_that_of_the_standard() {
        set("key", b"Jefe");
        let pieces = [&b"what do ya want "[..], b"for nothing?"].map(|part| Piece::Bytes(part.to_vec()));
        let hash = get("key").unwrap().hmac(Hash::Sha1, pieces.into()).unwrap();
        assert_eq!((hash.len(), &hash[..4]), (20, &[0xef, 0xfc, 0xdf, 0x6a][..]));
    }

    /// The example of RFC 7677, section 3.
    #[test]
    fn the_proof_is_that_of_the_standard() {
        set("password", b"pencil");
        let salt =
            [0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e, 0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81];
        let message = "n=user,r=rOprNGfwEbeRWgbNEkqO,\
            r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
            c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let secret = get("password").unwrap();
        let proof = secret.scram(Hash::Sha256, &salt, 4096, message.as_bytes()).unwrap();
        // p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ= and v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=
        assert_eq!(proof.client_proof[..4], [0x74, 0x7c, 0xdb, 0x65]);
        assert_eq!(proof.server_signature[..4], [0xea, 0xba, 0xe2, 0x4d]);
        assert_eq!((proof.client_proof.len(), proof.server_signature.len()), (32, 32));
        assert_eq!(secret.salted(Hash::Sha512, &salt, 4096).unwrap().length(), 64);
        assert!(secret.salted(Hash::Sha256, &salt, 0).is_err());
    }
}
