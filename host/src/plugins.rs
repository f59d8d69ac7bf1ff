//! The WebAssembly host: packages, the engine, limits, grants, sessions, and the one trait that the pipelines see.

pub mod builtin;
pub mod driver;
pub mod grants;
pub mod limits;
pub mod metrics;
mod operations;
pub mod refusal;
pub mod registry;

mod bindings;
mod cache;
mod convert;
mod describe;
mod engine;
#[cfg(test)]
mod fixture;
mod guest;
mod hex;
mod imports;
mod invoke;
mod linked;
mod package;
mod plugin;
mod session;
mod sessions;
#[cfg(test)]
mod stories;
