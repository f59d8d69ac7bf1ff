//! The servers of one cluster and the connections to them: who is there, who answers, and questions to one or to all.

mod advice;
mod members;
mod named;

use std::collections::BTreeMap;

use headgate_sdk::address;
use headgate_sdk::framed::{Channel, Lost};
use headgate_sdk::net::{self, Options};
use headgate_sdk::{Error, ErrorKind, Result, call, log, secrets};

use crate::settings::{self, Settings};
use crate::wire::{self, Answer, FRAME_BYTES_MAX, Request, Signer, codes};

pub(crate) use members::{Group, MASTER, Members};

/// A server on the same continent accepts well within this.
const CONNECT_TIMEOUT_MS: u32 = 4_000;

/// A backstop behind the time-outs of each question.
const IO_TIMEOUT_MS: u32 = 28_000;

/// Which brokers there are costs a name server nothing: who is silent for longer is down, and another is asked.
const NAME_SERVER_TIMEOUT_MS: u64 = 3_000;

pub(crate) struct Servers {
    settings: Settings,
    signer: Option<Signer>,
    /// The name servers, the one that answered last in front.
    name_servers: Vec<String>,
    /// As the name servers told last, and what they told before.
    pub(crate) members: Members,
    links: BTreeMap<String, Channel>,
    /// How often each server was connected to: who is on its second connection may have been started anew.
    connected: BTreeMap<String, u64>,
}

/// Whether a question may be asked twice.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Effect {
    Read,
    Write,
}

impl Servers {
    pub(crate) fn new(settings: Settings) -> Result<Self> {
        let signer = match &settings.login {
            Some(login) => Some(Signer {
                access_key: login.access_key.clone(),
                secret: secrets::get(&login.secret_key)?,
            }),
            None => None,
        };
        let name_servers = settings.name_servers.iter().map(address::shown).collect();
        let members = Members::restore(settings.cluster.as_deref());
        Ok(Self {
            settings,
            signer,
            name_servers,
            members,
            links: BTreeMap::new(),
            connected: BTreeMap::new(),
        })
    }

    /// The user for whom requests are signed.
    pub(crate) fn login(&self) -> Option<&str> {
        self.settings.login.as_ref().map(|login| login.access_key.as_str())
    }

    /// All of the form, in its order.
    pub(crate) fn name_servers(&self) -> Vec<String> {
        self.settings.name_servers.iter().map(address::shown).collect()
    }

    /// Learns which brokers there are, from the first name server that knows some. One that has just been restarted knows
    /// none until they have called it.
    pub(crate) fn refresh(&mut self) -> Result<()> {
        let (mut empty, mut errors) = (None, Vec::new());
        for address in self.name_servers.clone() {
            let question = (address.clone(), Request::new(codes::CLUSTER_INFO));
            let answers = self.ask_each_for(&[question], Effect::Read, NAME_SERVER_TIMEOUT_MS);
            match answers.into_iter().next().map(|answer| members::told(answer, &address)) {
                Some(Ok(told)) if told.is_empty() => empty = Some(told),
                Some(Ok(told)) => {
                    self.prefer(&address);
                    return self.learn(told);
                }
                Some(Err(error)) => errors.push(error),
                None => {}
            }
        }
        match empty {
            Some(told) => self.learn(told),
            None => Err(nobody_answers(errors)),
        }
    }

