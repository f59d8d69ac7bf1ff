//! Playing: a request is held against the next one of its connection; another one than that is unknown, and said.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use bytes::BytesMut;

use super::cassette::{Exchange, Line, Told};
use super::text::{What, expanded, fits, shown};
use super::{AnswerMade, Played, RequestMade, lock};
use crate::domain::error::ErrorKind as Kind;
use crate::plugins::bindings::headgate::host::errors::{Error, ErrorKind};
use crate::plugins::imports::{HostError, error};

/// Of a message that is shown to a person.
const SHOWN_MAX: usize = 300;

type Value<'a> = &'a dyn Fn(&What) -> Vec<u8>;

pub(super) struct Playing {
    connects: Mutex<Vec<Connect>>,
    connections: Mutex<BTreeMap<u32, Connection>>,
    exchanges: Mutex<Vec<(Exchange, bool)>>,
    unknown: Mutex<Vec<String>>,
}

struct Connect {
    address: String,
    session: u32,
    connection: u32,
    failed: Option<Told>,
    taken: bool,
}

#[derive(Default)]
struct Connection {
    sent: Vec<String>,
    /// How many of them were sent again.
    place: usize,
    /// With how many messages had been sent before.
    received: VecDeque<(usize, String)>,
    end: Option<(usize, String)>,
}

/// Said to the plugin, which tells it as an error of its own.
pub(super) fn protocol(text: String) -> Error {
    error(ErrorKind::Protocol, text)
}

fn short(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}… ({} characters)", text.get(..end).unwrap_or_default(), text.len()),
        None => text.to_owned(),
    }
}

impl Playing {
    pub(super) fn new(lines: &[Line]) -> Self {
        let (mut connects, mut exchanges) = (Vec::new(), Vec::new());
        let mut connections: BTreeMap<u32, Connection> = BTreeMap::new();
        for line in lines {
            match line.clone() {
                Line::Connect { connect, session, connection, failed } => {
                    connects.push(Connect { address: connect, session, connection, failed, taken: false });
                }
                Line::Sent { connection, out } => connections.entry(connection).or_default().sent.push(out),
                Line::Received { connection, received } => {
                    let connection = connections.entry(connection).or_default();
                    connection.received.push_back((connection.sent.len(), received));
                }
                Line::Ended { connection, end } => {
                    let connection = connections.entry(connection).or_default();
                    connection.end = Some((connection.sent.len(), end));
                }
                Line::Exchange(exchange) => exchanges.push((*exchange, false)),
                Line::Check { .. } => {}
            }
        }
        let (connects, connections) = (Mutex::new(connects), Mutex::new(connections));
        Self { connects, connections, exchanges: Mutex::new(exchanges), unknown: Mutex::default() }
    }

    pub(super) fn unknown(&self) -> Vec<String> {
        lock(&self.unknown).clone()
    }

    fn refuse(&self, text: String) -> Error {
        lock(&self.unknown).push(text.clone());
        protocol(text)
    }

    /// The next connection to that address in that session.
    pub(super) fn connect(&self, address: &str, session: u32) -> Result<u32, HostError> {
        let mut connects = lock(&self.connects);
        let fits = |one: &&mut Connect| !one.taken && one.session == session && one.address == address;
        if let Some(connect) = connects.iter_mut().find(fits) {
            connect.taken = true;
            return match &connect.failed {
                Some(failed) => Err(failure(failed)),
                None => Ok(connect.connection),
            };
        }
        let known: Vec<&str> = connects
            .iter()
            .filter(|one| one.session == session && !one.taken)
            .map(|one| one.address.as_str())
            .collect();
        let has = if known.is_empty() { "no more".to_owned() } else { known.join(", ") };
        let text = format!(
            "the plugin connects to {address} in its instance {session}; the cassette has {has} in its place"
        );
        Err(self.refuse(text).into())
    }

    pub(super) fn sent(&self, number: u32, bytes: &[u8], value: Value<'_>) -> Result<(), Error> {
        let mut connections = lock(&self.connections);
        let connection = connections.entry(number).or_default();
        let place = connection.place;
        let expected = connection.sent.get(place).cloned();
        connection.place += 1;
        drop(connections);
        let asked = short(&shown(bytes));
        let Some(text) = expected else {
            return Err(self.refuse(format!(
                "the plugin sends `{asked}` over connection {number}; the cassette has {place} messages of it and no more"
            )));
        };
        if fits(&text, bytes, value).map_err(|wrong| self.refuse(format!("the cassette: {wrong}")))? {
            return Ok(());
        }
        Err(self.refuse(format!(
            "the plugin sends `{asked}` as message {} of connection {number}; the cassette has `{}` there",
            place + 1,
            short(&text)
        )))
    }

