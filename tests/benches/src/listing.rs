//! A whole listing of all topics, so often, in a process of its own: by the plugin's code natively, or as a component.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use headgate::domain::address::AddressMap;
use headgate::domain::cluster::{Cluster, Reach};
use headgate::domain::id::{ClusterId, DEFAULT_ORGANIZATION, OrganizationId};
use headgate::domain::place::Place;
use headgate::domain::policy::Authority;
use headgate::domain::resource::Query;
use headgate::plugins::driver::{Driver, Kinds, Secrets};
use headgate_kafka::Kafka;
use headgate_sdk::StorageDriver;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::measure::{Sample, Start, memory_mb};
use crate::plugin;

/// Rows a page, as the sweeps of the host ask.
const PAGE: u32 = 1000;

/// What a child process prints for its parent.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Listing {
    pub(crate) topics: usize,
    pub(crate) rounds: Vec<Sample>,
    pub(crate) memory_mb: f64,
}

/// So many rounds against that cluster; `fields` narrows what is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub(crate) bootstrap: String,
    pub(crate) warmup: usize,
    pub(crate) rounds: usize,
    pub(crate) brief: bool,
    pub(crate) fields: Vec<String>,
}

pub(crate) fn native(work: &Work) -> Result<Listing> {
    let target = headgate_sdk::Target {
        id: "bench".to_owned(),
        name: "bench".to_owned(),
        connection: json!({ "bootstrap": work.bootstrap }).to_string(),
        nodes: Vec::new(),
    };
    let mut kafka = Kafka::open(&target).map_err(|error| anyhow!(error.message))?;
    measured(work, || list_native(&mut kafka, work))
}

fn list_native(kafka: &mut Kafka, work: &Work) -> Result<usize> {
    let mut query = headgate_sdk::Query {
        metadata_type: "topic".to_owned(),
        place: headgate_sdk::Place::Cluster,
        brief: work.brief,
        fields: work.fields.clone(),
        since: None,
        cursor: None,
        limit: PAGE,
        extra: None,
    };
    let mut seen = 0;
    loop {
        let page = kafka.list_resources(&query).map_err(|error| anyhow!(error.message))?;
        // The pipelines take values: the host reads what a component told, so what the native code told is read too.
        let read = |one: &headgate_sdk::Resource| -> Result<(Value, Value)> {
            Ok((serde_json::from_str(&one.spec)?, serde_json::from_str(&one.status)?))
        };
        seen += page.resources.iter().map(read).collect::<Result<Vec<_>>>()?.len();
        query.cursor = page.next;
        if query.cursor.is_none() {
            return Ok(seen);
        }
    }
}

pub(crate) fn component(work: &Work) -> Result<Listing> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let folder = tempfile::tempdir()?;
    let driver = runtime.block_on(driver(&work.bootstrap, folder.path()))?;
    measured(work, || runtime.block_on(list(driver.as_ref(), work)))
}

async fn driver(bootstrap: &str, folder: &Path) -> Result<Arc<dyn Driver>> {
    let registry = plugin::load(folder).await?;
    let kind = registry.find("kafka").context("the Kafka plugin is not built in")?;
    Ok(kind.driver(&cluster(bootstrap), Secrets::default()).await?)
}

async fn list(driver: &dyn Driver, work: &Work) -> Result<usize> {
    let (mut seen, mut cursor) = (0, None);
    loop {
        let query = Query {
            metadata_type: "topic".to_owned(),
            place: Place::Cluster,
            brief: work.brief,
            fields: work.fields.clone(),
            since: None,
            cursor,
            limit: PAGE,
        };
        let page = driver.list(query).await?;
        seen += page.resources.len();
        cursor = page.next;
        if cursor.is_none() {
            return Ok(seen);
        }
    }
}

fn measured(work: &Work, mut list: impl FnMut() -> Result<usize>) -> Result<Listing> {
    let pid = std::process::id();
    let mut topics = 0;
    for _ in 0..work.warmup {
        topics = list()?;
    }
    let mut rounds = Vec::new();
    for _ in 0..work.rounds {
        let start = Start::of(pid)?;
        topics = list()?;
        rounds.push(start.stop()?);
    }
    Ok(Listing { topics, rounds, memory_mb: memory_mb(pid)?.1 })
}

fn cluster(bootstrap: &str) -> Cluster {
    Cluster {
        id: ClusterId("bench".to_owned()),
        organization: OrganizationId(DEFAULT_ORGANIZATION.to_owned()),
        name: "bench".to_owned(),
        kind: "kafka".to_owned(),
        connection: json!({ "bootstrap": bootstrap }),
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
