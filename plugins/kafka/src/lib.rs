//! The Kafka plugin: topics, dynamic broker configuration, consumer groups, access rules, quotas, users, log directories and the
//! controllers' quorum of a Kafka cluster, over Kafka's own protocol, and what can be done with them beside editing.
//!
//! What decides (`manifest`, `types`, `strategy`) touches no network; what talks is `driver` and below it.

mod acls;
mod batch;
mod broker_configs;
mod cluster;
mod configs;
mod discover;
mod driver;
mod groups;
mod log_dirs;
mod log_offsets;
mod manifest;
mod operations;
mod quorum;
mod quotas;
mod registry;
mod settings;
mod strategy;
mod topic_keys;
mod topics;
mod types;
mod users;
mod wire;

pub use driver::Kafka;

headgate_sdk::export!(Kafka, operations);
