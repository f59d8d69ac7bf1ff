//! What plugins failed at.

pub(crate) mod list;
