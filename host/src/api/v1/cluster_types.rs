//! The metadata types of a cluster.

pub(crate) mod list;
