//! Two hundred registrations of two real clusters: how punctual their cycles are, and what each takes, all well and one hanging.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use headgate_tests::{Database, Host, Kafka, RocketMq};
use serde_json::{Value, json};

use crate::exposition::Exposition;
use crate::host::start;
use crate::listing::Kind;
use crate::measure::{Start, memory_mb};
use crate::peers::{self, rocketmq as java};
use crate::silent::Silent;
use crate::table::{Row, Table};
use crate::{say, share};

/// Half of them Kafka, half RocketMQ; the first of each kind is managed, the others observe.
const REGISTRATIONS: u32 = 200;
/// On the Kafka cluster, and as copies on the two brokers together.
const TOPICS: u32 = 500;

/// Longer than the five minutes after which every cluster is read in full again; `HEADGATE_BENCH_SECONDS` shortens it.
const WINDOW: Duration = Duration::from_secs(330);

const FIRST_CYCLES: Duration = Duration::from_secs(600);

const LAG: &str = "headgate_cycle_lag_seconds";
const DURATION: &str = "headgate_cycle_duration_seconds";
const COMPLETE: &str = r#"outcome="complete""#;
const EARLY: &str = r#"outcome="ended-early""#;

pub(crate) fn rows(table: &mut Table) -> Result<()> {
    say("starting Kafka and RocketMQ")?;
    let (kafka, rocketmq) = (Kafka::nodes(1)?, RocketMq::masters(2)?);
    peers::java_creates(kafka.bootstrap()?, TOPICS, TOPICS, "fleet-")?;
    java::makes(rocketmq.name_servers()?, TOPICS / 2, "fleet-")?;
    let host = start(&Database::Sqlite)?;
    let alone_mb = memory_mb(host.pid()?)?.0;

    let registrations = share(REGISTRATIONS)?;
    say(&format!("registering them {registrations} times"))?;
    for number in 0..registrations {
        let (kind, address) = match number % 2 {
            0 => (Kind::Kafka, kafka.bootstrap()?),
            _ => (Kind::RocketMq, rocketmq.name_servers()?),
        };
        let authority = if number < 2 { "manage" } else { "observe" };
        register(&host, &name(number), kind, address, authority)?;
    }
    host.until("every cluster was seen", FIRST_CYCLES, |host| all_seen(host, registrations))?;
    let well = watch(&host, registrations)?;
    let what = format!("{registrations} registrations: cycles begin late by, p99");
    table.add(&Row::figure(&what, "ms", well.lag_ms, None))?;
    table.add(&Row::figure("  a cycle takes, p50", "ms", well.half_ms, None))?;
    table.add(&Row::figure("  a cycle takes, p99", "ms", well.most_ms, None))?;
    table.add(&Row::figure("  cycles a minute", "cycles", well.cycles_per_minute, None))?;
    table.add(&Row::figure("  cycles that ended early", "cycles", well.early, Some(0.0)))?;
    table.add(&Row::figure("  CPU of the host, of one core", "%", well.cpu_percent, None))?;
    let (now, most) = memory_mb(host.pid()?)?;
    let each = |all: f64| (all - alone_mb) * 1024.0 / f64::from(registrations);
    table.add(&Row::figure("  resident, a cluster", "KiB", each(now), None))?;
    table.add(&Row::figure("  resident, a cluster, at most", "KiB", each(most), None))?;

    let silent = Silent::listen()?;
    let last = name(registrations - 1);
    host.api("DELETE", &format!("/api/v1/clusters/{last}"), None)?.status_is(204)?;
    register(&host, "hangs", Kind::RocketMq, &silent.address, "observe")?;
    host.until("the hanging cluster is asked", FIRST_CYCLES, |_| Ok(silent.taken() > 0))?;
    let hanging = watch(&host, registrations - 1)?;
    let row = |what: &str, hanging: f64, well: f64| Row::ratio(what, "ms", hanging, ("all well", well), None);
    table.add(&row("one of them hangs: cycles begin late by, p99", hanging.lag_ms, well.lag_ms))?;
    table.add(&row("  a complete cycle takes, p50", hanging.half_ms, well.half_ms))?;
    table.add(&row("  a complete cycle takes, p99", hanging.most_ms, well.most_ms))?;
    let rate = ("all well", well.cycles_per_minute);
    table.add(&Row::ratio("  complete cycles a minute", "cycles", hanging.cycles_per_minute, rate, None))?;
    table.add(&Row::figure("  cycles that ended early: the hanging one's", "cycles", hanging.early, None))?;
    Ok(())
}

