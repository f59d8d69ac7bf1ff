//! The harness of the scenarios: real brokers, a real database and the real `headgate` binary, each a process of its own.
//!
//! It talks to Headgate only as its users do, through the command line and the API, and never links the host.
//! Invariant: whatever a test starts is gone when the test's process is gone, however it went.

mod backends;
mod database;
mod etcd;
mod flink;
mod guest;
mod host;
mod kafka;
mod nacos;
mod postgres;
mod redis;
mod rocketmq;
mod scratch;
mod wait;
mod zookeeper;

pub use database::Database;
pub use etcd::Etcd;
pub use flink::Flink;
pub use guest::{Behaviour, asking_guest, guest};
pub use host::cli::{Output, headgate, without_a_host};
pub use host::http::Answer;
pub use host::{Host, Options};
pub use kafka::judge::Topic;
pub use kafka::{Consumer, Kafka, Node};
pub use nacos::Nacos;
pub use postgres::Postgres;
pub use redis::Redis;
pub use rocketmq::{Queues, RocketMq};
pub use scratch::folder;
pub use wait::until;
pub use zookeeper::ZooKeeper;
