//! The etcd plugin: members, users, roles, alarms and leases of an etcd cluster, over the JSON gateway that every member
//! has on its client port. It only reads.
//!
//! What decides (`manifest`, `types`) touches no network; what talks is `driver` and below it.

mod access;
mod alarms;
mod discover;
mod driver;
mod fields;
mod gateway;
mod leases;
mod manifest;
mod members;
mod refusals;
mod settings;
mod types;

pub use driver::Etcd;

headgate_sdk::export!(Etcd);
