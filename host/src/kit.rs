//! What an author of plugins needs, inside the binary: projects are made, built and looked into without a checkout of the
//! tree, without a running host and without a cluster.

pub mod bench;
pub mod build;
pub mod changes;
mod failure;
pub mod language;
pub mod local_host;
pub mod project;
pub mod report;
mod sources;
mod tools;
pub mod wit;

pub use failure::KitError;

pub use crate::plugins::limits::COMPONENT_BYTES_MAX;

use ring::digest;

/// Lower-case hexadecimal SHA-256: what a plugin is known by.
pub fn digest_of(bytes: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
