//! The whole host as a process: first and unchanged sync, plan and apply, start.

use std::fmt::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use headgate_tests::{Database, Host, Kafka, Options};
use serde_json::Value;

use crate::kafka::{Bare, TOPICS};
use crate::measure::{Sample, Start, median, memory_mb};
use crate::table::{Row, Table};
use crate::{peers, say};

/// Topics of one plan.
const APPLIED: u32 = 2_000;
const STARTS: usize = 7;
const FIRST_SYNC: Duration = Duration::from_secs(120);

/// First sync of 10,000 topics, and the next one, on both databases.
pub(crate) fn syncs(kafka: &Kafka, bare: &Bare, table: &mut Table) -> Result<()> {
    for name in ["sqlite", "postgres"] {
        say(&format!("first and unchanged sync on {name}"))?;
        let database = Database::named(name)?;
        let host = start(&database)?;
        let bootstrap = format!("bootstrap={}", kafka.bootstrap()?);
        // Registering wakes the reconciler, so the first sync is measured from here to its report.
        let start = Start::of(host.pid()?)?;
        host.cli(&["cluster", "add", "lab", "--kind", "kafka", "--set", &bootstrap])?.ok()?;
        host.until("the first sweep is complete", FIRST_SYNC, |host| topics_known(host, "lab"))?;
        let first = start.stop()?;
        let (_, seen) = sync(&host, "lab")?;
        if seen.seen < u64::from(TOPICS) {
            bail!("the first sync saw {} topics", seen.seen);
        }
        let what = format!("first sync of 10,000 topics, {name}: wall");
        table.add(&Row::ratio(&what, "ms", first.wall_ms, ("bare listing", bare.wall_ms), Some(2.0)))?;
        let (unchanged, seen) = sync(&host, "lab")?;
        table.add(&Row::figure(
            "  unchanged sync: resource rows written",
            "rows",
            rows_written(&seen),
            None,
        ))?;
        table.add(&Row::figure("  unchanged sync: CPU of the host", "ms", unchanged.cpu_ms, None))?;
        table.add(&Row::ratio(
            "  unchanged sync: wall",
            "ms",
            unchanged.wall_ms,
            ("bare listing", bare.wall_ms),
            None,
        ))?;
        let resident = memory_mb(host.pid()?)?.1;
        let best = ("best peer", bare.best_peer_memory_mb);
        table.add(&Row::ratio("  resident, the whole host, at most", "MB", resident, best, Some(1.0)))?;
    }
    Ok(())
}

/// A line for each request would be measured too.
pub(crate) fn start(database: &Database) -> Result<Host> {
    let environment = vec![("HEADGATE_LOG".to_owned(), "warn".to_owned())];
    Host::start_with(database, Options { environment, ..Options::default() })
}

pub(crate) fn topics_known(host: &Host, cluster: &str) -> Result<bool> {
    let shown = host.get(&format!("/api/v1/clusters/{cluster}"))?;
    let sweeps = shown.get("sweeps").and_then(Value::as_array);
    let is_complete = |sweep: &Value| sweep["type"] == "topic" && sweep["complete_at_ms"].is_number();
    Ok(sweeps.is_some_and(|sweeps| sweeps.iter().any(is_complete)))
}

/// What a cycle saw, and how many rows it wrote.
pub(crate) struct Seen {
    pub(crate) seen: u64,
    changed: u64,
}

#[expect(clippy::cast_precision_loss, reason = "thousands of rows")]
pub(crate) fn rows_written(seen: &Seen) -> f64 {
    seen.changed as f64
}

/// A whole cycle of that cluster, now.
pub(crate) fn sync(host: &Host, cluster: &str) -> Result<(Sample, Seen)> {
    let start = Start::of(host.pid()?)?;
    let answer = host.api("POST", &format!("/api/v1/clusters/{cluster}/sync"), None)?;
    let sample = start.stop()?;
    let report = answer.status_is(200)?;
    let types = report.get("types").and_then(Value::as_array).context("a report without types")?;
    let sum = |key: &str| types.iter().filter_map(|one| one.get(key)?.as_u64()).sum::<u64>();
    Ok((sample, Seen { seen: sum("seen"), changed: sum("new") + sum("changed") + sum("gone") }))
}

/// Plan, apply and read back 2,000 topics, against the Admin client's batches until all are listed.
pub(crate) fn applies(table: &mut Table) -> Result<()> {
    say("2,000 topics: plan, apply and read back, against the Admin client")?;
    let kafka = Kafka::nodes(1)?;
    let peer = peers::java_creates(kafka.bootstrap()?, APPLIED, 500, "peer-")?;
    peers::java_deletes(kafka.bootstrap()?, "peer-")?;
    let host = start(&Database::Sqlite)?;
    host.add_kafka("lab", &kafka)?;
    let mut documents = String::new();
    for number in 0..APPLIED {
        writeln!(
            documents,
            "---\ncluster: lab\ntype: topic\nname: ours-{number:06}\nspec: {{partitions: 1, replication_factor: 1}}"
        )?;
    }
    let file = host.file("topics.yaml", &documents)?;
    let start = Instant::now();
    host.cli(&["apply", "-f", &file, "--yes"])?.ok()?;
    let ours = start.elapsed().as_secs_f64() * 1e3;
    let listed = kafka.cli("topics", &["--list"])?.lines().filter(|line| line.starts_with("ours-")).count();
    if listed != APPLIED as usize {
        bail!("Kafka lists {listed} of {APPLIED} topics");
    }
    let what = "plan, apply, read back 2,000 topics: wall";
    table.add(&Row::ratio(what, "ms", ours, ("Java Admin", peer), Some(1.1)))?;
    Ok(())
}

/// From the start of the process to the first answer, with the cache warm, and what is resident then.
pub(crate) fn starts(table: &mut Table) -> Result<()> {
    say("starting the host")?;
    let mut host = start(&Database::Sqlite)?;
    let mut walls = Vec::new();
    for _ in 0..STARTS {
        host.kill()?;
        let start = Instant::now();
        host.restart()?;
        host.api("GET", "/api/v1/kinds", None)?.status_is(200)?;
        walls.push(start.elapsed().as_secs_f64() * 1e3);
    }
    table.add(&Row::figure("start to first answer, cache warm: wall", "ms", median(walls), Some(150.0)))?;
    table.add(&Row::figure("  resident then", "MB", memory_mb(host.pid()?)?.0, Some(60.0)))?;
    Ok(())
}
