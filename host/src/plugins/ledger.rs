//! What the running plugins want remembered and told. `boot` puts it into the store.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::Value;

use crate::domain::grant::GrantDecision;
use crate::domain::plugin::{HostVersion, Incident, PluginRecord};
use crate::domain::record::By;

/// What happened to a plugin, for the event log.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// `plugin.activated`, `plugin.refused`, …
    pub kind: &'static str,
    /// The kind, or the file where there is none.
    pub subject: String,
    /// As it was before, where that is told.
    pub before: Option<Value>,
    pub data: Value,
    pub by: By,
}

/// A version that this host serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    pub kind: String,
    pub digest: String,
    pub version: String,
}

/// Where it is kept. An error is one sentence for a person; the plugins go on without.
#[async_trait]
pub trait Ledger: Send + Sync {
    async fn records(&self) -> Result<Vec<PluginRecord>, String>;
    async fn save(&self, record: &PluginRecord, told: &Told) -> Result<(), String>;
    async fn tell(&self, told: &Told) -> Result<(), String>;
    async fn keep(&self, incident: &Incident) -> Result<(), String>;
    /// What was decided of grants, by this host and others.
    async fn decisions(&self) -> Result<Vec<GrantDecision>, String>;
    /// `false`: its revision is not the one after what is stored, and nothing was changed.
    async fn decide(&self, decision: &GrantDecision, told: &Told) -> Result<bool, String>;
    /// Says what this host serves, and gives what all that were heard of lately do, by kind.
    async fn meet(&self, served: &[Served]) -> Result<BTreeMap<String, Vec<HostVersion>>, String>;
}

/// Remembers nothing: for plugins that are only tried.
pub struct NoLedger;

#[async_trait]
impl Ledger for NoLedger {
    async fn records(&self) -> Result<Vec<PluginRecord>, String> {
        Ok(Vec::new())
    }

    async fn save(&self, _: &PluginRecord, _: &Told) -> Result<(), String> {
        Ok(())
    }

    async fn tell(&self, _: &Told) -> Result<(), String> {
        Ok(())
    }

    async fn keep(&self, _: &Incident) -> Result<(), String> {
        Ok(())
    }

    async fn decisions(&self) -> Result<Vec<GrantDecision>, String> {
        Ok(Vec::new())
    }

    async fn decide(&self, _: &GrantDecision, _: &Told) -> Result<bool, String> {
        Ok(true)
    }

    async fn meet(&self, _: &[Served]) -> Result<BTreeMap<String, Vec<HostVersion>>, String> {
        Ok(BTreeMap::new())
    }
}
