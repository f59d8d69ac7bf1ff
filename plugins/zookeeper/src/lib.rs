//! The ZooKeeper plugin: servers, subtrees and quotas of a ZooKeeper ensemble, over its own protocol. It only reads.
//!
//! What decides (`manifest`, `types`) touches no network; what talks is `driver` and below it.

mod discover;
mod driver;
mod ensemble;
mod jute;
mod manifest;
mod members;
mod quotas;
mod settings;
mod types;
mod wire;
mod words;
mod znodes;

pub use driver::ZooKeeper;

headgate_sdk::export!(ZooKeeper);
