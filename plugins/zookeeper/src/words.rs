//! Four-letter words: sent bare, answered in text, and then the server closes. `srvr` is allowed whatever the whitelist says,
//! and costs no session.

use headgate_sdk::Result;
use headgate_sdk::address::Address;
use headgate_sdk::net::{self, Connection, Options, Piece, Tls};

const WORD: &[u8] = b"srvr";

/// Who is silent for longer does not serve anybody else either; a few of them leave time for the rest of the call.
const TIMEOUT_MS: u32 = 2_000;

/// The answer is ten lines.
const ANSWER_BYTES_MAX: usize = 16 << 10;

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum State {
    Serves {
        /// `leader`, `follower`, `observer`, `standalone`, `read-only`, …
        mode: String,
        version: Option<String>,
    },
    /// It runs, and has no quorum or is starting.
    Waits,
    /// None of ZooKeeper's answers, or one of a release that forbids the word.
    Odd,
}

impl State {
    fn read(text: &str) -> Self {
        let field = |name: &str| {
            let values = text.lines().filter_map(|line| line.trim().strip_prefix(name)?.strip_prefix(':'));
            values.map(str::trim).find(|value| !value.is_empty())
        };
        match field("Mode") {
            Some(mode) => {
                Self::Serves { mode: mode.to_owned(), version: field("Zookeeper version").and_then(release) }
            }
            None if text.contains("not currently serving requests") => Self::Waits,
            None => Self::Odd,
        }
    }
}

/// `3.9.5-4b1c…, built on 2026-01-30 12:00 UTC` is 3.9.5.
fn release(text: &str) -> Option<String> {
    let number = text.split(['-', ',', ' ']).next()?;
    (number.contains('.') && number.starts_with(|first: char| first.is_ascii_digit()))
        .then(|| number.to_owned())
}

/// Asks all of them, and only then listens to the first; an answer each, in order.
pub(crate) fn ask(addresses: &[Address], tls: Option<&Tls>, connect_timeout_ms: u32) -> Vec<Result<State>> {
    let options = Options { tls: tls.cloned(), framing: None, connect_timeout_ms, io_timeout_ms: TIMEOUT_MS };
    let ask = |made: Connection| made.send(vec![Piece::Bytes(WORD.to_vec())]).map(|()| made);
    let asked: Vec<Result<Connection>> =
        net::connect_all(addresses, &options).into_iter().map(|made| made.and_then(ask)).collect();
    asked.into_iter().map(|asked| Ok(State::read(&answer(&asked?)?))).collect()
}

fn answer(connection: &Connection) -> Result<String> {
    let mut text = Vec::new();
    while text.len() < ANSWER_BYTES_MAX {
        match connection.receive(u32::MAX) {
            Ok(Some(bytes)) => text.extend_from_slice(&bytes),
            Ok(None) => break,
            // It closes at once behind its last word, and that may reach us as a reset.
            Err(_) if !text.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serves(mode: &str, version: Option<&str>) -> State {
        State::Serves { mode: mode.to_owned(), version: version.map(str::to_owned) }
    }

    #[test]
    fn what_a_server_says_is_found_among_other_lines() {
        let text = "Zookeeper version: 3.9.5-4b1c0e, built on 2026-01-30 12:00 UTC\nLatency min/avg/max: 0/0.5/9\n\
            Received: 3\nZxid: 0x100000002\nMode: leader\nProposal sizes last/min/max: 48/48/48\nNode count: 5\n";
        assert_eq!(State::read(text), serves("leader", Some("3.9.5")));
        assert_eq!(State::read("Mode: follower\r\n"), serves("follower", None));
        let odd = "\n::\nMode:\nZookeeper version: unknown\nMode : x\n Mode: standalone \nMode: twice";
        assert_eq!(State::read(odd), serves("standalone", None));
    }

    #[test]
    fn who_does_not_serve_says_why() {
        let waits = "This ZooKeeper instance is not currently serving requests\n";
        assert_eq!(State::read(waits), State::Waits);
        let forbidden = "srvr is not executed because it is not in the whitelist.\n";
        for odd in [forbidden, "", "HTTP/1.1 400 Bad Request", "Zookeeper version: 3.9.5", "Mode"] {
            assert_eq!(State::read(odd), State::Odd, "{odd}");
        }
    }

    #[test]
    fn a_release_is_the_number_alone() {
        assert_eq!(release("3.5.0-alpha--1, built on 1").as_deref(), Some("3.5.0"));
        assert_eq!(release("3.10.1").as_deref(), Some("3.10.1"));
        assert_eq!(release("${zookeeper.version}"), None);
    }
}
