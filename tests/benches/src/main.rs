//! `make bench`: what Headgate takes against its peers and against the native path, each pair measured in one run.
//!
//! ```text
//! bench                      all of it, with its own Kafka; prints a table
//! bench list native|component BOOTSTRAP [brief | FIELD…]      one measured listing, as JSON: the bench's own child process
//! ```

mod host;
mod listing;
mod measure;
mod peers;
mod plugin;
mod table;

use std::process::Command;

use anyhow::{Context, Result, bail};
use headgate_tests::Kafka;

use crate::listing::{Listing, Work};
use crate::measure::{mean, median};
use crate::peers::Peer;
use crate::table::{Row, Table};

/// Of one partition each, as the peers' figures were taken.
const TOPICS: u32 = 10_000;
const WARMUP: usize = 10;
const ROUNDS: usize = 15;

/// The settings that people change most: what a steady cycle may ask for in place of all.
const STEADY_FIELDS: [&str; 4] = [
    "/config/retention.ms",
    "/config/retention.bytes",
    "/config/cleanup.policy",
    "/config/min.insync.replicas",
];

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => all(),
        ["list", how, bootstrap, fields @ ..] => list(how, bootstrap, fields),
        other => bail!("{other:?} is nothing to measure: see the head of this file"),
    }
}

fn list(how: &str, bootstrap: &str, fields: &[&str]) -> Result<()> {
    let work = Work {
        bootstrap: bootstrap.to_owned(),
        warmup: WARMUP,
        rounds: ROUNDS,
        brief: fields == ["brief"],
        fields: fields.iter().filter(|field| **field != "brief").map(|field| (*field).to_owned()).collect(),
    };
    let listing = match how {
        "native" => listing::native(&work)?,
        "component" => listing::component(&work)?,
        other => bail!("{other} is neither native nor component"),
    };
    serde_json::to_writer(std::io::stdout().lock(), &listing)?;
    Ok(())
}

fn all() -> Result<()> {
    say("starting Kafka and making the topics")?;
    let kafka = Kafka::nodes(1)?;
    let bootstrap = kafka.bootstrap()?.to_owned();
    peers::java_creates(&bootstrap, TOPICS, 1000, "bench-")?;
    let mut table = Table::new();
    for row in plugin::rows()? {
        table.add(&row)?;
    }
    let bare = listings(&bootstrap, &mut table)?;
    host::syncs(&kafka, &bare, &mut table)?;
    peers::java_deletes(&bootstrap, "bench-")?;
    host::applies(&mut table)?;
    host::starts(&mut table)?;
    Ok(())
}

/// What the bare listing takes, for what is measured against it.
pub(crate) struct Bare {
    pub(crate) wall_ms: f64,
    pub(crate) best_peer_memory_mb: f64,
}

fn listings(bootstrap: &str, table: &mut Table) -> Result<Bare> {
    say("listing all topics with all configurations: as a component, natively, by the peers")?;
    let component = child("component", bootstrap, &[])?;
    let native = child("native", bootstrap, &[])?;
    let again = child("component", bootstrap, &[])?;
    let steady = child("component", bootstrap, &STEADY_FIELDS)?;
    let brief = child("component", bootstrap, &["brief"])?;
    let folder = tempfile::tempdir()?;
    let mut peers = vec![peers::java_lists(bootstrap)?];
    peers.extend(peers::go_lists(bootstrap, folder.path())?);

    let ours = Figures::of(&[component, again])?;
    let native = Figures::of(&[native])?;
    let what = "list 10,000 topics, all configurations: CPU";
    table.add(&Row::ratio(what, "ms", ours.cpu_ms, ("native", native.cpu_ms), Some(1.10)))?;
    for peer in &peers {
        table.add(&Row::ratio("  CPU", "ms", ours.cpu_ms, (peer.name, peer.cpu_ms), Some(0.35)))?;
        table.add(&Row::ratio("  wall", "ms", ours.wall_ms, (peer.name, peer.wall_ms), None))?;
    }
    table.add(&Row::figure("  resident, this listing alone", "MB", ours.memory_mb, None))?;
    let steady = Figures::of(&[steady])?;
    table.add(&Row::ratio(
        "  the same, four settings: CPU",
        "ms",
        steady.cpu_ms,
        ("all settings", ours.cpu_ms),
        None,
    ))?;
    table.add(&Row::ratio(
        "  the same, four settings: wall",
        "ms",
        steady.wall_ms,
        ("all settings", ours.wall_ms),
        None,
    ))?;
    let brief = Figures::of(&[brief])?;
    table.add(&Row::ratio(
        "  the same, one Metadata answer: CPU",
        "ms",
        brief.cpu_ms,
        ("all settings", ours.cpu_ms),
        None,
    ))?;
    table.add(&Row::ratio(
        "  the same, one Metadata answer: wall",
        "ms",
        brief.wall_ms,
        ("all settings", ours.wall_ms),
        None,
    ))?;
    let least = |figure: fn(&Peer) -> f64| peers.iter().map(figure).fold(f64::INFINITY, f64::min);
    Ok(Bare { wall_ms: ours.wall_ms, best_peer_memory_mb: least(|peer| peer.memory_mb) })
}

/// Of all rounds of some listings: the median wall clock, the mean CPU (the kernel counts it in ticks), the peak of memory.
struct Figures {
    wall_ms: f64,
    cpu_ms: f64,
    memory_mb: f64,
}

impl Figures {
    fn of(listings: &[Listing]) -> Result<Self> {
        if let Some(short) = listings.iter().find(|listing| listing.topics < TOPICS as usize) {
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

fn child(how: &str, bootstrap: &str, fields: &[&str]) -> Result<Listing> {
    let output =
        Command::new(std::env::current_exe()?).args(["list", how, bootstrap]).args(fields).output()?;
    if !output.status.success() {
        bail!("list {how}: {}", String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).context("the child process printed something else")
}

/// What is measured now, beside the table.
pub(crate) fn say(line: &str) -> Result<()> {
    use std::io::Write;
    Ok(writeln!(std::io::stderr().lock(), "{line}")?)
}
