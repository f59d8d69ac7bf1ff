//! RocketMQ: creating topics on two brokers and reading 32,000 configurations of them, against its own admin client.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use headgate::domain::place::Place;
use headgate::domain::resource::{Action, Outcome, ResourceKey, Write};
use headgate::plugins::driver::Driver;
use headgate_tests::{Database, RocketMq};
use serde_json::{Value, json};

use crate::host::{start, sync, topics_known};
use crate::listing::{self, Figures, Kind};
use crate::measure::{median, memory_mb};
use crate::peers::rocketmq::{self as java, Created, Creator};
use crate::table::{Row, Table};
use crate::{say, share};

/// On each of the two brokers.
const TOPICS: u32 = 16_000;
const READS: usize = 50;

/// Of one list, or one plan.
const CREATED: u32 = 2_000;
/// Alternating, so that both meet brokers with as many topics; the first of each is warm-up.
const CREATES: u32 = 4;

/// Writes of one call, as the host sends the steps of a plan.
const WRITES_PER_CALL: usize = 4_000;

const FIRST_SYNC: Duration = Duration::from_secs(120);

pub(crate) fn rows(table: &mut Table) -> Result<()> {
    say("starting RocketMQ with two brokers")?;
    let cluster = RocketMq::masters(2)?;
    creates(&cluster, table)?;
    // What is there by now counts: topics of the rounds above, on both.
    let there = share(CREATED)? * (2 * CREATES + 1);
    java::makes(cluster.name_servers()?, share(TOPICS)?.saturating_sub(there), "more-")?;
    reads(&cluster, table)
}

fn reads(cluster: &RocketMq, table: &mut Table) -> Result<()> {
    let (address, topics) = (cluster.name_servers()?, 2 * share(TOPICS)?);
    let least = usize::try_from(topics)?;
    say(&format!("reading {topics} topic configurations: as a component, natively, by Java"))?;
    let listed = |how: &str| -> Result<Figures> {
        Figures::of(&[listing::child(Kind::RocketMq, how, address, READS, &[])?], least)
    };
    let (ours, native, unchanged) = (listed("component")?, listed("native")?, listed("unchanged")?);
    let serial = java::reads(address, READS, 1, topics)?;
    let both = java::reads(address, READS, 2, topics)?;
    let resident = whole_host(address)?;
    let what = format!("read {topics} topic configurations: wall");
    table.add(&Row::ratio(&what, "ms", ours.wall_ms, (serial.name, serial.wall_ms), Some(0.8)))?;
    table.add(&Row::ratio("  wall", "ms", ours.wall_ms, (both.name, both.wall_ms), None))?;
    table.add(&Row::ratio("  CPU", "ms", ours.cpu_ms, (serial.name, serial.cpu_ms), Some(0.5)))?;
    table.add(&Row::ratio("  CPU", "ms", ours.cpu_ms, ("native", native.cpu_ms), None))?;
    table.add(&Row::ratio("  wall", "ms", ours.wall_ms, ("native", native.wall_ms), None))?;
    let peer = (serial.name, serial.wall_ms);
    table.add(&Row::ratio(
        "  as a cycle does while nothing changes: wall",
        "ms",
        unchanged.wall_ms,
        peer,
        None,
    ))?;
    let peer = (serial.name, serial.cpu_ms);
    table.add(&Row::ratio(
        "  as a cycle does while nothing changes: CPU",
        "ms",
        unchanged.cpu_ms,
        peer,
        None,
    ))?;
    let peer = (serial.name, serial.memory_mb);
    table.add(&Row::ratio("  resident, the whole host, at most", "MB", resident, peer, Some(0.25)))?;
    table.add(&Row::figure("  resident, this listing alone", "MB", ours.memory_mb, None))?;
    Ok(())
}

