//! Requests and answers in frames: each answer names its request, several are in flight on a connection, and many
//! connections are asked at the same time.

use std::borrow::Borrow;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicI32, Ordering};

use crate::net::{self, Connection, Piece};
use crate::{Error, ErrorKind, Result, call};

/// Requests on one connection at a time; more would only wait in the peer's memory.
const IN_FLIGHT_MAX: usize = 4;

/// Left of the call's time for telling the host how it went.
const RESERVE_MS: u64 = 250;

/// One connection to a peer that answers in frames.
pub struct Channel {
    connection: Connection,
    peer: String,
    /// Which request a frame answers.
    correlation_of: fn(&[u8]) -> Option<i32>,
    /// Sent and not answered yet.
    awaited: BTreeSet<i32>,
    /// Answers that came while another was waited for.
    parked: BTreeMap<i32, Vec<u8>>,
    /// Nobody wants these answers any more.
    forgotten: BTreeSet<i32>,
    broken: bool,
}

/// A frame for one of the channels of an exchange.
pub struct Request {
    /// Index among the channels.
    pub channel: usize,
    /// As the frame says it; from the channel's `next_id`.
    pub id: i32,
    pub frame: Vec<u8>,
}

/// No answer, and whether the peer may have acted on the request.
#[derive(Debug, Clone, PartialEq)]
pub struct Lost {
    pub sent: bool,
    pub error: Error,
}

impl From<Lost> for Error {
    fn from(lost: Lost) -> Self {
        lost.error
    }
}

impl Channel {
    pub fn new(connection: Connection, peer: String, correlation_of: fn(&[u8]) -> Option<i32>) -> Self {
        Self {
            connection,
            peer,
            correlation_of,
            awaited: BTreeSet::new(),
            parked: BTreeMap::new(),
            forgotten: BTreeSet::new(),
            broken: false,
        }
    }

    pub fn peer(&self) -> &str {
        &self.peer
    }

    /// The number for the next request: never one that another channel of this instance used lately.
    pub fn next_id(&mut self) -> i32 {
        static NEXT: AtomicI32 = AtomicI32::new(1);
        NEXT.fetch_add(1, Ordering::Relaxed) & i32::MAX
    }

    pub fn usable(&self) -> bool {
        !self.broken && self.connection.usable()
    }

    /// Sends without waiting; `receive` with the same id fetches the answer, now or later.
    pub fn send(&mut self, id: i32, pieces: Vec<Piece<'_>>) -> Result<(), Lost> {
        if self.broken {
            return Err(Lost { sent: false, error: self.closed("the connection failed earlier") });
        }
        match self.connection.send(pieces) {
            Ok(()) => {
                self.awaited.insert(id);
                Ok(())
            }
            Err(error) => {
                self.broken = true;
                Err(Lost { sent: true, error: named(error, &self.peer) })
            }
        }
    }

    /// The answer to the request with this id; answers to others are kept for them. A silent peer is given up.
    pub fn receive(&mut self, id: i32, timeout_ms: u64) -> Result<Vec<u8>> {
        loop {
            if let Some(frame) = self.parked.remove(&id) {
                return Ok(frame);
            }
            if !self.awaited.contains(&id) {
                let message = format!("{}: the connection that was asked is gone", self.peer);
                return Err(Error::unavailable(message));
            }
            if let Err(error) = ready(&[&*self], &[0], timeout_ms) {
                self.broken = true;
                return Err(named(error, &self.peer));
            }
            self.receive_any()?;
        }
    }

    /// Gives up an answer: it is dropped when it comes.
    pub fn forget(&mut self, id: i32) {
        if self.parked.remove(&id).is_none() && self.awaited.contains(&id) {
            self.forgotten.insert(id);
        }
    }

    /// Reads one frame and parks it under its request.
    fn receive_any(&mut self) -> Result<i32> {
        let received = if self.broken {
            Err(self.closed("the connection failed earlier"))
        } else {
            self.connection.receive(u32::MAX).map_err(|error| named(error, &self.peer))
        };
        let frame = match received {
            Ok(Some(frame)) => frame,
            Ok(None) => {
                self.broken = true;
                return Err(self.closed("the peer closed the connection"));
            }
            Err(error) => {
                self.broken = true;
                return Err(error);
            }
        };
        let id = (self.correlation_of)(&frame);
        match id {
            Some(id) if self.awaited.remove(&id) => {
                if !self.forgotten.remove(&id) {
                    self.parked.insert(id, frame);
                }
                Ok(id)
            }
            _ => {
                self.broken = true;
                let message = format!("{}: an answer to a request that was never sent", self.peer);
                Err(Error::protocol(message))
            }
        }
    }

    fn closed(&self, what: &str) -> Error {
        Error::unavailable(format_args!("{}: {what}", self.peer))
    }
}

/// What one channel has still to do in an exchange.
#[derive(Default)]
struct Line {
    queued: VecDeque<usize>,
    in_flight: Vec<usize>,
}