    /// What all name servers know, put together: an answer of each, and what they told.
    pub(crate) fn refresh_from_all(&mut self) -> Result<Vec<(String, Result<()>)>> {
        let addresses = self.name_servers();
        let questions: Vec<(String, Request)> =
            addresses.iter().map(|address| (address.clone(), Request::new(codes::CLUSTER_INFO))).collect();
        let answers = self.ask_each_for(&questions, Effect::Read, NAME_SERVER_TIMEOUT_MS);
        let (mut all, mut states) = (members::Told::new(), Vec::new());
        for (address, answer) in addresses.into_iter().zip(answers) {
            match members::told(answer, &address) {
                Ok(told) => {
                    all.extend(told);
                    states.push((address, Ok(())));
                }
                Err(error) => states.push((address, Err(error))),
            }
        }
        if states.iter().all(|(_, state)| state.is_err()) {
            return Err(nobody_answers(states.into_iter().filter_map(|(_, state)| state.err()).collect()));
        }
        if let Some((address, _)) = states.iter().find(|(_, state)| state.is_ok()) {
            self.prefer(&address.clone());
        }
        self.learn(all)?;
        Ok(states)
    }

    fn learn(&mut self, mut told: members::Told) -> Result<()> {
        self.add_named(&mut told);
        let before = self.members.clone();
        self.members.learn(told, self.settings.cluster.as_deref(), call::now_ms())?;
        self.members.save(&before);
        Ok(())
    }

    fn prefer(&mut self, address: &str) {
        if let Some(at) = self.name_servers.iter().position(|known| known == address) {
            let chosen = self.name_servers.remove(at);
            self.name_servers.insert(0, chosen);
        }
    }

    /// Stays the same for as long as a connection lasts.
    pub(crate) fn connection_of(&self, address: &str) -> Option<u64> {
        self.connected.get(address).copied()
    }

    pub(crate) fn read_each(&mut self, questions: &[(String, Request)]) -> Vec<Result<Answer, Lost>> {
        self.ask_each_for(questions, Effect::Read, wire::READ_TIMEOUT_MS)
    }

    /// Each answer is handed over as it comes, while the others are still on their way; nothing is asked twice.
    pub(crate) fn read_as_they_come(
        &mut self,
        questions: &[(String, Request)],
        on_answer: impl FnMut(usize, Result<Answer, Lost>),
    ) {
        self.ask_once(&questions.iter().collect::<Vec<_>>(), wire::READ_TIMEOUT_MS, on_answer);
    }

    pub(crate) fn write_each(&mut self, questions: &[(String, Request)]) -> Vec<Result<Answer, Lost>> {
        self.ask_each_for(questions, Effect::Write, wire::WRITE_TIMEOUT_MS)
    }

    /// These questions to these addresses, all in flight together; the answers come in the order of the questions. A server
    /// that is going away is asked once more on a new connection: it did nothing. So is one whose kept connection
    /// turned out to be gone, unless the question writes.
    pub(crate) fn ask_each_for(
        &mut self,
        questions: &[(String, Request)],
        effect: Effect,
        timeout_ms: u64,
    ) -> Vec<Result<Answer, Lost>> {
        let all: Vec<usize> = (0..questions.len()).collect();
        let kept: Vec<bool> = questions.iter().map(|(address, _)| self.links.contains_key(address)).collect();
        let mut answers = self.ask_some(questions, &all, timeout_ms);
        let again: Vec<usize> = answers
            .iter()
            .zip(kept)
            .enumerate()
            .filter(|(_, (answer, kept))| match answer {
                Ok(answer) => answer.code == codes::GO_AWAY,
                Err(lost) => *kept && effect == Effect::Read && lost.error.kind == ErrorKind::Unavailable,
            })
            .map(|(index, _)| index)
            .collect();
        if again.is_empty() {
            return answers;
        }
        for index in &again {
            if let Some((address, _)) = questions.get(*index) {
                log::debug("ask again on a new connection", &[("peer", address)]);
                self.links.remove(address);
            }
        }
        for (index, answer) in again.iter().zip(self.ask_some(questions, &again, timeout_ms)) {
            if let Some(slot) = answers.get_mut(*index) {
                *slot = answer;
            }
        }
        answers
    }

