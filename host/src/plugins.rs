//! The WebAssembly host: packages, the engine, limits, grants, sessions, and the one trait that the pipelines see.

pub mod builtin;
pub mod driver;
pub mod grants;
pub mod ledger;
pub mod limits;
pub mod metrics;
mod operations;
pub mod refusal;
pub mod registry;

mod archive;
#[cfg(test)]
mod attacks;
mod bindings;
#[cfg(test)]
mod broken;
mod cache;
mod convert;
mod describe;
mod engine;
#[cfg(test)]
mod fixture;
mod guest;
mod health;
mod hex;
mod imports;
mod invoke;
mod linked;
mod load;
mod package;
mod plugin;
mod quarantine;
mod serving;
mod session;
mod sessions;
mod smoke;
#[cfg(test)]
mod stories;
mod toolchain;
mod trial;
mod watch;
