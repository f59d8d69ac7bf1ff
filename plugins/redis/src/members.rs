//! The servers that there are, as they were last told of: what is down now was there before.

use headgate_sdk::address::Address;
use headgate_sdk::{json, log, state};
use serde::{Deserialize, Serialize};

/// A cluster of which nobody answers tells nothing, and a master that is down has the same replicas.
const STATE_KEY: &str = "members";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member {
    /// A cluster's own id of its node; else the address.
    pub(crate) id: String,
    pub(crate) address: Address,
    /// As it was told last.
    pub(crate) is_master: bool,
    /// A master and its replicas.
    pub(crate) group: String,
    /// What the others think of it, where they say so: `fail`, or `fail?` where only some do.
    pub(crate) failed: Option<String>,
    /// Of the 16,384 of a cluster, those that are its own.
    pub(crate) slots: u32,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    pub(crate) is_cluster: bool,
    pub(crate) members: Vec<Member>,
}

pub(crate) fn restore() -> Known {
    let kept = state::get(STATE_KEY).unwrap_or_else(|error| {
        log::debug("servers are not remembered", &[("because", &error.message)]);
        None
    });
    kept.and_then(|kept| serde_json::from_slice(&kept).ok()).unwrap_or_default()
}

pub(crate) fn save(known: &Known) {
    if let Err(error) = state::set(STATE_KEY, json::text(known).as_bytes()) {
        log::debug("servers are not remembered", &[("because", &error.message)]);
    }
}
