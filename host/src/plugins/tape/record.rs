//! Recording: raw bytes are kept in memory until the end, when all that must not be known is known, and taken out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use serde_json::Value;
use zeroize::Zeroizing;

use super::cassette::{Cassette, CassetteError, Exchange, Header, Line, Told};
use super::text::{Form, Known, Scrubber, What};
use super::{AnswerMade, lock};
use crate::domain::error::ErrorKind;
use crate::plugins::convert;
use crate::plugins::driver::Secrets;
use crate::plugins::imports::HostError;

/// A value that is shorter stands everywhere by chance: it cannot be taken out.
const SECRET_BYTES_MIN: usize = 6;

/// Words in the names of headers and JSON fields whose values authorize.
const SECRET_WORDS: [&str; 6] = ["token", "password", "secret", "cookie", "authorization", "credential"];

/// Headers of answers that say nothing to a plugin, or too much.
const HEADERS_LEFT_OUT: [&str; 2] = ["date", "set-cookie"];

/// A request over `http` as it goes out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestMade {
    /// `POST HOST:PORT/path?query`
    pub line: String,
    /// Without what the host put in to authorize it.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

enum Event {
    Connect { address: String, session: u32, connection: u32, failed: Option<Told> },
    Sent { connection: u32, bytes: Zeroizing<Vec<u8>> },
    Received { connection: u32, bytes: Zeroizing<Vec<u8>> },
    Ended { connection: u32, end: String },
    Exchange { session: u32, request: RequestMade, answer: Result<AnswerMade, Told> },
}

/// A value that the host derived: by the check and the session in which it did.
struct Derived {
    check: String,
    session: u32,
    /// From 1.
    number: usize,
    bytes: Zeroizing<Vec<u8>>,
}

#[derive(Default)]
struct Recorded {
    checks: BTreeMap<String, Vec<Event>>,
    connections: u32,
    secrets: BTreeMap<String, Zeroizing<Vec<u8>>>,
    derived: Vec<Derived>,
}

/// What is being recorded. Nothing is written before `finish`.
#[derive(Default)]
pub struct Recorder(Mutex<Recorded>);

fn told(error: &HostError) -> Told {
    match error {
        HostError::Answer(error) => {
            let error = convert::error(error.clone());
            Told { kind: error.kind, message: error.message }
        }
        HostError::Trap(trap) => Told { kind: ErrorKind::Internal, message: trap.to_string() },
    }
}

impl Recorder {
    fn add(&self, check: &str, event: Event) {
        let mut recorded = lock(&self.0);
        let events = recorded.checks.entry(check.to_owned()).or_default();
        // What came in several pieces is one answer.
        if let (
            Some(Event::Received { connection, bytes }),
            Event::Received { connection: same, bytes: more },
        ) = (events.last_mut(), &event)
            && connection == same
        {
            bytes.extend_from_slice(more);
            return;
        }
        events.push(event);
    }

    pub(super) fn begin(&self, check: &str) {
        lock(&self.0).checks.insert(check.to_owned(), Vec::new());
    }

