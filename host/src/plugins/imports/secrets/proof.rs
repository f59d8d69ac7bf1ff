//! The arithmetic of proofs: HMAC, PBKDF2 and SCRAM (RFC 5802, RFC 7677) over ring.

use std::num::NonZeroU32;

use ring::{digest, hmac, pbkdf2};
use zeroize::Zeroizing;

use crate::plugins::bindings::headgate::host::secrets::{Hash, ScramProof};

struct Algorithms {
    digest: &'static digest::Algorithm,
    hmac: hmac::Algorithm,
    pbkdf2: pbkdf2::Algorithm,
}

fn algorithms(hash: Hash) -> Algorithms {
    match hash {
        Hash::Sha1 => Algorithms {
            digest: &digest::SHA1_FOR_LEGACY_USE_ONLY,
            hmac: hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            pbkdf2: pbkdf2::PBKDF2_HMAC_SHA1,
        },
        Hash::Sha256 => Algorithms {
            digest: &digest::SHA256,
            hmac: hmac::HMAC_SHA256,
            pbkdf2: pbkdf2::PBKDF2_HMAC_SHA256,
        },
        Hash::Sha512 => Algorithms {
            digest: &digest::SHA512,
            hmac: hmac::HMAC_SHA512,
            pbkdf2: pbkdf2::PBKDF2_HMAC_SHA512,
        },
    }
}

pub(super) fn hmac(hash: Hash, key: &[u8], data: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(algorithms(hash).hmac, key), data).as_ref().to_vec()
}

pub(super) fn digest(hash: Hash, parts: &[&[u8]]) -> Vec<u8> {
    let mut context = digest::Context::new(algorithms(hash).digest);
    parts.iter().for_each(|part| context.update(part));
    context.finish().as_ref().to_vec()
}

/// PBKDF2 with an output of the hash's own length: SCRAM's `SaltedPassword`.
pub(super) fn salted(hash: Hash, password: &[u8], salt: &[u8], rounds: u32) -> Zeroizing<Vec<u8>> {
    let algorithms = algorithms(hash);
    let mut salted = Zeroizing::new(vec![0; algorithms.digest.output_len()]);
    // The caller has checked the range; one round is what zero means.
    let rounds = NonZeroU32::new(rounds).unwrap_or(NonZeroU32::MIN);
    pbkdf2::derive(algorithms.pbkdf2, rounds, salt, password, &mut salted);
    salted
}

/// The client's proof and the signature that the server must show.
pub(super) fn scram(hash: Hash, salted: &[u8], auth_message: &[u8]) -> ScramProof {
    let client_key = Zeroizing::new(hmac(hash, salted, b"Client Key"));
    let stored_key = Zeroizing::new(digest(hash, &[&client_key]));
    let client_signature = hmac(hash, &stored_key, auth_message);
    let client_proof = client_key.iter().zip(client_signature).map(|(key, sign)| key ^ sign).collect();
    let server_key = Zeroizing::new(hmac(hash, salted, b"Server Key"));
    ScramProof { client_proof, server_signature: hmac(hash, &server_key, auth_message) }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// RFC 7677, section 3: user `user`, password `pencil`.
    #[test]
    fn scram_sha_256_gives_what_the_rfc_says() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let auth_message = "n=user,r=rOprNGfwEbeRWgbNEkqO,\
            r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
            c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let salted = salted(Hash::Sha256, b"pencil", &salt, 4096);
        let proof = scram(Hash::Sha256, &salted, auth_message.as_bytes());
        assert_eq!(STANDARD.encode(proof.client_proof), "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
        assert_eq!(STANDARD.encode(proof.server_signature), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    /// RFC 5802, section 5.
    #[test]
    fn scram_sha_1_gives_what_the_rfc_says() {
        let salt = STANDARD.decode("QSXCR+Q6sek8bf92").unwrap();
        let auth_message = "n=user,r=fyko+d2lbbFgONRv9qkxdawL,\
            r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096,\
            c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j";
        let salted = salted(Hash::Sha1, b"pencil", &salt, 4096);
        let proof = scram(Hash::Sha1, &salted, auth_message.as_bytes());
        assert_eq!(STANDARD.encode(proof.client_proof), "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=");
        assert_eq!(STANDARD.encode(proof.server_signature), "rmF9pqV8S7suAoZWja4dJRkFsKQ=");
    }
}
