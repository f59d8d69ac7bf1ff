//! The WebAssembly host: packages, the engine, limits, grants, sessions, and the one trait that the pipelines see.

pub mod alone;
pub mod builtin;
pub mod driver;
pub mod grants;
pub mod ledger;
pub mod limits;
pub mod measure;
pub mod metrics;
mod operations;
pub mod refusal;
pub mod registry;
pub mod sections;
pub mod tape;
pub mod usage;

mod archive;
#[cfg(test)]
mod attacks;
mod bindings;
#[cfg(test)]
mod broken;
mod cache;
mod contract;
mod convert;
mod describe;
mod engine;
mod files;
#[cfg(test)]
pub(crate) mod fixture;
mod guest;
mod health;
mod hex;
mod imports;
mod install;
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
