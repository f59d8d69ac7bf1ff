//! One session with one server: the handshake, the login, and questions about paths, many in flight together.

mod codes;
mod records;

use std::ops::ControlFlow;

use headgate_sdk::framed::{self, Channel};
use headgate_sdk::net::{self, Connection, Piece};
use headgate_sdk::secrets::{self, Encoding};
use headgate_sdk::{Error, ErrorKind, Result};

use crate::jute::{Reader, Writer};
use crate::settings::Login;

pub(crate) use records::{ACL, Acl, CHILDREN, DATA, DESCENDANTS, EXISTS, Op, SYNC, Stat};

/// The names of a thousand children are far less; ZooKeeper's own default for what clients take is 1 MiB.
pub(crate) const FRAME_BYTES_MAX: u32 = 4 << 20;

/// A server that has a quorum gives a session well within this.
const HANDSHAKE_TIMEOUT_MS: u32 = 2_000;

/// Answers come from memory; counting the descendants of a znode walks all there are.
const READ_TIMEOUT_MS: u64 = 8_000;

/// What servers give by default at most: a session outlives the pause between two looks.
const SESSION_TIMEOUT_MS: i32 = 40_000;

const AUTH_ID: i32 = -4;
const AUTH: i32 = 100;
const CLOSE_SESSION: i32 = -11;

pub(crate) struct Link {
    channel: Channel,
}

impl Link {
    /// Asks for a session, and shows who asks.
    pub(crate) fn open(connection: Connection, peer: String, login: Option<&Login>) -> Result<Self> {
        let named = |error: Error| error.during(&peer);
        connection.send(vec![Piece::Bytes(hello())]).map_err(named)?;
        if net::wait_readable(&[&connection], HANDSHAKE_TIMEOUT_MS)?.is_empty() {
            let message = format!("{peer}: no session within {HANDSHAKE_TIMEOUT_MS} ms");
            return Err(Error::new(ErrorKind::Timeout, message));
        }
        let welcome = connection.receive(u32::MAX).map_err(named)?.ok_or_else(|| unwelcome(&peer))?;
        accepted(&welcome, &peer)?;
        let mut link = Self { channel: Channel::new(connection, peer, id_of) };
        if let Some(login) = login {
            link.log_in(login)?;
        }
        Ok(link)
    }

    /// The password's place in the packet is filled by the host.
    fn log_in(&mut self, login: &Login) -> Result<()> {
        let secret = secrets::get(&login.password)?;
        let user = format!("{}:", login.username);
        let count = u32::try_from(user.len()).unwrap_or(u32::MAX).saturating_add(secret.length());
        let packet = Writer::default().int(AUTH_ID).int(AUTH).int(0).bytes(b"digest");
        let packet = packet.int(i32::try_from(count).unwrap_or(i32::MAX)).raw(user.as_bytes()).done();
        self.channel.send(AUTH_ID, vec![Piece::Bytes(packet), Piece::Secret(&secret, Encoding::Raw)])?;
        let answer = self.channel.receive(AUTH_ID, READ_TIMEOUT_MS)?;
        body(&answer).map(drop).map_err(|error| error.during(format_args!("log in as {}", login.username)))
    }

    pub(crate) fn usable(&self) -> bool {
        self.channel.usable()
    }

    /// The same question about each path; an answer each, in order. An error instead means that the session is gone.
    pub(crate) fn ask<T>(&mut self, op: &Op<T>, paths: &[String]) -> Result<Vec<Result<T>>> {
        let frame = |path: &String| {
            let id = self.channel.next_id();
            framed::Request { channel: 0, id, frame: op.frame(id, path) }
        };
        let requests = paths.iter().map(frame).collect();
        let (mut answers, mut gone) = (Vec::new(), None);
        // One connection answers in the order of the questions.
        framed::exchange(&mut [&mut self.channel], requests, READ_TIMEOUT_MS, |index, answer| {
            let path = paths.get(index).map(String::as_str).unwrap_or_default();
            let answer = match answer {
                Ok(frame) => op.read(&frame).map_err(|error| error.during(path)),
                Err(lost) => Err(lost.error),
            };
            match answer {
                Err(error) if is_gone(&error) => {
                    gone = Some(error);
                    ControlFlow::Break(())
                }
                answer => {
                    answers.push(answer);
                    ControlFlow::Continue(())
                }
            }
        });
        gone.map_or(Ok(answers), Err)
    }

    /// Best effort: the server ends a session by itself that is silent for long.
    pub(crate) fn close(mut self) {
        let id = self.channel.next_id();
        let farewell = Writer::default().int(id).int(CLOSE_SESSION).done();
        drop(self.channel.send(id, vec![Piece::Bytes(farewell)]));
    }
}

/// Nothing seen before, no session to go on with, no read-only server.
fn hello() -> Vec<u8> {
    let fresh = Writer::default().int(0).long(0).int(SESSION_TIMEOUT_MS).long(0);
    fresh.bytes(&[0; 16]).flag(false).done()
}

fn accepted(welcome: &[u8], peer: &str) -> Result<()> {
    let mut reader = Reader::new(welcome);
    let (_version, timeout_ms) = (reader.int()?, reader.int()?);
    if timeout_ms > 0 { Ok(()) } else { Err(unwelcome(peer)) }
}

fn unwelcome(peer: &str) -> Error {
    Error::unavailable(format_args!(
        "{peer} gives no session: it has no quorum, is starting, is full, or speaks TLS only"
    ))
}

/// What comes behind the header of an answer that says success.
fn body(frame: &[u8]) -> Result<Reader<'_>> {
    let mut reader = Reader::new(frame);
    let (_id, _zxid, code) = (reader.int()?, reader.long()?, reader.int()?);
    if code == 0 { Ok(reader) } else { Err(codes::error(code)) }
}

fn id_of(frame: &[u8]) -> Option<i32> {
    Reader::new(frame).int().ok()
}

fn is_gone(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Unauthenticated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_without_time_is_none() {
        let welcome =
            |timeout_ms: i32| Writer::default().int(0).int(timeout_ms).long(7).bytes(&[0; 16]).done();
        assert!(accepted(&welcome(4_000), "h:1").is_ok());
        assert_eq!(accepted(&welcome(0), "h:1").unwrap_err().kind, ErrorKind::Unavailable);
        assert_eq!(accepted(b"HTTP/1", "h:1").unwrap_err().kind, ErrorKind::Protocol);
    }

    #[test]
    fn an_answer_is_read_or_refused_in_words() {
        let answer = |code: i32| Writer::default().int(1).long(2).int(code);
        let children = answer(0).int(1).bytes(b"a").done();
        assert_eq!(CHILDREN.read(&children).unwrap(), ["a"]);
        let forbidden = CHILDREN.read(&answer(-102).done()).unwrap_err();
        assert_eq!(
            (forbidden.kind, forbidden.code.as_deref()),
            (ErrorKind::PermissionDenied, Some("NOAUTH"))
        );
        assert_eq!(CHILDREN.read(&answer(-999).done()).unwrap_err().kind, ErrorKind::Other);
        assert_eq!(EXISTS.read(&answer(0).long(1).done()).unwrap_err().kind, ErrorKind::Protocol);
    }
}
