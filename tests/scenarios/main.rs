//! Scenarios: stories across processes, with real brokers, both databases and the real binary.
//!
//! Each is told by the command line as a person would use it, and judged by Kafka's own tools.

mod access;
mod backends;
mod clusters;
mod deletes;
mod documents;
mod drift;
mod groups;
mod input;
mod kills;
mod ownership;
mod plugins;
mod secure;
mod state;
mod topics;
mod undo;
