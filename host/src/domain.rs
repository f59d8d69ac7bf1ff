//! Nouns, rules and state machines. No I/O, no clock, no async.

pub mod address;
pub mod cluster;
pub mod compare;
pub mod contract;
pub mod divergence;
pub mod error;
pub mod fields;
pub mod grant;
pub mod host;
pub mod id;
pub mod installation;
pub mod kind;
pub mod minisign;
pub mod operation;
pub mod place;
pub mod plan;
pub mod plugin;
pub mod policy;
pub mod record;
pub mod relation;
pub mod resource;
pub mod schema;
pub mod signature;
pub mod source;
pub mod status;
pub mod stream;