fn name(number: u32) -> String {
    format!("fleet-{number:03}")
}

fn register(host: &Host, name: &str, kind: Kind, address: &str, authority: &str) -> Result<()> {
    let body = json!({
        "name": name, "kind": kind.name(), "connection": kind.connection(address), "authority": authority
    });
    host.api("POST", "/api/v1/clusters", Some(&body))?.status_is(201)?;
    Ok(())
}

/// Whether every cluster has had a complete listing of its topics.
fn all_seen(host: &Host, registrations: u32) -> Result<bool> {
    let answer = host.get("/api/v1/clusters?limit=1000")?;
    let clusters = answer.get("items").and_then(Value::as_array).context("no items")?;
    let is_complete = |sweep: &Value| sweep["type"] == "topic" && sweep["complete_at_ms"].is_number();
    let is_seen = |cluster: &&Value| {
        cluster.get("sweeps").and_then(Value::as_array).is_some_and(|sweeps| sweeps.iter().any(is_complete))
    };
    Ok(clusters.iter().filter(is_seen).count() == usize::try_from(registrations)?)
}

/// What the host did in a while.
struct Watched {
    lag_ms: f64,
    half_ms: f64,
    most_ms: f64,
    cycles_per_minute: f64,
    early: f64,
    cpu_percent: f64,
}

/// Begins when each cluster has had another cycle: what registering took is over by then.
fn watch(host: &Host, clusters: u32) -> Result<Watched> {
    let complete = |now: &Exposition| now.sum(&format!("{DURATION}_count"), &[COMPLETE]);
    let settled = complete(&Exposition::of(host)?)? + f64::from(clusters);
    host.until("every cluster was seen again", FIRST_CYCLES, |host| {
        Ok(complete(&Exposition::of(host)?)? >= settled)
    })?;
    let window = match std::env::var("HEADGATE_BENCH_SECONDS") {
        Ok(text) => Duration::from_secs(text.parse().context("HEADGATE_BENCH_SECONDS is no number")?),
        Err(_) => WINDOW,
    };
    say(&format!("watching for {} s", window.as_secs()))?;
    let (before, cpu, began) = (Exposition::of(host)?, Start::of(host.pid()?)?, Instant::now());
    thread::sleep(window);
    let (after, sample) = (Exposition::of(host)?, cpu.stop()?);
    let seconds = began.elapsed().as_secs_f64();
    let cycles = complete(&after)? - complete(&before)?;
    if cycles == 0.0 {
        bail!("no cycle was complete in {seconds:.0} s: a cluster has one every 30 s, watch for longer");
    }
    let ms = |histogram: &str, labels: &[&str], part: f64| -> Result<f64> {
        Ok(after.quantile(&before, histogram, labels, part)? * 1e3)
    };
    let early = format!("{DURATION}_count");
    Ok(Watched {
        lag_ms: ms(LAG, &[], 0.99)?,
        half_ms: ms(DURATION, &[COMPLETE], 0.5)?,
        most_ms: ms(DURATION, &[COMPLETE], 0.99)?,
        cycles_per_minute: cycles * 60.0 / seconds,
        early: after.sum(&early, &[EARLY])? - before.sum(&early, &[EARLY])?,
        cpu_percent: sample.cpu_ms / seconds / 10.0,
    })
}
