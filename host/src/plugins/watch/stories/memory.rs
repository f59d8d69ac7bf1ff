//! What plugins want remembered, in memory: for stories.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;

use crate::domain::grant::GrantDecision;
use crate::domain::plugin::{HostVersion, Incident, PluginRecord};
use crate::plugins::ledger::{Ledger, Served, Told};

#[derive(Default)]
pub(super) struct Memory {
    pub(super) records: Mutex<BTreeMap<String, PluginRecord>>,
    pub(super) told: Mutex<Vec<&'static str>>,
    pub(super) incidents: Mutex<Vec<Incident>>,
    pub(super) others: Mutex<Vec<(String, HostVersion)>>,
    pub(super) decisions: Mutex<Vec<GrantDecision>>,
    /// Nothing is kept, as if the database were away.
    pub(super) is_broken: AtomicBool,
}

#[async_trait]
impl Ledger for Memory {
    async fn records(&self) -> Result<Vec<PluginRecord>, String> {
        Ok(self.records.lock().unwrap().values().cloned().collect())
    }
    async fn save(&self, record: &PluginRecord, told: &Told) -> Result<(), String> {
        self.records.lock().unwrap().insert(record.kind.clone(), record.clone());
        self.tell(told).await
    }
    async fn tell(&self, told: &Told) -> Result<(), String> {
        self.told.lock().unwrap().push(told.kind);
        Ok(())
    }
    async fn keep(&self, incident: &Incident) -> Result<(), String> {
        self.incidents.lock().unwrap().push(incident.clone());
        Ok(())
    }
    async fn decisions(&self) -> Result<Vec<GrantDecision>, String> {
        if self.is_broken.load(Ordering::Relaxed) {
            return Err("no database".to_owned());
        }
        Ok(self.decisions.lock().unwrap().clone())
    }
    async fn decide(&self, decision: &GrantDecision, told: &Told) -> Result<bool, String> {
        if self.is_broken.load(Ordering::Relaxed) {
            return Err("no database".to_owned());
        }
        let mut decisions = self.decisions.lock().unwrap();
        let stored = decisions.iter().find(|one| one.kind == decision.kind).map_or(0, |one| one.revision);
        if stored + 1 != decision.revision {
            return Ok(false);
        }
        decisions.retain(|one| one.kind != decision.kind);
        decisions.push(decision.clone());
        self.told.lock().unwrap().push(told.kind);
        Ok(true)
    }
    async fn meet(&self, served: &[Served]) -> Result<BTreeMap<String, Vec<HostVersion>>, String> {
        let own = served.iter().map(|own| {
            let Served { kind, digest, version } = own.clone();
            (kind, HostVersion { host: "here".to_owned(), digest, version, seen_at_ms: 0 })
        });
        let mut hosts: BTreeMap<String, Vec<HostVersion>> = BTreeMap::new();
        for (kind, version) in own.chain(self.others.lock().unwrap().clone()) {
            hosts.entry(kind).or_default().push(version);
        }
        Ok(hosts)
    }
}