/// Sends all requests, each channel's in order and some ahead, and hands over each answer as it comes, with the
/// request's index. A peer that is silent for `timeout_ms` loses what it was asked; the others are not held up. A break
/// leaves the rest unanswered.
pub fn exchange(
    channels: &mut [&mut Channel],
    mut requests: Vec<Request>,
    timeout_ms: u64,
    mut on_answer: impl FnMut(usize, Result<Vec<u8>, Lost>) -> ControlFlow<()>,
) {
    let enough = Cell::new(false);
    let mut on_answer = |index: usize, answer: Result<Vec<u8>, Lost>| {
        if !enough.get() && on_answer(index, answer).is_break() {
            enough.set(true);
        }
    };
    let mut lines: Vec<Line> = channels.iter().map(|_| Line::default()).collect();
    for (index, request) in requests.iter().enumerate() {
        match lines.get_mut(request.channel) {
            Some(line) => line.queued.push_back(index),
            None => on_answer(index, Err(not_sent("no such channel"))),
        }
    }
    loop {
        for (channel, line) in channels.iter_mut().zip(&mut lines) {
            fill(channel, line, &mut requests, &mut on_answer);
        }
        let waiting: Vec<usize> = (0..lines.len())
            .filter(|index| lines.get(*index).is_some_and(|line| !line.in_flight.is_empty()))
            .collect();
        if waiting.is_empty() || enough.get() {
            return;
        }
        match ready(channels, &waiting, timeout_ms) {
            Ok(ready) => {
                for index in ready {
                    if let (Some(channel), Some(line)) = (channels.get_mut(index), lines.get_mut(index)) {
                        take(channel, line, &requests, &mut on_answer);
                    }
                }
            }
            Err(error) => {
                for index in waiting {
                    if let (Some(channel), Some(line)) = (channels.get_mut(index), lines.get_mut(index)) {
                        channel.broken = true;
                        abandon(line, &named(error.clone(), &channel.peer), &mut on_answer);
                    }
                }
            }
        }
    }
}

/// Sends what the window allows.
fn fill(
    channel: &mut Channel,
    line: &mut Line,
    requests: &mut [Request],
    on_answer: &mut impl FnMut(usize, Result<Vec<u8>, Lost>),
) {
    while line.in_flight.len() < IN_FLIGHT_MAX {
        let Some(index) = line.queued.pop_front() else { return };
        let Some(request) = requests.get_mut(index) else { return };
        let frame = std::mem::take(&mut request.frame);
        match channel.send(request.id, vec![Piece::Bytes(frame)]) {
            Ok(()) => line.in_flight.push(index),
            Err(lost) => on_answer(index, Err(lost)),
        }
    }
}

/// Which of the waiting channels have an answer; an error where none has in time.
fn ready<C: Borrow<Channel>>(channels: &[C], waiting: &[usize], timeout_ms: u64) -> Result<Vec<usize>> {
    let left_ms = timeout_ms.min(call::remaining_ms().saturating_sub(RESERVE_MS));
    let connections: Vec<&Connection> = waiting
        .iter()
        .filter_map(|index| channels.get(*index))
        .map(|channel| &channel.borrow().connection)
        .collect();
    let indexes = net::wait_readable(&connections, u32::try_from(left_ms).unwrap_or(u32::MAX))?;
    if indexes.is_empty() {
        let message = format!("no answer within {left_ms} ms");
        return Err(Error::new(ErrorKind::Timeout, message));
    }
    Ok(indexes.into_iter().filter_map(|index| waiting.get(index as usize).copied()).collect())
}

/// Reads one frame and hands it over.
fn take(
    channel: &mut Channel,
    line: &mut Line,
    requests: &[Request],
    on_answer: &mut impl FnMut(usize, Result<Vec<u8>, Lost>),
) {
    let id = match channel.receive_any() {
        Ok(id) => id,
        Err(error) => return abandon(line, &error, on_answer),
    };
    let place =
        line.in_flight.iter().position(|index| requests.get(*index).is_some_and(|request| request.id == id));
    // Without a place it answers an earlier call's request, and stays parked for it.
    if let Some(place) = place
        && let Some(frame) = channel.parked.remove(&id)
    {
        on_answer(line.in_flight.swap_remove(place), Ok(frame));
    }
}

/// The channel is gone: what was sent is lost, the rest was never sent.
fn abandon(line: &mut Line, error: &Error, on_answer: &mut impl FnMut(usize, Result<Vec<u8>, Lost>)) {
    for index in line.in_flight.drain(..) {
        on_answer(index, Err(Lost { sent: true, error: error.clone() }));
    }
    for index in line.queued.drain(..) {
        on_answer(index, Err(Lost { sent: false, error: error.clone() }));
    }
}

/// Said once: some of the host's errors name the peer themselves.
fn named(error: Error, peer: &str) -> Error {
    if error.message.contains(peer) { error } else { error.during(peer) }
}

fn not_sent(message: &str) -> Lost {
    Lost { sent: false, error: Error::internal(message) }
}
