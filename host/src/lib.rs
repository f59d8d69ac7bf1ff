//! Headgate's host: the control plane for messaging and data infrastructure.

pub mod clock;
pub mod domain;
pub mod pipelines;
pub mod plugins;
pub mod reconcile;
pub mod store;