    fn ask_some(
        &mut self,
        questions: &[(String, Request)],
        chosen: &[usize],
        timeout_ms: u64,
    ) -> Vec<Result<Answer, Lost>> {
        let chosen: Vec<&(String, Request)> =
            chosen.iter().filter_map(|index| questions.get(*index)).collect();
        let unsent = || Err(Lost { sent: false, error: Error::internal("the request was not sent") });
        let mut answers: Vec<Result<Answer, Lost>> = chosen.iter().map(|_| unsent()).collect();
        self.ask_once(&chosen, timeout_ms, |index, answer| {
            if let Some(slot) = answers.get_mut(index) {
                *slot = answer;
            }
        });
        answers
    }

    /// Hands over each answer as it comes, with the index of its question.
    fn ask_once(
        &mut self,
        questions: &[&(String, Request)],
        timeout_ms: u64,
        mut on_answer: impl FnMut(usize, Result<Answer, Lost>),
    ) {
        let failures = self.connect(questions.iter().map(|(address, _)| address.as_str()));
        let (order, mut channels): (Vec<&String>, Vec<&mut Channel>) = self.links.iter_mut().unzip();
        let (mut requests, mut origins) = (Vec::new(), Vec::new());
        for (origin, (address, request)) in questions.iter().enumerate() {
            match (failures.get(address.as_str()), order.binary_search(&address)) {
                (Some(error), _) => on_answer(origin, Err(Lost { sent: false, error: error.clone() })),
                (None, Ok(position)) => {
                    requests.push((position, request));
                    origins.push(origin);
                }
                (None, Err(_)) => {}
            }
        }
        wire::ask_each(&mut channels, &requests, self.signer.as_ref(), timeout_ms, |index, answer| {
            if let Some(origin) = origins.get(index) {
                on_answer(*origin, answer);
            }
        });
    }

    /// Opens what is missing, all at once; gives those that failed.
    fn connect<'a>(&mut self, addresses: impl Iterator<Item = &'a str>) -> BTreeMap<String, Error> {
        self.links.retain(|_, link| link.usable());
        let mut failures = BTreeMap::new();
        let (mut missing, mut targets) = (Vec::new(), Vec::new());
        for address in addresses {
            if self.links.contains_key(address) || missing.contains(&address) {
                continue;
            }
            match address::parse(address, settings::PORT) {
                Some(target) => {
                    missing.push(address);
                    targets.push(target);
                }
                None => {
                    let error = Error::protocol(format_args!("{address:?} is no address of a server"));
                    failures.insert(address.to_owned(), error);
                }
            }
        }
        if targets.is_empty() {
            return failures;
        }
        let options = Options {
            tls: self.settings.tls.clone(),
            framing: Some(net::four_byte_frames(FRAME_BYTES_MAX)),
            connect_timeout_ms: CONNECT_TIMEOUT_MS,
            io_timeout_ms: IO_TIMEOUT_MS,
        };
        for (address, connection) in missing.into_iter().zip(net::connect_all(&targets, &options)) {
            match connection {
                Ok(connection) => {
                    let link = Channel::new(connection, address.to_owned(), wire::correlation_of);
                    self.links.insert(address.to_owned(), link);
                    *self.connected.entry(address.to_owned()).or_default() += 1;
                }
                Err(error) => {
                    let error = advice::connection(named(error, address));
                    failures.insert(address.to_owned(), error);
                }
            }
        }
        failures
    }
}

fn nobody_answers(mut errors: Vec<Error>) -> Error {
    if errors.len() == 1
        && let Some(error) = errors.pop()
    {
        return error;
    }
    let texts: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    let message = format!("none of the {} name servers answers: {}", texts.len(), texts.join("; "));
    let common =
        errors.iter().map(|error| error.kind).reduce(|a, b| if a == b { a } else { ErrorKind::Unavailable });
    Error::new(common.unwrap_or(ErrorKind::Unavailable), message)
}

/// Said once, whether or not who failed named the peer.
pub(crate) fn named(error: Error, peer: &str) -> Error {
    if error.message.contains(peer) { error } else { error.during(peer) }
}
