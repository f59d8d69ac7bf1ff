//! The Redis plugin, a sample that is not built in: servers, their configurations and their users, of a cluster or of single
//! servers with their replicas, over Redis' own protocol.
//!
//! What decides (`manifest`, `types`, `strategy`) touches no network; what talks is `driver` and below it.

mod configs;
mod discover;
mod driver;
mod info;
mod keyspaces;
mod link;
mod manifest;
mod members;
mod pages;
mod refusals;
mod resp;
mod servers;
mod settings;
mod strategy;
mod topology;
mod types;
mod users;
mod words;
mod writes;

pub use driver::Redis;

headgate_sdk::export!(Redis);
