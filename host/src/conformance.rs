//! Conformance: what every plugin keeps, tried on its author's machine by the host's own code. No server, no database;
//! what talks to a backend is tried against a live one or against a cassette.

pub mod junit;
pub mod report;
pub mod wish;

mod backend;
mod checks;
mod errors;
mod form;
mod hostile;
mod limits;
mod listing;
mod network;
mod open;
mod own;
mod shape;
mod stage;
mod strategy;
#[cfg(test)]
mod tests;
mod writing;

use std::sync::Arc;
use std::time::Instant;

use futures::future::join_all;
use serde_json::Value;

use crate::clock::SharedClock;
use crate::plugins::alone::{Alone, Version};
use crate::plugins::driver::Secrets;
use crate::plugins::tape::cassette::{CASSETTE, Cassette, CassetteError, Header};
use crate::plugins::tape::{Recorder, stand_in};
use crate::plugins::usage::Usage;

pub use checks::{CHECKS, Check, Needs};
use report::{Checked, Finding, Group, Report, Verdict};
use stage::{Stage, Subject};
use wish::Wish;

/// What a plugin is tried with, beside itself.
#[derive(Default)]
pub struct Given {
    pub backend: Option<Backend>,
    pub wishes: Vec<Wish>,
    /// Names of groups or of checks; all where empty.
    pub only: Vec<String>,
}

/// The cluster that it is tried against.
pub struct Backend {
    /// The form, its secrets by name.
    pub connection: Value,
    pub secrets: Secrets,
    pub way: Way,
}

pub enum Way {
    Live,
    /// Live, and kept for later.
    Record,
    Play(Box<Cassette>),
}

impl Backend {
    /// Of a recording, with secrets that are as long as the true ones; and what is written in it.
    pub fn played(cassette: Cassette) -> (Self, Vec<Wish>) {
        let Header { connection, secrets, wishes, .. } = &cassette.header;
        let secret = |(name, length): (&String, &usize)| (name.clone(), stand_in(name, *length));
        let secrets = Secrets(Arc::new(secrets.iter().map(secret).collect()));
        let wishes = wishes.iter().filter_map(Wish::read).collect();
        (Self { connection: connection.clone(), secrets, way: Way::Play(Box::new(cassette)) }, wishes)
    }
}

/// What came of it.
pub struct Tried {
    pub report: Report,
    /// Where one was asked for.
    pub cassette: Option<Result<Cassette, CassetteError>>,
}

/// A file, as it is.
pub struct File {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// Runs the checks. `told` hears of each as it ends.
pub async fn run(
    alone: &Alone,
    clock: &SharedClock,
    file: File,
    given: Given,
    told: &mut dyn FnMut(&Checked),
) -> Tried {
    let began = Instant::now();
    let examined = alone.examine(&file.name, file.bytes).await;
    let wanted: Vec<&Check> = CHECKS.iter().filter(|check| check.is_wanted(&given.only)).collect();
    let version = match examined.version {
        Ok(version) => version,
        Err(refusal) => {
            let began = began.elapsed();
            let finding = Finding::new(refusal.expected, refusal.found, refusal.advice);
            let loads = Verdict::failed(finding);
            let mut checks = vec![Checked::new(Group::Static, "loads", loads, began)];
            let others = wanted.iter().filter(|check| check.name != "loads");
            checks.extend(others.map(|check| check.skipped("the plugin does not load")));
            for checked in &checks {
                told(checked);
            }
            let report = Report::new(file.name, &examined.facts, checks, &Usage::default(), began);
            return Tried { report, cassette: None };
        }
    };
    let began_at_ms = u64::try_from(clock.now_ms()).unwrap_or(0);
    let subject = Subject::new(&version, &examined.facts, given, began_at_ms);
    let checks = perform(&subject, &wanted, told).await;
    let usage = Arc::clone(&subject.usage);
    let cassette = subject.recorder.as_ref().map(|recorder| finish(recorder, &subject, &version));
    let report = Report::new(file.name, &examined.facts, checks, &usage, began.elapsed());
    Tried { report, cassette }
}

/// In their order; those that may, at once.
async fn perform(subject: &Subject<'_>, wanted: &[&Check], told: &mut dyn FnMut(&Checked)) -> Vec<Checked> {
    let mut checks = Vec::new();
    let mut unreachable: Option<String> = None;
    for batch in wanted.chunk_by(|one, next| one.at_once && next.at_once) {
        let each = batch.iter().map(|check| one(subject, check, unreachable.as_deref()));
        for checked in join_all(each).await {
            if checked.name == checks::OPENS {
                unreachable = checked.verdict.why_not();
            }
            told(&checked);
            checks.push(checked);
        }
    }
    checks
}

async fn one(subject: &Subject<'_>, check: &Check, unreachable: Option<&str>) -> Checked {
    if let Some(reason) = subject.lacks(check) {
        return check.skipped(&reason);
    }
    if let Some(why) = unreachable.filter(|_| check.needs == Needs::Backend) {
        return check.skipped(&format!("the cluster was not reached: {why}"));
    }
    let began = Instant::now();
    let stage = Stage::new(subject, check);
    let verdict = (check.run)(&stage).await;
    stage.tape.ended().await;
    let unknown = stage.tape.unknown();
    let verdict = if unknown.is_empty() { verdict } else { strayed(unknown) };
    Checked::new(check.group, check.name, verdict, began.elapsed())
}

/// What was asked is no longer what was recorded: whatever else was seen follows from it.
fn strayed(unknown: Vec<String>) -> Verdict {
    let finding = |found: String| {
        let advice = "if the plugin is meant to ask something else than before, record again with --record";
        Finding::new("the requests that the cassette holds", found, advice)
    };
    Verdict::of(unknown.into_iter().map(finding).collect(), None)
}

fn finish(recorder: &Recorder, subject: &Subject<'_>, version: &Version) -> Result<Cassette, CassetteError> {
    let description = version.description();
    recorder.finish(Header {
        cassette: CASSETTE,
        kind: description.kind.clone(),
        version: description.version.clone(),
        connection: subject.connection().cloned().unwrap_or_default(),
        secrets: std::collections::BTreeMap::new(),
        wishes: subject.wishes.iter().map(Wish::document).collect(),
        began_at_ms: subject.began_at_ms,
    })
}
