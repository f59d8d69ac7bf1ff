//! The ensemble as one thing to ask: a session with whichever server gives one, and the servers that there are.

use headgate_sdk::address::{self, Address};
use headgate_sdk::net::{self, Options};
use headgate_sdk::{Error, ErrorKind, Result};

use crate::members::{self, Member};
use crate::settings::Settings;
use crate::wire::{DATA, FRAME_BYTES_MAX, Link, Op, SYNC};
use crate::words::{self, State};

/// A server on the same continent accepts well within this; a few that never answer leave time for the last.
const CONNECT_TIMEOUT_MS: u32 = 2_000;

/// A backstop behind the time-outs of each question.
const IO_TIMEOUT_MS: u32 = 10_000;

/// Here an ensemble tells of whom it consists, and anybody may read it by default.
const CONFIG: &str = "/zookeeper/config";

pub(crate) struct Ensemble {
    settings: Settings,
    pub(crate) members: Vec<Member>,
    link: Option<Link>,
}

impl Ensemble {
    pub(crate) fn new(settings: Settings) -> Self {
        let members = members::restore(&settings);
        Self { settings, members, link: None }
    }

    /// Learns of whom the ensemble consists. What it keeps to itself is no error: then the form counts.
    pub(crate) fn refresh(&mut self) -> Result<()> {
        let config = self.ask_one(&DATA, CONFIG)?.unwrap_or_default();
        let told = members::of_config(&String::from_utf8_lossy(&config), &self.settings);
        let members = members::with_named(told.clone(), &self.settings);
        if members != self.members {
            members::save(&told);
            self.members = members;
        }
        Ok(())
    }

    /// Each member's word of itself, all at once.
    pub(crate) fn states(&self) -> Vec<(&Member, Result<State>)> {
        let addresses: Vec<Address> = self.members.iter().map(|member| member.address.clone()).collect();
        let told = words::ask(&addresses, self.settings.tls.as_ref(), CONNECT_TIMEOUT_MS);
        self.members.iter().zip(told).collect()
    }

    /// Whoever is asked next knows all that anybody was told before.
    pub(crate) fn catch_up(&mut self) -> Result<()> {
        self.ask_one(&SYNC, "/")?.map(drop)
    }

    /// The same question about each path: an answer each, in order. An error instead means that nobody answers. A kept
    /// session that has ended meanwhile is replaced by a new one.
    pub(crate) fn ask<T>(&mut self, op: &Op<T>, paths: &[String]) -> Result<Vec<Result<T>>> {
        if let Some(mut link) = self.link.take().filter(Link::usable) {
            match link.ask(op, paths) {
                Ok(answers) => {
                    self.link = Some(link);
                    return Ok(answers);
                }
                // It ended while nobody looked.
                Err(error) if error.kind == ErrorKind::Unavailable => {}
                Err(error) => return Err(error),
            }
        }
        let mut link = self.connect()?;
        let answers = link.ask(op, paths)?;
        self.link = Some(link);
        Ok(answers)
    }

    fn ask_one<T>(&mut self, op: &Op<T>, path: &str) -> Result<Result<T>> {
        let missing = || Error::internal("the question was not answered");
        Ok(self.ask(op, &[path.to_owned()])?.pop().unwrap_or_else(|| Err(missing())))
    }

    /// A session with the first that gives one: those of the form, then those that the ensemble named.
    fn connect(&self) -> Result<Link> {
        let options = Options {
            tls: self.settings.tls.clone(),
            framing: Some(net::four_byte_frames(FRAME_BYTES_MAX)),
            connect_timeout_ms: CONNECT_TIMEOUT_MS,
            io_timeout_ms: IO_TIMEOUT_MS,
        };
        let known = self.members.iter().map(|member| &member.address);
        let others = known.filter(|address| !self.settings.servers.contains(address));
        let mut errors = Vec::new();
        for address in self.settings.servers.iter().chain(others) {
            let peer = address::shown(address);
            let connection = net::connect(&address.0, address.1, &options);
            match connection.and_then(|made| Link::open(made, peer.clone(), self.settings.login.as_ref())) {
                Err(error) if error.kind != ErrorKind::Unauthenticated => errors.push(named(error, &peer)),
                answer => return answer,
            }
        }
        Err(nobody_serves(&errors))
    }

    pub(crate) fn close(self) {
        if let Some(link) = self.link {
            link.close();
        }
    }
}

/// Said once, whether or not who failed named the peer.
fn named(error: Error, peer: &str) -> Error {
    if error.message.contains(peer) { error } else { error.during(peer) }
}

fn nobody_serves(errors: &[Error]) -> Error {
    let texts: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    let common =
        errors.iter().map(|error| error.kind).reduce(|a, b| if a == b { a } else { ErrorKind::Unavailable });
    let message = format!("no server gives a session: {}", texts.join("; "));
    Error::new(common.unwrap_or(ErrorKind::Unavailable), message)
}
