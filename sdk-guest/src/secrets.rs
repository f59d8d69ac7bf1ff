//! Credentials by handle: the bytes stay in the host, which makes the proofs that protocols ask for.

use crate::Result;
pub use crate::bindings::headgate::host::secrets::{Encoding, Hash, ScramProof, Tls};

#[cfg(target_arch = "wasm32")]
type Handle = crate::bindings::headgate::host::secrets::Secret;
#[cfg(not(target_arch = "wasm32"))]
type Handle = crate::native::secrets::Secret;

#[derive(Debug)]
pub struct Secret(Handle);

/// A part of what is sent. The host puts a secret's bytes in.
pub enum Piece<'a> {
    Bytes(Vec<u8>),
    Secret(&'a Secret, Encoding),
}

/// By its name: of the connection form's field (`password`), or of a spec's reference.
pub fn get(name: &str) -> Result<Secret> {
    #[cfg(target_arch = "wasm32")]
    return crate::bindings::headgate::host::secrets::get(name).map(Secret);
    #[cfg(not(target_arch = "wasm32"))]
    return crate::native::secrets::get(name).map(Secret);
}

impl Secret {
    /// Bytes of the secret, without its content.
    pub fn length(&self) -> u32 {
        self.0.length()
    }

    /// The keyed hash of the pieces put together, with this secret as the key (RFC 2104).
    pub fn hmac(&self, hash: Hash, data: Vec<Piece<'_>>) -> Result<Vec<u8>> {
        #[cfg(target_arch = "wasm32")]
        return Ok(self.0.hmac(hash, &crate::net::pieces(data)));
        #[cfg(not(target_arch = "wasm32"))]
        return self.0.hmac(hash, data);
    }

    /// PBKDF2's output, SCRAM's salted password: a handle too, as long as the hash's output.
    pub fn salted(&self, hash: Hash, salt: &[u8], iterations: u32) -> Result<Self> {
        self.0.salted(hash, salt, iterations).map(Self)
    }

    /// The client's proof and what the server must answer, for SCRAM's `auth_message` (RFC 5802).
    pub fn scram(&self, hash: Hash, salt: &[u8], iterations: u32, auth_message: &[u8]) -> Result<ScramProof> {
        self.0.scram(hash, salt, iterations, auth_message)
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.0
    }
}
