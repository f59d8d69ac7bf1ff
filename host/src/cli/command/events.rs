//! `headgate events`: what happened, and what is happening.

use std::io::BufRead;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use crate::api::v1::events::{EventView, GAP};
use crate::cli::client::Client;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::Format;
use crate::cli::session::Session;
use crate::cli::table::printable;
use crate::cli::time::{milliseconds, moment};

/// Before a lost stream is asked for again; doubled up to the last.
const WAIT_FIRST: Duration = Duration::from_millis(500);
const WAIT_LAST: Duration = Duration::from_secs(15);

/// Show what happened; with --follow, also what happens
#[derive(Args)]
#[command(after_help = "\
Examples:
  headgate events -c lab
  headgate events --since 7d
  headgate events --follow
  headgate events --follow -o json | jq 'select(.kind == \"resource.drifted\")'

--follow goes on where it was when the host or the network comes back.")]
pub(in crate::cli) struct Events {
    /// Only of this cluster
    #[arg(short, long, value_name = "NAME")]
    cluster: Option<String>,
    /// Go on with what happens
    #[arg(short, long)]
    follow: bool,
    /// Only of so long ago: 90s, 30m, 24h, 7d
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = milliseconds, conflicts_with = "after")]
    since: i64,
    /// Only after this event
    #[arg(long, value_name = "EVENT")]
    after: Option<String>,
    /// How the events are printed; json is a line each
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    output: Format,
}

/// One message of the stream.
#[derive(Debug, Default, PartialEq, Eq)]
struct Message {
    id: Option<String>,
    event: String,
    data: String,
}

impl Events {
    pub(in crate::cli) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let client = session.client()?;
        let after =
            self.after.clone().unwrap_or_else(|| first_id(session.now_ms().saturating_sub(self.since)));
        let mut query = self.query();
        query.push(("after", &after));
        let events: Vec<Value> = client.list("/events", &query, None)?;
        let mut last = Some(after.clone());
        for event in &events {
            last = event.get("id").and_then(Value::as_str).map(str::to_owned).or(last);
            self.print(event, session)?;
        }
        if self.follow { self.go_on(&client, last, session) } else { Ok(Exit::Done) }
    }

    fn query(&self) -> Vec<(&str, &str)> {
        self.cluster.as_deref().map(|cluster| ("cluster", cluster)).into_iter().collect()
    }

    fn print(&self, event: &Value, session: &mut Session<'_>) -> Result<(), Failure> {
        match self.output {
            Format::Json => session.terminal.line(event)?,
            Format::Yaml => {
                session.terminal.line("---")?;
                session.terminal.text(&crate::cli::output::yaml(event)?)?;
            }
            Format::Table => {
                let view: EventView = serde_json::from_value(event.clone()).map_err(|error| {
                    Failure::Failed(format!("the host's answer is not understood: {error}"))
                })?;
                let line = format!("{}   {:24}   {}", moment(view.at_ms), view.kind, view.subject);
                let data =
                    if view.data.as_object().is_some_and(serde_json::Map::is_empty) || view.data.is_null() {
                        String::new()
                    } else {
                        format!("   {}", view.data)
                    };
                session.terminal.line(printable(&format!("{line}{data}   by {}", view.actor)))?;
            }
        }
        Ok(())
    }

    /// Until somebody ends it: a lost stream is asked for again from its last event.
    fn go_on(
        &self,
        client: &Client,
        mut last: Option<String>,
        session: &mut Session<'_>,
    ) -> Result<Exit, Failure> {
        let mut wait = WAIT_FIRST;
        loop {
            session.terminal.flush()?;
            match client.stream("/events/stream", &self.query(), last.as_deref()) {
                Ok(mut stream) => {
                    while let Some(message) = next_message(&mut stream) {
                        wait = WAIT_FIRST;
                        last = message.id.clone().or(last);
                        self.tell(&message, session)?;
                        session.terminal.flush()?;
                    }
                }
                Err(failure @ Failure::Unreachable { .. }) => {
                    session.terminal.note(format_args!("{failure}; trying again"))?;
                }
                Err(failure) => return Err(failure),
            }
            std::thread::sleep(wait);
            wait = (wait * 2).min(WAIT_LAST);
        }
    }

    fn tell(&self, message: &Message, session: &mut Session<'_>) -> Result<(), Failure> {
        if message.event == GAP {
            return Ok(session.terminal.note(
                "Some events were missed: this reader was too slow. `headgate events --after` reads them.",
            )?);
        }
        match serde_json::from_str(&message.data) {
            Ok(event) => self.print(&event, session),
            Err(error) => Err(Failure::Failed(format!("an event of the stream is not understood: {error}"))),
        }
    }
}

/// Ids of events begin with their time: this one lies before all of that millisecond.
fn first_id(at_ms: i64) -> String {
    let at_ms = u128::try_from(at_ms).unwrap_or(0);
    uuid::Uuid::from_u128(at_ms << 80).to_string()
}

/// The next message with data; `None` when the stream ended. Comments keep it alive and say nothing.
fn next_message(stream: &mut impl BufRead) -> Option<Message> {
    let mut message = Message::default();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end_matches(['\r', '\n']);
        if line.is_empty() {
            if message.data.is_empty() {
                message = Message::default();
                continue;
            }
            return Some(message);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => message.id = Some(value.to_owned()),
            "event" => value.clone_into(&mut message.event),
            "data" if message.data.is_empty() => value.clone_into(&mut message.data),
            "data" => message.data = format!("{}\n{value}", message.data),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_read_message_by_message() {
        let text = ": alive\n\nid: 1\nevent: plan.applied\ndata: {\"a\":\ndata: 1}\n\n: alive\n\r\nid: 2\r\ndata: {}\r\n\r\nid: 3\ndata: cut";
        let mut stream = text.as_bytes();
        let first = next_message(&mut stream).unwrap();
        assert_eq!(
            (first.id.as_deref(), first.event.as_str(), first.data.as_str()),
            (Some("1"), "plan.applied", "{\"a\":\n1}")
        );
        assert_eq!(next_message(&mut stream).unwrap().id.as_deref(), Some("2"));
        assert_eq!(next_message(&mut stream), None);
    }
}
