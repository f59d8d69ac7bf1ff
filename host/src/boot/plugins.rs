//! Starts the plugins, with the store behind their key-value space and their memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use super::Base;
use crate::clock::SharedClock;
use crate::domain::grant::GrantDecision;
use crate::domain::id::{ClusterId, DEFAULT_ORGANIZATION, EventId, OrganizationId};
use crate::domain::plugin::{HostVersion, Incident, PluginRecord};
use crate::domain::record::Change;
use crate::plugins::builtin::builtin;
use crate::plugins::ledger::{Ledger, Served, Told};
use crate::plugins::limits::{Limits, STATE_KEYS_MAX};
use crate::plugins::registry::{Options, Pace, Registry, StateStore};
use crate::reconcile::Reconciler;
use crate::store::{Event, Store, StoreError, Tx};
use crate::telemetry::Metrics;

/// Compiled plugins, below the data folder: never read from the operator's own folder.
const CACHE_FOLDER: &str = "cache";

/// Versions of plugins that served, below the data folder.
const VERSIONS_FOLDER: &str = "plugin-versions";

/// A host that was not heard of for so long is not there: three exchanges were missed.
const HEARD_MS: i64 = 60 * 1_000;

/// Clusters that are looked at at once when their plugin changes.
const AT_ONCE: usize = 8;

/// `follows`: this host stands by, and the records are the active one's to write.
pub(super) async fn load(
    base: &Base,
    store: &Store,
    metrics: &Metrics,
    follows: bool,
) -> anyhow::Result<Registry> {
    let Base { config, clock, .. } = base;
    let host = base.own.host.clone();
    let kept = Arc::new(Kept { store: store.clone(), clock: Arc::clone(clock), host, follows });
    Registry::start(Options {
        builtin: builtin(),
        directory: config.plugins.clone(),
        cache: config.data.join(CACHE_FOLDER),
        archive: config.data.join(VERSIONS_FOLDER),
        limits: Limits::default(),
        pace: Pace::default(),
        signatures: config.signatures.clone(),
        clock: Arc::clone(clock),
        state: Arc::<Kept>::clone(&kept),
        ledger: kept,
        follows,
        metrics: metrics.register(crate::plugins::metrics::Metrics::register),
    })
    .await
}

