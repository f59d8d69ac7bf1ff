//! The RocketMQ plugin: topics, consumer groups, users, access rules and configurations of a RocketMQ cluster, over its remoting protocol.
//!
//! What decides (`manifest`, `types`, `strategy`) touches no network; what talks is `driver` and below it.

mod access;
mod clients;
mod cluster;
mod copies;
mod discover;
mod driver;
mod fields;
mod groups;
mod known;
mod manifest;
mod node_configs;
mod settings;
mod strategy;
mod types;
mod wire;

pub use driver::RocketMq;

headgate_sdk::export!(RocketMq);
