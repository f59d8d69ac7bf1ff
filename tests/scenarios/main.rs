//! Scenarios: stories across processes, with real brokers, both databases and the real binary.
//!
//! Each is told by the command line as a person would use it, and judged by the backends' own tools.

mod access;
mod backends;
mod clusters;
mod conformance;
mod database;
mod deletes;
mod documents;
mod doors;
mod drift;
mod etcd;
mod flink;
mod grants;
mod input;
mod kafka_admin;
mod kafka_operations;
mod kills;
mod kit;
mod nacos;
mod oldest;
mod other_types;
mod ownership;
mod plugins;
mod records;
mod redis;
mod rocketmq;
mod rocketmq_admin;
mod secure;
mod standby;
mod state;
mod topics;
mod undo;
mod versions;
mod zookeeper;