    pub(super) fn secrets(&self, secrets: &Secrets) {
        let mut recorded = lock(&self.0);
        for (name, value) in secrets.0.iter() {
            // A check may try another one, which is no secret.
            recorded.secrets.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }

    pub(super) fn derived(&self, check: &str, session: u32, bytes: &[u8]) {
        let mut recorded = lock(&self.0);
        let same = |one: &&Derived| one.check == check && one.session == session;
        let number = recorded.derived.iter().filter(same).count() + 1;
        let bytes = Zeroizing::new(bytes.to_vec());
        recorded.derived.push(Derived { check: check.to_owned(), session, number, bytes });
    }

    pub(super) fn connected(
        &self,
        check: &str,
        address: String,
        session: u32,
        made: Result<(), &HostError>,
    ) -> u32 {
        let connection = {
            let mut recorded = lock(&self.0);
            recorded.connections += 1;
            recorded.connections
        };
        self.add(check, Event::Connect { address, session, connection, failed: made.err().map(told) });
        connection
    }

    pub(super) fn sent(&self, check: &str, connection: u32, bytes: &[u8]) {
        self.add(check, Event::Sent { connection, bytes: Zeroizing::new(bytes.to_vec()) });
    }

    pub(super) fn received(&self, check: &str, connection: u32, bytes: &[u8]) {
        self.add(check, Event::Received { connection, bytes: Zeroizing::new(bytes.to_vec()) });
    }

    pub(super) fn ended(&self, check: &str, connection: u32, end: &str) {
        self.add(check, Event::Ended { connection, end: end.to_owned() });
    }

    pub(super) fn exchanged(
        &self,
        check: &str,
        session: u32,
        request: RequestMade,
        answer: Result<AnswerMade, &HostError>,
    ) {
        self.add(check, Event::Exchange { session, request, answer: answer.map_err(told) });
    }

    /// Whether it can be kept out of a cassette: said before anything is recorded.
    pub fn check_secret(name: &str, value: &[u8], connection: &Value) -> Result<(), CassetteError> {
        let refuse = |advice: &str| Err(CassetteError::Secret(name.to_owned(), advice.to_owned()));
        if value.len() < SECRET_BYTES_MIN {
            return refuse("it is shorter than 6 bytes; record with a login that has a longer one");
        }
        let text = String::from_utf8_lossy(value);
        if connection.to_string().contains(text.as_ref()) {
            return refuse(
                "the connection form holds the same text; record with a login that has another one",
            );
        }
        Ok(())
    }

    /// What was recorded, without what must not be known.
    pub fn finish(&self, header: Header) -> Result<Cassette, CassetteError> {
        let recorded = lock(&self.0);
        let header = Header {
            secrets: recorded.secrets.iter().map(|(name, value)| (name.clone(), value.len())).collect(),
            ..header
        };
        let hidden = recorded.hidden();
        let lines = |(check, events): (&String, &Vec<Event>)| {
            let mut pen = Pen::of(&recorded, check, &hidden);
            (check.clone(), events.iter().map(|event| pen.line(event)).collect())
        };
        let cassette = Cassette { header, checks: recorded.checks.iter().map(lines).collect() };
        recorded.prove(&cassette)?;
        Ok(cassette)
    }
}

impl Recorded {
    /// Values that authorize and were no secret of the cluster's: tokens that a backend gave.
    fn hidden(&self) -> Vec<Vec<u8>> {
        let mut hidden: BTreeSet<Vec<u8>> = BTreeSet::new();
        let mut add = |value: &str| {
            if value.len() >= SECRET_BYTES_MIN {
                hidden.insert(value.as_bytes().to_vec());
            }
        };
        for event in self.checks.values().flatten() {
            let Event::Exchange { request, answer, .. } = event else { continue };
            let named = request.headers.iter().filter(|(name, _)| is_secret(name));
            named.for_each(|(_, value)| add(value));
            for body in [Some(&request.body), answer.as_ref().ok().map(|answer| &answer.body)] {
                let read = body.and_then(|body| serde_json::from_slice::<Value>(body).ok());
                read.iter().for_each(|value| collect(value, &mut add));
            }
        }
        hidden.into_iter().collect()
    }

    /// All that is known, what the session itself derived first.
    fn known(&self, check: &str, session: u32, hidden: &[Vec<u8>]) -> Vec<Known> {
        let secret = |(name, bytes): (&String, &Zeroizing<Vec<u8>>)| Known {
            what: What::Secret(name.clone()),
            bytes: bytes.to_vec(),
        };
        let mut known: Vec<Known> = self.secrets.iter().map(secret).collect();
        let (own, others): (Vec<_>, Vec<_>) =
            self.derived.iter().partition(|one| one.check == check && one.session == session);
        known.extend(own.into_iter().map(|one| Known {
            what: What::Derived(one.number, one.bytes.len()),
            bytes: one.bytes.to_vec(),
        }));
        let others = others.into_iter().map(|one| one.bytes.to_vec());
        let numbered = hidden.iter().cloned().chain(others).enumerate();
        known.extend(
            numbered.map(|(index, bytes)| Known { what: What::Hidden(index + 1, bytes.len()), bytes }),
        );
        known
    }

