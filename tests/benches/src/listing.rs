//! A whole listing of all topics, so often, in a process of its own: by the plugin's code natively, or as a component.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use headgate::domain::place::Place;
use headgate::domain::resource::Query;
use headgate::plugins::driver::{Driver, Kinds, Secrets};
use headgate_kafka::Kafka;
use headgate_rocketmq::RocketMq;
use headgate_sdk::StorageDriver;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::measure::{Sample, Start, mean, median, memory_mb};
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

/// A kind that is measured, and how its connection form calls the address.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Kafka,
    RocketMq,
}

impl Kind {
    pub(crate) fn named(name: &str) -> Result<Self> {
        match name {
            "kafka" => Ok(Self::Kafka),
            "rocketmq" => Ok(Self::RocketMq),
            other => bail!("{other} is neither kafka nor rocketmq"),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::RocketMq => "rocketmq",
        }
    }

    pub(crate) fn connection(self, address: &str) -> Value {
        match self {
            Self::Kafka => json!({ "bootstrap": address }),
            Self::RocketMq => json!({ "name_servers": address }),
        }
    }
}

/// So many rounds against that cluster; `fields` narrows what is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub(crate) kind: Kind,
    pub(crate) address: String,
    pub(crate) warmup: usize,
    pub(crate) rounds: usize,
    pub(crate) brief: bool,
    pub(crate) fields: Vec<String>,
}

/// Of all rounds of some listings: the median wall clock, the mean CPU (the kernel counts it in ticks), the peak of memory.
pub(crate) struct Figures {
    pub(crate) wall_ms: f64,
    pub(crate) cpu_ms: f64,
    pub(crate) memory_mb: f64,
}

impl Figures {
    pub(crate) fn of(listings: &[Listing], least: usize) -> Result<Self> {
        if let Some(short) = listings.iter().find(|listing| listing.topics < least) {
            bail!("only {} topics were listed", short.topics);
        }
        let rounds: Vec<_> = listings.iter().flat_map(|listing| &listing.rounds).collect();
        Ok(Self {
            wall_ms: median(rounds.iter().map(|round| round.wall_ms).collect()),
            cpu_ms: mean(&rounds.iter().map(|round| round.cpu_ms).collect::<Vec<_>>()),
            memory_mb: listings.iter().map(|listing| listing.memory_mb).fold(0.0, f64::max),
        })
    }
}

/// One measured listing in a child process.
pub(crate) fn child(kind: Kind, how: &str, address: &str, rounds: usize, fields: &[&str]) -> Result<Listing> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["list", kind.name(), how, address, &rounds.to_string()]).args(fields);
    let output = command.output()?;
    if !output.status.success() {
        bail!("list {how}: {}", String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).context("the child process printed something else")
}

pub(crate) fn native(work: &Work) -> Result<Listing> {
    match work.kind {
        Kind::Kafka => native_of::<Kafka>(work),
        Kind::RocketMq => native_of::<RocketMq>(work),
    }
}

fn native_of<D: StorageDriver>(work: &Work) -> Result<Listing> {
    let target = headgate_sdk::Target {
        id: "bench".to_owned(),
        name: "bench".to_owned(),
        connection: work.kind.connection(&work.address).to_string(),
        nodes: Vec::new(),
    };
    let mut driver = D::open(&target).map_err(|error| anyhow!(error.message))?;
    measured(work, || list_native(&mut driver, work))
}

fn list_native(driver: &mut impl StorageDriver, work: &Work) -> Result<usize> {
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
        let page = driver.list_resources(&query).map_err(|error| anyhow!(error.message))?;
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
    let driver = runtime.block_on(driver(work.kind, &work.address, folder.path()))?;
    measured(work, || Ok(runtime.block_on(list(driver.as_ref(), work))?.seen))
}

/// The first listing whole; each after it says which state it knows, as the cycles of a host do.
pub(crate) fn unchanged(work: &Work) -> Result<Listing> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let folder = tempfile::tempdir()?;
    let driver = runtime.block_on(driver(work.kind, &work.address, folder.path()))?;
    let known = runtime.block_on(list(driver.as_ref(), work))?;
    let since = Some(known.version.context("the listing does not say which state it stands for")?);
    measured(work, || {
        let page = runtime.block_on(driver.list(Query { since: since.clone(), ..query(work, None) }))?;
        if page.version != since {
            bail!("the cluster changed while it was measured");
        }
        Ok(known.seen)
    })
}

/// The built-in plugin's way to that cluster, as the host has it.
pub(crate) async fn driver(kind: Kind, address: &str, folder: &Path) -> Result<Arc<dyn Driver>> {
    let registry = plugin::load(folder).await?;
    let found = registry.find(kind.name()).with_context(|| format!("{} is not built in", kind.name()))?;
    let cluster = plugin::cluster(kind.name(), "bench", kind.connection(address));
    Ok(found.driver(&cluster, Secrets::default()).await?)
}

/// Of one whole listing.
struct Told {
    seen: usize,
    version: Option<String>,
}

async fn list(driver: &dyn Driver, work: &Work) -> Result<Told> {
    let mut page = driver.list(query(work, None)).await?;
    let mut told = Told { seen: page.resources.len(), version: page.version };
    while let Some(cursor) = page.next {
        page = driver.list(query(work, Some(cursor))).await?;
        told.seen += page.resources.len();
    }
    Ok(told)
}

fn query(work: &Work, cursor: Option<String>) -> Query {
    Query {
        metadata_type: "topic".to_owned(),
        place: Place::Cluster,
        brief: work.brief,
        fields: work.fields.clone(),
        since: None,
        cursor,
        limit: PAGE,
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