/// Megabytes at most, of a host that has compiled its plugins before, knows the cluster, and looks at all of it three times.
fn whole_host(address: &str) -> Result<f64> {
    let mut host = start(&Database::Sqlite)?;
    let set = format!("name_servers={address}");
    host.cli(&["cluster", "add", "mq", "--kind", "rocketmq", "--set", &set])?.ok()?;
    host.until("the first sweep is complete", FIRST_SYNC, |host| topics_known(host, "mq"))?;
    host.restart()?;
    for _ in 0..3 {
        sync(&host, "mq")?;
    }
    Ok(memory_mb(host.pid()?)?.1)
}

fn creates(cluster: &RocketMq, table: &mut Table) -> Result<()> {
    let (address, count) = (cluster.name_servers()?, share(CREATED)?);
    say(&format!(
        "creating {count} topics on both brokers, {CREATES} times: the plugin's writes, and Java's list"
    ))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let folder = tempfile::tempdir()?;
    let driver = runtime.block_on(listing::driver(Kind::RocketMq, address, folder.path()))?;
    let mut creator = Creator::start(address, count, 4, 0)?;
    let (mut ours, mut peers) = (Vec::new(), Vec::new());
    for round in 0..CREATES {
        let peer = creator.create(&format!("peer-{round}-"))?;
        let own = runtime.block_on(create(&driver, &format!("ours-{round}-"), count))?;
        if round > 0 {
            ours.push(own);
            peers.push(peer);
        }
    }
    let of = |figure: fn(&Created) -> f64| median(peers.iter().map(figure).collect());
    let (accepted, listed) = (of(|peer| peer.accepted_ms), of(|peer| peer.listed_ms));
    let what = format!("create {count} topics on both brokers: wall");
    table.add(&Row::ratio(&what, "ms", median(ours), ("Java list", accepted), Some(1.1)))?;
    let applied = apply(cluster, count)?;
    let what = "  the whole host: plan, apply, read back: wall";
    table.add(&Row::ratio(what, "ms", applied, ("Java list, read back", listed), None))?;
    Ok(())
}

/// Milliseconds until the last write was answered.
async fn create(driver: &Arc<dyn Driver>, prefix: &str, count: u32) -> Result<f64> {
    let write = |(number, group): (u32, &str)| Write {
        key: ResourceKey {
            metadata_type: "topic".to_owned(),
            id: format!("{prefix}{number:06}"),
            place: Place::Group(group.to_owned()),
        },
        action: Action::Create(json!({"read_queues": 4, "write_queues": 4})),
        revision: None,
        incarnation: None,
    };
    // In the order of a plan's steps: a topic's copies side by side.
    let copies = (0..count).flat_map(|number| ["broker-a", "broker-b"].map(|group| (number, group)));
    let writes: Vec<Write> = copies.map(write).collect();
    let start = Instant::now();
    for batch in writes.chunks(WRITES_PER_CALL) {
        let outcomes = driver.write(batch.to_vec(), false).await?;
        if let Some(other) = outcomes.iter().find(|outcome| !matches!(outcome, Outcome::Done(_))) {
            bail!("a topic was not created: {other:?}");
        }
    }
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

fn apply(cluster: &RocketMq, count: u32) -> Result<f64> {
    let host = start(&Database::Sqlite)?;
    let set = format!("name_servers={}", cluster.name_servers()?);
    host.cli(&["cluster", "add", "mq", "--kind", "rocketmq", "--set", &set])?.ok()?;
    host.cli(&["sync", "mq"])?.ok()?;
    let mut documents = String::new();
    for number in 0..count {
        writeln!(
            documents,
            "---\ncluster: mq\ntype: topic\nname: host-{number:06}\nspec: {{read_queues: 4, write_queues: 4}}"
        )?;
    }
    let file = host.file("topics.yaml", &documents)?;
    let start = Instant::now();
    host.cli(&["apply", "-f", &file, "--yes"])?.ok()?;
    let took = start.elapsed().as_secs_f64() * 1e3;
    for group in ["broker-a", "broker-b"] {
        let path = format!("/api/v1/clusters/mq/resources/topic/host-{:06}?at=group:{group}", count - 1);
        let last = host.get(&path)?;
        if last.get("status").and_then(Value::as_str) != Some("synced") {
            bail!("the last topic is not synced: {last}");
        }
    }
    Ok(took)
}
