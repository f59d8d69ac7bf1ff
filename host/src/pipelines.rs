//! The pipelines: what is done with the metadata of clusters, each decided by pure functions first.

pub mod sync;
