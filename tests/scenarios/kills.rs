//! kill -9 at random moments of an apply of 300 topics: the next start continues or reports, nothing twice, nothing lost.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use headgate_tests::{Database, Host, Kafka, for_each_database};
use serde_json::{Value, json};

use crate::documents::{deleted, topic};

for_each_database!(an_apply_that_is_killed_again_and_again_ends_with_exactly_its_topics);

const TOPICS: u32 = 300;
/// Kills in one run where `HEADGATE_KILLS` says nothing.
const KILLS: u32 = 10;
/// A plan that nobody kills any more ends within this: the longest wait is for an unknown write's time-out.
const ENDS: Duration = Duration::from_secs(240);

fn an_apply_that_is_killed_again_and_again_ends_with_exactly_its_topics(database: &Database) -> Result<()> {
    // Its own cluster: all of its topics are counted.
    let (kafka, mut host) = (Kafka::nodes(1)?, Host::start(database)?);
    host.add_kafka("lab", &kafka)?;
    kafka.create_topic("a.stranger", 1, &[])?;
    let mut killer = Killer::from_environment();
    let names: Vec<String> = (0..TOPICS).map(|number| format!("kill.{number:03}")).collect();
    let create: String = names.iter().map(|name| topic(name, 1, &[("retention.ms", "7200000")])).collect();
    let delete: String = names.iter().map(|name| deleted(name)).collect();

    // An apply may end before all kills are used up: then all is deleted, under the same fire, and made again.
    loop {
        applied_under_fire(&mut host, &mut killer, &create)?;
        let mut expected = vec!["a.stranger".to_owned()];
        expected.extend(names.iter().cloned());
        assert_eq!(kafka.topic_names()?, expected, "exactly those after {} kills", killer.done);
        if killer.left() == 0 {
            break;
        }
        applied_under_fire(&mut host, &mut killer, &delete)?;
        assert_eq!(kafka.topic_names()?, ["a.stranger"], "none of ours after {} kills", killer.done);
    }

    let file = host.file("create.yaml", &create)?;
    host.cli(&["plan", "-f", &file])?.ok()?;
    let last = kafka.topic(names.last().context("there are names")?)?.context("Kafka has the last topic")?;
    assert_eq!((last.partitions, last.set("retention.ms")), (1, Some("7200000")));
    assert_eq!(killer.done, killer.kills);
    Ok(())
}

/// Plans and approves the file, and kills the host at the killer's moments until the plan has ended.
fn applied_under_fire(host: &mut Host, killer: &mut Killer, text: &str) -> Result<()> {
    let file = host.file("wish.yaml", text)?;
    let planned = host.cli(&["plan", "-f", &file])?;
    planned.code_is(2)?;
    let plan = format!("/api/v1/plans/{}", planned.plan()?);
    let approval = json!({"allow_destructive": true, "max_deletes": TOPICS});
    host.api("POST", &format!("{plan}/approve"), Some(&approval))?.status_is(202)?;

    while killer.left() > 0 {
        let moment = Instant::now() + killer.next_delay();
        if wait_or_end(host, &plan, moment)?.is_break() {
            break;
        }
        host.kill()?;
        killer.done += 1;
        host.restart()?;
    }
    host.until("the plan ended", ENDS, |host| Ok(ended(&state(host, &plan)?)))?;
    let state = state(host, &plan)?;
    ensure!(state == "applied", "the plan ended {state}: {:#}", host.get(&plan)?);
    Ok(())
}

/// Waits for the moment, or breaks off when the plan has ended before.
fn wait_or_end(host: &Host, plan: &str, moment: Instant) -> Result<ControlFlow<()>> {
    let mut flow = ControlFlow::Continue(());
    host.until("the moment of the kill came", ENDS, |host| {
        if ended(&state(host, plan)?) {
            flow = ControlFlow::Break(());
        }
        Ok(flow.is_break() || Instant::now() >= moment)
    })?;
    Ok(flow)
}

fn state(host: &Host, plan: &str) -> Result<String> {
    let body = host.get(plan)?;
    Ok(body.get("state").and_then(Value::as_str).context("a plan has a state")?.to_owned())
}

fn ended(state: &str) -> bool {
    ["applied", "failed", "cancelled", "stale"].contains(&state)
}

/// Chooses the moments: the same seed, the same delays.
struct Killer {
    kills: u32,
    done: u32,
    state: u64,
}

impl Killer {
    fn from_environment() -> Self {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
        let kills = number("HEADGATE_KILLS").and_then(|kills| u32::try_from(kills).ok()).unwrap_or(KILLS);
        Self { kills, done: 0, state: number("HEADGATE_SEED").unwrap_or(3) }
    }

    fn left(&self) -> u32 {
        self.kills - self.done
    }

    /// 16 ms to 8 s, each power of two as likely as the others: the start of an apply deserves as many as its long waits.
    fn next_delay(&mut self) -> Duration {
        let octave = u32::try_from(self.next() % 9).unwrap_or(0);
        let base = 16_u64 << octave;
        Duration::from_millis(base + self.next() % base)
    }

    /// `SplitMix64`.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
