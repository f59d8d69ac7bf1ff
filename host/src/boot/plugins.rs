//! Loads the plugins, with the store behind their key-value space.

use std::sync::Arc;

use async_trait::async_trait;

use crate::clock::SharedClock;
use crate::config::ServeConfig;
use crate::domain::id::ClusterId;
use crate::plugins::builtin::builtin;
use crate::plugins::limits::Limits;
use crate::plugins::registry::{Options, Registry, StateStore};
use crate::store::Store;
use crate::telemetry::Metrics;

/// Compiled plugins, below the data folder: never read from the operator's own folder.
const CACHE_FOLDER: &str = "cache";

pub(super) async fn load(
    config: &ServeConfig,
    store: &Store,
    clock: &SharedClock,
    metrics: &Metrics,
) -> anyhow::Result<Registry> {
    let registry = Registry::start(Options {
        builtin: builtin(),
        directory: config.plugins.clone(),
        cache: config.data.join(CACHE_FOLDER),
        limits: Limits::default(),
        clock: Arc::clone(clock),
        state: Arc::new(Kept(store.clone())),
        metrics: metrics.register(crate::plugins::metrics::Metrics::register),
    })
    .await?;
    for refusal in registry.refusals() {
        tracing::error!(%refusal, "a plugin was not taken");
    }
    Ok(registry)
}

/// The plugins' key-value space, in the store.
struct Kept(Store);

#[async_trait]
impl StateStore for Kept {
    async fn get(&self, kind: &str, cluster: &ClusterId, key: &str) -> Result<Option<Vec<u8>>, String> {
        self.0.get_state(kind, cluster, key).await.map_err(|error| error.to_string())
    }

    async fn set(&self, kind: &str, cluster: &ClusterId, key: &str, value: Vec<u8>) -> Result<(), String> {
        self.0.set_state(kind, cluster, key, &value).await.map_err(|error| error.to_string())
    }

    async fn delete(&self, kind: &str, cluster: &ClusterId, key: &str) -> Result<(), String> {
        self.0.delete_state(kind, cluster, key).await.map_err(|error| error.to_string())
    }
}
