//! `headgate log-level`: what the host's log tells, stream by stream.

use clap::Args;
use serde_json::to_value;
use ureq::http::Method;

use crate::api::v1::log_levels::{ChangeLogLevel, LogLevelView};
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Output;
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::domain::stream::{LogLevel as Level, Stream};

/// The word that puts a stream back to what the host began with.
const AS_AT_START: &str = "start";

/// Show what each stream of the host's log tells; with LEVEL, change one while the host runs
#[derive(Args)]
#[command(after_help = "\
Examples:
  headgate log-level                     the streams: heartbeat, sync, operation, collect, metadata
  headgate log-level sync debug          what is sent to clusters and read back, from now on
  headgate log-level heartbeat off
  headgate log-level sync start          back to what the host began with

A change lasts until the host ends: the next start begins with HEADGATE_LOG again, where a stream is a target
(HEADGATE_LOG=info,headgate::sync=debug headgate serve). HEADGATE_LOG_FORMAT=json writes each line as an object.")]
pub(in crate::cli) struct LogLevel {
    /// heartbeat, sync, operation, collect or metadata
    #[arg(value_parser = stream)]
    stream: Option<Stream>,
    /// off, error, warn, info, debug or trace; start for what the host began with
    #[arg(value_parser = level)]
    level: Option<Wanted>,
    #[command(flatten)]
    output: Output,
}

/// `None`: as at the start.
#[derive(Clone, Copy)]
struct Wanted(Option<Level>);

impl LogLevel {
    pub(in crate::cli) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let client = session.client()?;
        let shown = match (self.stream, self.level) {
            (Some(stream), Some(Wanted(level))) => {
                let body =
                    to_value(ChangeLogLevel { level }).map_err(|error| Failure::Failed(error.to_string()))?;
                let path = format!("/log-levels/{}", stream.word());
                vec![client.call::<LogLevelView>(&Method::PUT, &path, &[], Some(&body))?]
            }
            (wanted, _) => {
                let mut all: Vec<LogLevelView> = client.get("/log-levels", &[])?;
                all.retain(|one| wanted.is_none_or(|stream| stream == one.stream));
                all
            }
        };
        if !self.output.printed(&shown, session.terminal)? {
            list(&shown, session)?;
        }
        Ok(Exit::Done)
    }
}

fn list(shown: &[LogLevelView], session: &mut Session<'_>) -> Result<(), Failure> {
    let mut table = Table::new(&["stream", "level", "at start", "what it tells"]);
    for one in shown {
        table.row(vec![
            one.stream.word().into(),
            one.level.word().into(),
            one.at_start.word().into(),
            one.about.as_str().into(),
        ]);
    }
    Ok(table.print("", session.terminal)?)
}

fn stream(text: &str) -> Result<Stream, String> {
    let words = Stream::ALL.map(Stream::word).join(", ");
    Stream::named(text).ok_or_else(|| format!("there is no stream `{text}`; write one of {words}"))
}

fn level(text: &str) -> Result<Wanted, String> {
    if text == AS_AT_START {
        return Ok(Wanted(None));
    }
    let found = Level::ALL.into_iter().find(|level| level.word() == text);
    let words = Level::ALL.map(Level::word).join(", ");
    let wrong = || format!("there is no level `{text}`; write one of {words}, or {AS_AT_START}");
    found.map(|level| Wanted(Some(level))).ok_or_else(wrong)
}
