//! The Kafka plugin as the host loads it: its size, how long it compiles, and how long it loads from the cache.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use async_trait::async_trait;
use headgate::clock::SystemClock;
use headgate::domain::address::AddressMap;
use headgate::domain::cluster::{Cluster, Reach};
use headgate::domain::id::{ClusterId, DEFAULT_ORGANIZATION, OrganizationId};
use headgate::domain::policy::Authority;
use headgate::domain::signature::SignatureRules;
use headgate::plugins::builtin::builtin;
use headgate::plugins::driver::Kinds;
use headgate::plugins::ledger::NoLedger;
use headgate::plugins::limits::Limits;
use headgate::plugins::metrics::Metrics;
use headgate::plugins::registry::{Options, Pace, Registry, StateStore};
use serde_json::{Value, json};

use crate::table::Row;

/// The built-in plugins as the host has them, compiled code kept in that folder.
pub(crate) async fn load(cache: &Path) -> Result<Registry> {
    Registry::start(options(cache)).await
}

/// Of a host that remembers nothing.
pub(crate) fn options(cache: &Path) -> Options {
    Options {
        builtin: builtin(),
        directory: None,
        signatures: SignatureRules::default(),
        cache: cache.to_owned(),
        archive: cache.join("versions"),
        limits: Limits::default(),
        pace: Pace::default(),
        clock: Arc::new(SystemClock),
        state: Arc::new(NoState),
        ledger: Arc::new(NoLedger),
        metrics: Metrics::register(&mut prometheus_client::registry::Registry::default()),
        follows: false,
    }
}

/// Its name is its id, too.
pub(crate) fn cluster(kind: &str, name: &str, connection: Value) -> Cluster {
    Cluster {
        id: ClusterId(name.to_owned()),
        organization: OrganizationId(DEFAULT_ORGANIZATION.to_owned()),
        name: name.to_owned(),
        kind: kind.to_owned(),
        connection,
        addresses: AddressMap::default(),
        named_nodes: Vec::new(),
        credential_revision: 1,
        authority: Authority::Observe,
        paused: false,
        identity: None,
        backend_version: None,
        facts: json!({}),
        discovered_at_ms: None,
        reach: Reach::New,
        created_at_ms: 0,
        updated_at_ms: 0,
        version: 0,
    }
}

pub(crate) fn rows() -> Result<Vec<Row>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let folder = tempfile::tempdir()?;
    let load = || -> Result<f64> {
        let start = Instant::now();
        let registry = runtime.block_on(load(folder.path()))?;
        registry.find("kafka").context("the Kafka plugin is not built in")?;
        Ok(start.elapsed().as_secs_f64() * 1e3)
    };
    let (compiled, cached) = (load()?, load()?);
    let kafka = builtin().into_iter().find(|(name, _)| *name == "kafka");
    let bytes = kafka.map_or(0, |(_, bytes)| bytes.len());
    #[expect(clippy::cast_precision_loss, reason = "a file's size")]
    let size = bytes as f64 / 1024.0;
    Ok(vec![
        Row::figure("kafka.wasm, with its names", "KiB", size, None),
        Row::figure("  engine, compile, describe", "ms", compiled, None),
        Row::figure("  the same from the cache", "ms", cached, None),
    ])
}

/// What is measured here keeps nothing.
struct NoState;

#[async_trait]
impl StateStore for NoState {
    async fn get(&self, _: &str, _: &ClusterId, _: &str) -> Result<Option<Vec<u8>>, String> {
        Ok(None)
    }

    async fn set(&self, _: &str, _: &ClusterId, _: &str, _: Vec<u8>) -> Result<(), String> {
        Err("nothing is kept here".to_owned())
    }

    async fn delete(&self, _: &str, _: &ClusterId, _: &str) -> Result<(), String> {
        Ok(())
    }
}
