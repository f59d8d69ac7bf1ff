//! Sync: metadata both ways between what people want and what the clusters hold.

pub mod plan;
