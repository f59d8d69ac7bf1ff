//! The metadata types of a kind.

pub(crate) mod list;
