//! What others feel while a plugin spins: reads of the API, with it and without it, in turns.

use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use headgate_tests::Host;
use serde_json::json;
use ureq::Agent;

use super::guests;
use super::reloads::{register, start};
use crate::measure::{percentile, threads_cpu_ms};
use crate::table::{Row, Table};
use crate::{say, share};

/// Turns of each.
const ROUNDS: u32 = 10;

/// A call may use five seconds of CPU: it spins for the whole of a turn.
const TURN: Duration = Duration::from_secs(3);

const RATIO_MAX: f64 = 1.5;

/// As the host calls the threads that guests run on, and the most of them that it starts.
const GUESTS: &str = "guest";
const GUESTS_MAX: usize = 4;

/// Of a core, that one which spins gets at least: the reads want the processor as well, and so do other programs.
const BUSY_MIN: f64 = 0.1;

const STARTED_WITHIN: Duration = Duration::from_secs(30);

/// What the console's first page asks for. None of them asks a plugin.
const READS: [&str; 3] = ["/api/v1/clusters", "/api/v1/plugins", "/api/v1/events?limit=20"];

pub(crate) fn rows(table: &mut Table) -> Result<()> {
    say("reads of the API while a plugin spins")?;
    let (host, _folder) = start(&guests::hostile()?)?;
    let reader = Reader::of(&host)?;
    add(&host, 0..1)?;
    for row in compared(&host, &reader, 1, "a plugin spins for one cluster")? {
        table.add(&row)?;
    }
    let all = thread::available_parallelism().map_or(1, usize::from).clamp(1, GUESTS_MAX);
    add(&host, 1..all)?;
    for row in compared(&host, &reader, all, "  it spins on all guests' threads")? {
        table.add(&row)?;
    }
    Ok(())
}

/// Clusters whose calls spin. They are asked nothing until the plugin is enabled.
fn add(host: &Host, numbers: Range<usize>) -> Result<()> {
    switch(host, "enable")?;
    for number in numbers {
        register(host, &format!("spins-{number}"), &json!({"attack": "spin", "in": "discover"}))?;
    }
    switch(host, "disable")
}

/// The 99th percentile, and the median, of reads with so many threads spinning and with none.
fn compared(host: &Host, reader: &Reader, spinning: usize, what: &str) -> Result<[Row; 2]> {
    let (mut well, mut hurt) = (Vec::new(), Vec::new());
    for _ in 0..share(ROUNDS)? {
        quiet(host)?;
        well.extend(turn(host, reader, 0)?);
        switch(host, "enable")?;
        hurt.extend(until_spinning(host, spinning, || turn(host, reader, spinning))?);
        switch(host, "disable")?;
    }
    say(&format!("  {} reads without, {} with it", well.len(), hurt.len()))?;
    let row = |title: String, percent: usize, target: Option<f64>| {
        let [well, hurt] = [&well, &hurt].map(|times| percentile(times.clone(), percent));
        Row::ratio(&title, "µs", hurt, ("without", well), target)
    };
    Ok([row(format!("{what}: reads, p99"), 99, Some(RATIO_MAX)), row("  p50".to_owned(), 50, None)])
}

/// Asks all clusters, whose calls spin, and does the work once as many threads do.
fn until_spinning<T>(host: &Host, spinning: usize, work: impl FnOnce() -> Result<T>) -> Result<T> {
    thread::scope(|scope| {
        for number in 0..spinning {
            // It fails when its time is used up, or where its cycle has begun by itself.
            scope.spawn(move || host.api("POST", &format!("/api/v1/clusters/spins-{number}/sync"), None));
        }
        let deadline = Instant::now() + STARTED_WITHIN;
        while spun(host, Duration::from_millis(100))? < BUSY_MIN * count(spinning) {
            ensure!(Instant::now() < deadline, "nothing spins");
        }
        work()
    })
}

/// Until nothing spins any more.
fn quiet(host: &Host) -> Result<()> {
    let deadline = Instant::now() + STARTED_WITHIN;
    while spun(host, Duration::from_millis(300))? > 0.05 {
        ensure!(Instant::now() < deadline, "it still spins");
    }
    Ok(())
}

/// How many of the guests' threads were busy for that time.
fn spun(host: &Host, time: Duration) -> Result<f64> {
    let (before, began) = (threads_cpu_ms(host.pid()?, GUESTS)?, Instant::now());
    thread::sleep(time);
    Ok((threads_cpu_ms(host.pid()?, GUESTS)? - before) / (began.elapsed().as_secs_f64() * 1e3))
}

/// Microseconds of each read, one after another, while as many threads spin as should.
fn turn(host: &Host, reader: &Reader, spinning: usize) -> Result<Vec<f64>> {
    let (before, began) = (threads_cpu_ms(host.pid()?, GUESTS)?, Instant::now());
    let mut times = Vec::new();
    for path in READS.iter().cycle() {
        if began.elapsed() >= TURN {
            break;
        }
        times.push(reader.read(path)?);
    }
    let busy = (threads_cpu_ms(host.pid()?, GUESTS)? - before) / (began.elapsed().as_secs_f64() * 1e3);
    let expected = if spinning == 0 { 0.0..BUSY_MIN } else { BUSY_MIN * count(spinning)..f64::INFINITY };
    ensure!(expected.contains(&busy), "{busy:.2} threads of guests were busy where {spinning} spin");
    Ok(times)
}

#[expect(clippy::cast_precision_loss, reason = "a few threads")]
fn count(threads: usize) -> f64 {
    threads as f64
}

/// Disabled, its calls are refused; enabled, it is released from what its failures led to.
fn switch(host: &Host, to: &str) -> Result<()> {
    host.api("POST", &format!("/api/v1/plugins/hostile/{to}"), None)?.status_is(200)?;
    Ok(())
}

/// One connection that is kept.
struct Reader {
    agent: Agent,
    url: String,
    token: String,
}

impl Reader {
    fn of(host: &Host) -> Result<Self> {
        let agent = Agent::config_builder().proxy(None).build().into();
        Ok(Self { agent, url: host.url()?.to_owned(), token: format!("Bearer {}", host.token()?) })
    }

    /// Microseconds until the body is there.
    fn read(&self, path: &str) -> Result<f64> {
        let began = Instant::now();
        let request = self.agent.get(format!("{}{path}", self.url)).header("authorization", &self.token);
        let mut answer = request.call().with_context(|| path.to_owned())?;
        answer.body_mut().read_to_vec()?;
        Ok(began.elapsed().as_secs_f64() * 1e6)
    }
}