/// Looks at the clusters of a kind when another version of it serves, or none: their state is not left for the next cycle.
pub(super) fn follow(
    mut changes: broadcast::Receiver<String>,
    store: Store,
    reconciler: Reconciler,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            match changes.recv().await {
                Ok(kind) => look_at(&kind, &store, &reconciler).await,
                // What was missed is seen by the next cycles.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    })
}

async fn look_at(kind: &str, store: &Store, reconciler: &Reconciler) {
    let clusters = match store.all_clusters().await {
        Ok(clusters) => clusters,
        Err(error) => return tracing::error!(%error, "the clusters could not be read"),
    };
    let of_kind = clusters.into_iter().filter(|cluster| cluster.kind == kind && !cluster.paused);
    stream::iter(of_kind)
        .for_each_concurrent(AT_ONCE, async |cluster| {
            if let Err(error) = reconciler.sweep_now(&cluster.id).await {
                tracing::debug!(cluster = cluster.name, %error, "the cluster is looked at later");
            }
        })
        .await;
}

/// The plugins' key-value space and their memory, in the store.
struct Kept {
    store: Store,
    clock: SharedClock,
    host: String,
    /// What this host's plugins want remembered is said in its log alone.
    follows: bool,
}

#[async_trait]
impl StateStore for Kept {
    async fn get(&self, kind: &str, cluster: &ClusterId, key: &str) -> Result<Option<Vec<u8>>, String> {
        self.store.get_state(kind, cluster, key).await.map_err(|error| error.to_string())
    }

    async fn set(&self, kind: &str, cluster: &ClusterId, key: &str, value: Vec<u8>) -> Result<(), String> {
        let set = self.store.set_state(kind, cluster, key, &value, STATE_KEYS_MAX).await;
        match set.map_err(|error| error.to_string())? {
            true => Ok(()),
            false => {
                Err(format!("it has {STATE_KEYS_MAX} keys, the most that is allowed; delete some first"))
            }
        }
    }

    async fn delete(&self, kind: &str, cluster: &ClusterId, key: &str) -> Result<(), String> {
        self.store.delete_state(kind, cluster, key).await.map_err(|error| error.to_string())
    }
}

impl Kept {
    async fn insert(&self, tx: &mut Tx, told: &Told) -> Result<(), StoreError> {
        let event = Event {
            // Given by the store.
            id: EventId(String::new()),
            at_ms: self.clock.now_ms(),
            organization: OrganizationId(DEFAULT_ORGANIZATION.to_owned()),
            cluster: None,
            kind: told.kind.to_owned(),
            subject: told.subject.clone(),
            data: told.data.clone(),
            actor: told.by.actor.clone(),
        };
        if let Some(action) = action(told.kind) {
            let change = Change::new(action, told.subject.as_str()).after(told.data.clone());
            let change = Change { before: told.before.clone(), ..change };
            tx.keep(&event.organization, None, &told.by, std::slice::from_ref(&change)).await?;
        }
        tx.insert_event(&event).await.map(drop)
    }

    async fn save_with(&self, record: Option<&PluginRecord>, told: &Told) -> Result<(), StoreError> {
        if self.follows {
            return Ok(());
        }
        let mut tx = self.store.begin().await?;
        if let Some(record) = record {
            tx.save_plugin_record(record).await?;
        }
        self.insert(&mut tx, told).await?;
        tx.commit().await
    }

    async fn save_decision(&self, decision: &GrantDecision, told: &Told) -> Result<bool, StoreError> {
        let mut tx = self.store.begin().await?;
        if !tx.save_plugin_grant(decision).await? {
            return Ok(false);
        }
        self.insert(&mut tx, told).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn keep_incident(&self, incident: &Incident) -> Result<(), StoreError> {
        if self.follows {
            return Ok(());
        }
        let mut tx = self.store.begin().await?;
        tx.insert_plugin_incident(incident).await?;
        tx.commit().await
    }

    async fn exchange(&self, served: &[Served]) -> Result<Vec<(String, HostVersion)>, StoreError> {
        let now_ms = self.clock.now_ms();
        let own = served.iter().map(|served| {
            let Served { kind, digest, version } = served.clone();
            (kind, HostVersion { host: self.host.clone(), digest, version, seen_at_ms: now_ms })
        });
        let own: Vec<_> = own.collect();
        self.store.save_plugin_host(&self.host, &own).await?;
        self.store.list_plugin_hosts(now_ms - HEARD_MS).await
    }
}

/// What is kept as a record of a change; the rest is told as an event alone.
fn action(event: &str) -> Option<&'static str> {
    match event {
        "plugin.activated" => Some("plugin.activate"),
        "plugin.rolled-back" => Some("plugin.roll-back"),
        "plugin.disabled" => Some("plugin.disable"),
        "plugin.enabled" => Some("plugin.enable"),
        "plugin.removed" => Some("plugin.remove"),
        "plugin.installed" => Some("plugin.install"),
        "plugin.uninstalled" => Some("plugin.uninstall"),
        "plugin.granted" => Some("plugin.grant"),
        "plugin.signed" => Some("plugin.sign"),
        _ => None,
    }
}

#[async_trait]
impl Ledger for Kept {
    async fn records(&self) -> Result<Vec<PluginRecord>, String> {
        self.store.list_plugin_records().await.map_err(|error| error.to_string())
    }

    async fn save(&self, record: &PluginRecord, told: &Told) -> Result<(), String> {
        self.save_with(Some(record), told).await.map_err(|error| error.to_string())
    }

    async fn tell(&self, told: &Told) -> Result<(), String> {
        self.save_with(None, told).await.map_err(|error| error.to_string())
    }

    async fn keep(&self, incident: &Incident) -> Result<(), String> {
        self.keep_incident(incident).await.map_err(|error| error.to_string())
    }

    async fn decisions(&self) -> Result<Vec<GrantDecision>, String> {
        self.store.list_plugin_grants().await.map_err(|error| error.to_string())
    }

    async fn decide(&self, decision: &GrantDecision, told: &Told) -> Result<bool, String> {
        self.save_decision(decision, told).await.map_err(|error| error.to_string())
    }

    async fn meet(&self, served: &[Served]) -> Result<BTreeMap<String, Vec<HostVersion>>, String> {
        let mut by_kind: BTreeMap<String, Vec<HostVersion>> = BTreeMap::new();
        for (kind, version) in self.exchange(served).await.map_err(|error| error.to_string())? {
            by_kind.entry(kind).or_default().push(version);
        }
        Ok(by_kind)
    }
}
