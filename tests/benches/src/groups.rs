//! RocketMQ with eight replica groups: what a cycle over 40,000 copies asks and writes, and how soon it is said which differ.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use headgate_tests::{Database, Host, RocketMq};
use serde_json::Value;

use crate::exposition::Exposition;
use crate::host::{rows_written, start, sync, topics_known};
use crate::measure::{Start, median, memory_mb};
use crate::peers::rocketmq::{self as java, Creator};
use crate::table::{Row, Table};
use crate::{say, share};

const GROUPS: u32 = 8;
/// On each of the groups.
const TOPICS: u32 = 5_000;
/// Topics whose copy on one group is another.
const DIFFERING: u32 = 50;
/// Rounds of a cycle, and of a query.
const ROUNDS: usize = 7;

/// Cycles by the timer, one every half a minute.
const TIMED: u32 = 3;

const FIRST_SYNC: Duration = Duration::from_secs(240);
const TIMED_CYCLES: Duration = Duration::from_secs(180);

pub(crate) fn rows(table: &mut Table) -> Result<()> {
    say("starting RocketMQ with eight brokers")?;
    let cluster = RocketMq::masters(GROUPS)?;
    let topics = share(TOPICS)?;
    java::makes(cluster.name_servers()?, topics, "wide-")?;
    let host = start(&Database::Sqlite)?;
    let set = format!("name_servers={}", cluster.name_servers()?);
    say("the first cycle, and unchanged ones")?;
    let began = Instant::now();
    host.cli(&["cluster", "add", "wide", "--kind", "rocketmq", "--set", &set])?.ok()?;
    host.until("the first sweep is complete", FIRST_SYNC, |host| topics_known(host, "wide"))?;
    let what = format!("cycle over {GROUPS} groups of {topics} topics: the first, wall");
    table.add(&Row::figure(&what, "ms", began.elapsed().as_secs_f64() * 1e3, None))?;
    sync(&host, "wide")?;
    unchanged(&host, topics, table)?;
    by_the_timer(&host, table)?;
    let within = Row::figure("divergence query, no copy differs: wall", "ms", query(&host, 0)?, Some(100.0));
    table.add(&within)?;

    let differing = DIFFERING.min(topics);
    Creator::start(cluster.name_servers()?, differing, 8, 1)?.create("wide-")?;
    sync(&host, "wide")?;
    let what = format!("divergence query, {differing} topics differ: wall");
    table.add(&Row::figure(&what, "ms", query(&host, differing)?, Some(100.0)))?;
    table.add(&Row::figure("  resident, the whole host, at most", "MB", memory_mb(host.pid()?)?.1, None))?;
    Ok(())
}

/// Cycles in full, one after the other.
fn unchanged(host: &Host, topics: u32, table: &mut Table) -> Result<()> {
    let before = Exposition::of(host)?;
    let (mut walls, mut cpu, mut rows) = (Vec::new(), 0.0, 0.0);
    for _ in 0..ROUNDS {
        let (sample, seen) = sync(host, "wide")?;
        if seen.seen < u64::from(GROUPS * topics) {
            bail!("a cycle saw {} resources: the log of the host says why", seen.seen);
        }
        walls.push(sample.wall_ms);
        cpu += sample.cpu_ms;
        rows += rows_written(&seen);
    }
    let after = Exposition::of(host)?;
    let rounds = f64::from(u32::try_from(ROUNDS)?);
    let each = |name: &str| -> Result<f64> {
        let labels = [r#"plugin="rocketmq""#];
        Ok((after.sum(name, &labels)? - before.sum(name, &labels)?) / rounds)
    };
    table.add(&Row::figure("  unchanged: resource rows written", "rows", rows, Some(0.0)))?;
    let requests = each("headgate_plugin_messages_sent_total")?;
    table.add(&Row::figure("  unchanged: requests to the backend", "requests", requests, None))?;
    table.add(&Row::figure(
        "  unchanged: calls of the plugin",
        "calls",
        each("headgate_plugin_calls_total")?,
        None,
    ))?;
    let received = each("headgate_plugin_received_bytes_total")? / 1024.0;
    table.add(&Row::figure("  unchanged: received", "KiB", received, None))?;
    table.add(&Row::figure("  unchanged: wall", "ms", median(walls), None))?;
    table.add(&Row::figure("  unchanged: CPU of the host", "ms", cpu / rounds, None))?;
    Ok(())
}

/// Cycles as they come by themselves: what stands as it was listed is not told again.
fn by_the_timer(host: &Host, table: &mut Table) -> Result<()> {
    let complete = |part: &str, now: &Exposition| {
        now.sum(&format!("headgate_cycle_duration_seconds_{part}"), &[r#"outcome="complete""#])
    };
    let (before, cpu) = (Exposition::of(host)?, Start::of(host.pid()?)?);
    let wanted = complete("count", &before)? + f64::from(TIMED);
    host.until("cycles by the timer", TIMED_CYCLES, |host| {
        Ok(complete("count", &Exposition::of(host)?)? >= wanted)
    })?;
    let (after, sample) = (Exposition::of(host)?, cpu.stop()?);
    let cycles = complete("count", &after)? - complete("count", &before)?;
    let each = |name: &str| -> Result<f64> {
        let labels = [r#"plugin="rocketmq""#];
        Ok((after.sum(name, &labels)? - before.sum(name, &labels)?) / cycles)
    };
    let requests = each("headgate_plugin_messages_sent_total")?;
    table.add(&Row::figure(
        "  unchanged, by the timer: requests to the backend",
        "requests",
        requests,
        None,
    ))?;
    let received = each("headgate_plugin_received_bytes_total")? / 1024.0;
    table.add(&Row::figure("  unchanged, by the timer: received", "KiB", received, None))?;
    let wall_ms = (complete("sum", &after)? - complete("sum", &before)?) * 1e3 / cycles;
    table.add(&Row::figure("  unchanged, by the timer: wall", "ms", wall_ms, None))?;
    let cpu_ms = sample.cpu_ms / cycles;
    table.add(&Row::figure(
        "  unchanged, by the timer: CPU of the host, idling included",
        "ms",
        cpu_ms,
        None,
    ))?;
    Ok(())
}

/// Milliseconds of the median answer, which must name so many topics.
fn query(host: &Host, expected: u32) -> Result<f64> {
    let mut walls = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let answer = host.get("/api/v1/clusters/wide/divergence?type=topic&limit=1000")?;
        walls.push(began.elapsed().as_secs_f64() * 1e3);
        let found = answer.get("items").and_then(Value::as_array).context("no items")?.len();
        if found != usize::try_from(expected)? {
            bail!("{found} topics differ, not {expected}");
        }
    }
    Ok(median(walls))
}
