//! Connections to servers, and one exchange over many of them: every server is sent all that it is asked at once, and one that is
//! silent holds up none of the others.

use headgate_sdk::framed::Lost;
use headgate_sdk::net::{self, Connection};
use headgate_sdk::{Error, ErrorKind, Result, call};

use crate::refusals;
use crate::resp::{self, ANSWER_BYTES_MAX, Answer, Command};

/// Of a whole exchange: answers come from memory, and a server that saves its configuration does so in between.
const EXCHANGE_TIMEOUT_MS: u64 = 4_000;

/// Left of the call's time for telling the host how it went.
const RESERVE_MS: u64 = 250;

/// Taken of a connection at a time.
const CHUNK_BYTES: u32 = 64 << 10;

pub(crate) struct Link {
    connection: Connection,
    peer: String,
    /// Of an answer whose end has not come yet.
    heard: Vec<u8>,
    broken: bool,
}

impl Link {
    pub(crate) fn new(connection: Connection, peer: String) -> Self {
        Self { connection, peer, heard: Vec::new(), broken: false }
    }

    pub(crate) fn usable(&self) -> bool {
        !self.broken && self.connection.usable()
    }

    /// What is read of it says which of the answers are whole.
    fn read(&mut self) -> Result<Vec<Answer>> {
        let Some(chunk) = self.connection.receive(CHUNK_BYTES)? else {
            return Err(Error::unavailable("the server closed the connection"));
        };
        self.heard.extend_from_slice(&chunk);
        let (mut answers, mut done) = (Vec::new(), 0);
        while let Some((answer, length)) = resp::read(self.heard.get(done..).unwrap_or_default())? {
            answers.push(answer);
            done += length;
        }
        self.heard.drain(..done);
        if self.heard.len() > ANSWER_BYTES_MAX {
            let message = format!("an answer is longer than the {ANSWER_BYTES_MAX} bytes that are taken");
            return Err(Error::new(ErrorKind::Exhausted, message));
        }
        Ok(answers)
    }
}

/// What one server is asked, in order.
pub(crate) struct Part<'a> {
    pub(crate) link: &'a mut Link,
    pub(crate) commands: &'a [Command],
}

/// An answer to each command of each part, or why they did not all come.
pub(crate) fn exchange(parts: Vec<Part<'_>>) -> Vec<Result<Vec<Answer>, Lost>> {
    let mut lines: Vec<Line<'_>> = parts.into_iter().map(Line::begin).collect();
    let end_ns = call::monotonic_ns() + EXCHANGE_TIMEOUT_MS * 1_000_000;
    loop {
        let waiting: Vec<usize> =
            lines.iter().enumerate().filter(|(_, line)| line.waits()).map(|(index, _)| index).collect();
        if waiting.is_empty() {
            return lines.into_iter().map(Line::end).collect();
        }
        let connections: Vec<&Connection> = waiting
            .iter()
            .filter_map(|index| lines.get(*index))
            .map(|line| &line.part.link.connection)
            .collect();
        let ready = ready(&connections, end_ns);
        drop(connections);
        match ready {
            Ok(ready) => {
                for index in ready.into_iter().filter_map(|index| waiting.get(index as usize)) {
                    if let Some(line) = lines.get_mut(*index) {
                        line.take();
                    }
                }
            }
            Err(error) => {
                for line in lines.iter_mut().filter(|line| line.waits()) {
                    line.lose(error.clone());
                }
            }
        }
    }
}

/// Indexes of those with something to read; an error where the time is over.
fn ready(connections: &[&Connection], end_ns: u64) -> Result<Vec<u32>> {
    let left_ms = end_ns.saturating_sub(call::monotonic_ns()) / 1_000_000;
    let left_ms = left_ms.min(call::remaining_ms().saturating_sub(RESERVE_MS));
    let late = || Error::new(ErrorKind::Timeout, "no answer in time");
    if left_ms == 0 {
        return Err(late());
    }
    let ready = net::wait_readable(connections, u32::try_from(left_ms).unwrap_or(u32::MAX))?;
    if ready.is_empty() { Err(late()) } else { Ok(ready) }
}

/// One server's part of an exchange as it goes.
struct Line<'a> {
    part: Part<'a>,
    answers: Vec<Answer>,
    lost: Option<Lost>,
}

impl<'a> Line<'a> {
    fn begin(part: Part<'a>) -> Self {
        let mut line = Self { part, answers: Vec::new(), lost: None };
        match resp::named(line.part.commands) {
            Ok(secrets) => {
                let pieces = resp::pieces(line.part.commands, &secrets);
                if let Err(error) = line.part.link.connection.send(pieces) {
                    line.lose(error);
                }
            }
            Err(error) => line.lost = Some(Lost { sent: false, error }),
        }
        line
    }

    fn waits(&self) -> bool {
        self.lost.is_none() && self.answers.len() < self.part.commands.len()
    }

    fn take(&mut self) {
        match self.part.link.read() {
            Ok(answers) => self.answers.extend(answers),
            Err(error) => self.lose(error),
        }
        // More than was asked for: whose answers they are cannot be told any more.
        self.part.link.broken |= self.answers.len() > self.part.commands.len();
    }

    /// Who takes no more clients, or none from elsewhere, says so unasked and hangs up.
    fn lose(&mut self, error: Error) {
        self.part.link.broken = true;
        let error = match self.answers.last() {
            Some(Answer::Refused(text)) if text.starts_with("DENIED") || text.starts_with("ERR max") => {
                refusals::error(text)
            }
            _ => error,
        };
        self.lost = Some(Lost { sent: true, error: named(error, &self.part.link.peer) });
    }

    fn end(self) -> Result<Vec<Answer>, Lost> {
        self.lost.map_or(Ok(self.answers), Err)
    }
}

/// Said once: some of the host's errors name the peer themselves.
pub(crate) fn named(error: Error, peer: &str) -> Error {
    if error.message.contains(peer) { error } else { error.during(peer) }
}
