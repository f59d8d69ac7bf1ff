//! Kafka: listings of 10,000 topics against the native path and the peers, then the whole host.

use anyhow::Result;
use headgate_tests::Kafka;

use crate::listing::{Figures, Kind, Listing};
use crate::peers::Peer;
use crate::table::{Row, Table};
use crate::{host, listing, peers, plugin, say};

/// Of one partition each, as the peers' figures were taken.
pub(crate) const TOPICS: u32 = 10_000;
const ROUNDS: usize = 15;

/// The settings that people change most: what a steady cycle may ask for in place of all.
const STEADY_FIELDS: [&str; 4] = [
    "/config/retention.ms",
    "/config/retention.bytes",
    "/config/cleanup.policy",
    "/config/min.insync.replicas",
];

pub(crate) fn rows(table: &mut Table) -> Result<()> {
    say("starting Kafka and making the topics")?;
    let kafka = Kafka::nodes(1)?;
    let bootstrap = kafka.bootstrap()?.to_owned();
    peers::java_creates(&bootstrap, TOPICS, 1000, "bench-")?;
    for row in plugin::rows()? {
        table.add(&row)?;
    }
    let bare = listings(&bootstrap, table)?;
    host::syncs(&kafka, &bare, table)?;
    peers::java_deletes(&bootstrap, "bench-")?;
    host::applies(table)?;
    host::starts(table)
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

    let ours = Figures::of(&[component, again], TOPICS as usize)?;
    let native = Figures::of(&[native], TOPICS as usize)?;
    let what = "list 10,000 topics, all configurations: CPU";
    table.add(&Row::ratio(what, "ms", ours.cpu_ms, ("native", native.cpu_ms), Some(1.10)))?;
    for peer in &peers {
        table.add(&Row::ratio("  CPU", "ms", ours.cpu_ms, (peer.name, peer.cpu_ms), Some(0.35)))?;
        table.add(&Row::ratio("  wall", "ms", ours.wall_ms, (peer.name, peer.wall_ms), None))?;
    }
    table.add(&Row::figure("  resident, this listing alone", "MB", ours.memory_mb, None))?;
    let steady = Figures::of(&[steady], TOPICS as usize)?;
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
    let brief = Figures::of(&[brief], TOPICS as usize)?;
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

fn child(how: &str, bootstrap: &str, fields: &[&str]) -> Result<Listing> {
    listing::child(Kind::Kafka, how, bootstrap, ROUNDS, fields)
}