    pub(super) fn read(&self, number: u32, buffer: &mut BytesMut, value: Value<'_>) -> Played {
        let mut connections = lock(&self.connections);
        let connection = connections.entry(number).or_default();
        let due = |after: usize| after <= connection.place;
        match connection.received.front() {
            Some((after, _)) if !due(*after) => return Played::Nothing,
            Some(_) => {}
            None => {
                return match &connection.end {
                    Some((after, end)) if due(*after) && end == "closed" => Played::Closed,
                    Some((after, end)) if due(*after) => Played::Broken(end.clone()),
                    Some(_) | None => Played::Nothing,
                };
            }
        }
        let Some((_, text)) = connection.received.pop_front() else { return Played::Nothing };
        drop(connections);
        match expanded(&text, value) {
            Ok(bytes) => {
                buffer.extend_from_slice(&bytes);
                Played::Bytes
            }
            Err(wrong) => Played::Broken(self.refuse(format!("the cassette: {wrong}")).message),
        }
    }

    pub(super) fn starved(&self, number: u32, peer: &str) -> Error {
        let next = lock(&self.connections).get(&number).and_then(|one| one.sent.get(one.place).cloned());
        let has = match next {
            Some(text) => format!("has the message `{}` before it", short(&text)),
            None => "ends there".to_owned(),
        };
        self.refuse(format!("the plugin waits for {peer} over connection {number}; the cassette {has}"))
    }

    /// Of those that were not given yet, the first that was asked in the same words.
    pub(super) fn answer(&self, request: &RequestMade, value: Value<'_>) -> Result<AnswerMade, HostError> {
        let mut exchanges = lock(&self.exchanges);
        let found = exchanges.iter_mut().find(|(one, given)| !given && is_asked(one, request, value));
        let Some((exchange, given)) = found else {
            let left: Vec<&str> =
                exchanges.iter().filter(|(_, given)| !given).map(|(one, _)| one.request.as_str()).collect();
            let (line, body) = (&request.line, short(&shown(&request.body)));
            let has = if left.is_empty() { "no more requests".to_owned() } else { left.join(", ") };
            let text =
                format!("the plugin asks `{line}` with `{body}`; the cassette has left: {}", short(&has));
            drop(exchanges);
            return Err(self.refuse(text).into());
        };
        *given = true;
        if let Some(failed) = &exchange.failed {
            return Err(failure(failed));
        }
        let read =
            |text: &str| expanded(text, value).map_err(|wrong| protocol(format!("the cassette: {wrong}")));
        let header = |(name, text): &(String, String)| {
            Ok((name.clone(), String::from_utf8_lossy(&read(text)?).into_owned()))
        };
        let headers: Result<_, Error> = exchange.answer_headers.iter().map(header).collect();
        Ok(AnswerMade { status: exchange.status, headers: headers?, body: read(&exchange.answer)? })
    }
}

fn is_asked(exchange: &Exchange, request: &RequestMade, value: Value<'_>) -> bool {
    let is = |text: &str, bytes: &[u8]| fits(text, bytes, value).unwrap_or_default();
    let same = |((name, text), (other, given)): (&(String, String), &(String, String))| {
        name == other && is(text, given.as_bytes())
    };
    is(&exchange.request, request.line.as_bytes())
        && is(&exchange.body, &request.body)
        && exchange.headers.len() == request.headers.len()
        && exchange.headers.iter().zip(&request.headers).all(same)
}

fn failure(told: &Told) -> HostError {
    HostError::Answer(error(kind(told.kind), told.message.clone()))
}

fn kind(kind: Kind) -> ErrorKind {
    match kind {
        Kind::InvalidArgument => ErrorKind::InvalidArgument,
        Kind::Unauthenticated => ErrorKind::Unauthenticated,
        Kind::PermissionDenied => ErrorKind::PermissionDenied,
        Kind::NotFound => ErrorKind::NotFound,
        Kind::AlreadyExists => ErrorKind::AlreadyExists,
        Kind::Conflict => ErrorKind::Conflict,
        Kind::Unavailable => ErrorKind::Unavailable,
        Kind::Timeout => ErrorKind::Timeout,
        Kind::Exhausted => ErrorKind::Exhausted,
        Kind::Unsupported => ErrorKind::Unsupported,
        Kind::Protocol => ErrorKind::Protocol,
        Kind::Cancelled => ErrorKind::Cancelled,
        Kind::Internal => ErrorKind::Internal,
        Kind::Other => ErrorKind::Other,
    }
}
