//! Actions that can be run in a cluster.

pub(crate) mod list;
