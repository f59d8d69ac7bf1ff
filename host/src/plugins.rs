//! The WebAssembly host: packages, the engine, limits, grants, sessions, and the one trait that the pipelines see.

pub mod driver;
