//! What an author of plugins needs, inside the binary: projects are made, built and looked into without a checkout of the
//! tree, without a running host and without a cluster.

pub mod build;
mod failure;
pub mod language;
pub mod project;
pub mod report;
mod sources;
mod tools;
pub mod wit;

pub use failure::KitError;
