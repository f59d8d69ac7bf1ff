//! Pipelines: each decides in pure functions, then does.

pub mod sync;