    /// Looks for every secret in what is about to be written.
    fn prove(&self, cassette: &Cassette) -> Result<(), CassetteError> {
        let text = cassette.print().map_err(|error| CassetteError::Line(0, error.to_string()))?;
        for (name, value) in &self.secrets {
            for form in [Form::Raw, Form::Base64, Form::Hex, Form::Url] {
                let needle = String::from_utf8_lossy(&form.of(value)).into_owned();
                if text.contains(&needle) {
                    let advice = "it stands in what names a place or an error; record with another login";
                    return Err(CassetteError::Secret(name.clone(), advice.to_owned()));
                }
            }
        }
        Ok(())
    }
}

/// Writes the lines of one check.
struct Pen<'a> {
    recorded: &'a Recorded,
    check: &'a str,
    hidden: &'a [Vec<u8>],
    /// By the session's number.
    scrubbers: BTreeMap<u32, Scrubber>,
    /// Of the connections.
    sessions: BTreeMap<u32, u32>,
}

impl<'a> Pen<'a> {
    fn of(recorded: &'a Recorded, check: &'a str, hidden: &'a [Vec<u8>]) -> Self {
        Self { recorded, check, hidden, scrubbers: BTreeMap::new(), sessions: BTreeMap::new() }
    }

    fn scrubber(&mut self, session: u32) -> &Scrubber {
        let known = || self.recorded.known(self.check, session, self.hidden);
        self.scrubbers.entry(session).or_insert_with(|| Scrubber::new(&known()))
    }

    fn text(&mut self, connection: u32, bytes: &[u8]) -> String {
        let session = self.sessions.get(&connection).copied().unwrap_or_default();
        self.scrubber(session).scrubbed(bytes)
    }

    fn line(&mut self, event: &Event) -> Line {
        match event {
            Event::Sent { connection, bytes } => {
                Line::Sent { connection: *connection, out: self.text(*connection, bytes) }
            }
            Event::Received { connection, bytes } => {
                Line::Received { connection: *connection, received: self.text(*connection, bytes) }
            }
            Event::Ended { connection, end } => Line::Ended { connection: *connection, end: end.clone() },
            Event::Connect { address, session, connection, failed } => {
                self.sessions.insert(*connection, *session);
                Line::Connect {
                    connect: address.clone(),
                    session: *session,
                    connection: *connection,
                    failed: failed.clone(),
                }
            }
            Event::Exchange { session, request, answer } => {
                let scrubber = self.scrubber(*session);
                Line::Exchange(Box::new(exchange(*session, request, answer, scrubber)))
            }
        }
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| name.contains(word))
}

fn collect(value: &Value, add: &mut impl FnMut(&str)) {
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                match inner {
                    Value::String(text) if is_secret(name) => add(text),
                    inner => collect(inner, add),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, add)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn exchange(
    session: u32,
    request: &RequestMade,
    answer: &Result<AnswerMade, Told>,
    scrubber: &Scrubber,
) -> Exchange {
    let headers = |headers: &[(String, String)]| {
        let kept = headers.iter().filter(|(name, _)| !HEADERS_LEFT_OUT.contains(&name.as_str()));
        kept.map(|(name, value)| (name.clone(), scrubber.scrubbed(value.as_bytes()))).collect()
    };
    let asked = Exchange {
        session,
        request: scrubber.scrubbed(request.line.as_bytes()),
        headers: headers(&request.headers),
        body: scrubber.scrubbed(&request.body),
        ..Exchange::default()
    };
    match answer {
        Ok(answer) => Exchange {
            status: answer.status,
            answer_headers: headers(&answer.headers),
            answer: scrubber.scrubbed(&answer.body),
            ..asked
        },
        Err(failed) => Exchange { failed: Some(failed.clone()), ..asked },
    }
}
