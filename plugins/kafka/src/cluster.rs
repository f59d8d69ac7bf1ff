//! The brokers of one cluster and the connections to them: who is there, who answers, and questions to one or to all.

mod advice;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use headgate_sdk::framed::{self, Channel, Lost};
use headgate_sdk::net::{self, Connection, Options};
use headgate_sdk::{Error, ErrorKind, Result, log};
use kafka_protocol::messages::{MetadataRequest, MetadataResponse};
use kafka_protocol::protocol::{Request, StrBytes};

use crate::settings::{Mechanism, Settings};
use crate::wire::spliced::Stand;
use crate::wire::{
    self, FRAME_BYTES_MAX, Link, Prepare, READ_TIMEOUT_MS, Raw, Ready, Sent, codes, decode, sasl, versions,
};

/// A broker on the same continent accepts well within this.
const CONNECT_TIMEOUT_MS: u32 = 4_000;

/// A backstop behind the time-outs of each question.
const IO_TIMEOUT_MS: u32 = 28_000;

/// The first answer costs a broker nothing.
const HANDSHAKE_TIMEOUT_MS: u64 = 4_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broker {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) rack: Option<String>,
}

pub(crate) struct Brokers {
    settings: Settings,
    /// As the last Metadata answer named them.
    pub(crate) known: BTreeMap<i32, Broker>,
    links: BTreeMap<i32, Link>,
    /// A connection to an address of the form, before it is known which broker that is.
    seed: Option<Link>,
}

/// Which link a question goes to.
#[derive(Clone, Copy)]
enum At {
    Seed,
    Broker(i32),
}

/// How many of the addresses must serve before it goes on.
#[derive(Clone, Copy, PartialEq)]
enum Wanted {
    One,
    All,
}

impl Brokers {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, known: BTreeMap::new(), links: BTreeMap::new(), seed: None }
    }

    /// Whom the connections are logged in as, where that is a user of SCRAM.
    pub(crate) fn scram_login(&self) -> Option<&str> {
        let login = self.settings.login.as_ref()?;
        matches!(login.mechanism, Mechanism::ScramSha256 | Mechanism::ScramSha512)
            .then_some(login.username.as_str())
    }

    /// Asks whichever broker answers. A question that only reads is asked once more, elsewhere, when the connection fails.
    pub(crate) fn read<R: Request>(&mut self, request: &R) -> Result<R::Response> {
        let (at, answer) = self.read_from_any(&mut |link| link.prepare(request))?;
        decode::<R>(answer).map_err(|error| match self.link_at(at) {
            Ok(link) => error.during(link.channel.peer()),
            Err(_) => error,
        })
    }

    /// The same, with the answer as it came.
    pub(crate) fn read_raw<R: Request>(&mut self, request: &R) -> Result<Raw> {
        Ok(self.read_from_any(&mut |link| link.prepare(request))?.1)
    }

    fn read_from_any(&mut self, prepare: &mut Prepare<'_>) -> Result<(At, Raw)> {
        let at = self.any()?;
        match self.link_at(at)?.ask_raw(prepare, READ_TIMEOUT_MS) {
            Ok(answer) => Ok((at, answer)),
            Err(lost) if worth_another_try(&lost) => {
                log::debug("ask again elsewhere", &[("because", &lost.error.message)]);
                self.drop_unusable();
                let at = self.any()?;
                let answer = self.link_at(at)?.ask_raw(prepare, READ_TIMEOUT_MS);
                answer.map(|answer| (at, answer)).map_err(|lost| self.explain(lost.error))
            }
            Err(lost) => Err(lost.error),
        }
    }

    /// Asks whichever broker answers, once: what was sent may have been done.
    pub(crate) fn once<R: Request>(&mut self, request: &R, timeout_ms: u64) -> Result<R::Response, Lost> {
        self.once_spliced(request, &[], timeout_ms)
    }

    /// The same, with secrets in the places that stand for them.
    pub(crate) fn once_spliced<R: Request>(
        &mut self,
        request: &R,
        stands: &[&Stand],
        timeout_ms: u64,
    ) -> Result<R::Response, Lost> {
        let answer = self.once_raw(&mut |link| link.prepare(request), stands, timeout_ms)?;
        decode::<R>(answer).map_err(|error| Lost { sent: true, error })
    }

    fn once_raw(
        &mut self,
        prepare: &mut Prepare<'_>,
        stands: &[&Stand],
        timeout_ms: u64,
    ) -> Result<Raw, Lost> {
        let not_sent = |error| Lost { sent: false, error };
        let at = self.any().map_err(not_sent)?;
        self.link_at(at).map_err(not_sent)?.ask_spliced(prepare, stands, timeout_ms)
    }

    /// A question to each of these brokers, in flight together; the answers come in the order of the questions.
    pub(crate) fn ask_each<R: Request>(
        &mut self,
        questions: Vec<(i32, R)>,
        timeout_ms: u64,
    ) -> Vec<Result<R::Response, Lost>> {
        let (ids, requests): (Vec<i32>, Vec<R>) = questions.into_iter().unzip();
        let mut prepare = |index: usize, link: &mut Link| match requests.get(index) {
            Some(request) => link.prepare(request),
            None => Err(Error::internal("no such question")),
        };
        let answers = self.ask_each_raw(&ids, &mut prepare, timeout_ms);
        let decoded = |raw| decode::<R>(raw).map_err(|error| Lost { sent: true, error });
        answers.into_iter().map(|answer| answer.and_then(decoded)).collect()
    }

    fn ask_each_raw(
        &mut self,
        ids: &[i32],
        prepare: &mut dyn FnMut(usize, &mut Link) -> Result<Ready>,
        timeout_ms: u64,
    ) -> Vec<Result<Raw, Lost>> {
        let failures = self.connect_brokers(ids);
        let (mut order, mut links) = (Vec::new(), Vec::new());
        for (id, link) in &mut self.links {
            if ids.contains(id) {
                order.push(*id);
                links.push(link);
            }
        }
        // A broker without a link gets a position that no link has.
        let position = |id: &i32| order.iter().position(|known| known == id).unwrap_or(usize::MAX);
        let positions: Vec<usize> = ids.iter().map(position).collect();
        let mut answers = wire::ask_all(&mut links, &positions, prepare, timeout_ms);
        for (id, answer) in ids.iter().zip(&mut answers) {
            if let Some(error) = failures.get(id) {
                *answer = Err(Lost { sent: false, error: error.clone() });
            }
        }
        answers
    }

    /// The same without waiting: `receive` fetches each answer.
    pub(crate) fn send_each<R: Request>(&mut self, questions: Vec<(i32, R)>) -> Vec<Result<Sent<R>, Lost>> {
        let ids: Vec<i32> = questions.iter().map(|(id, _)| *id).collect();
        let failures = self.connect_brokers(&ids);
        let send = |(id, request): (i32, R)| match (self.links.get_mut(&id), failures.get(&id)) {
            (Some(link), None) => link.send(&request),
            (_, Some(error)) => Err(Lost { sent: false, error: error.clone() }),
            (None, None) => Err(Lost { sent: false, error: unknown_broker(id) }),
        };
        questions.into_iter().map(send).collect()
    }

    /// The answer as it came: who asked reads it.
    pub(crate) fn receive_raw<R>(&mut self, id: i32, sent: &Sent<R>, timeout_ms: u64) -> Result<Raw, Lost> {
        match self.links.get_mut(&id) {
            Some(link) => link.receive_raw(sent, timeout_ms),
            None => Err(Lost { sent: true, error: unknown_broker(id) }),
        }
    }

    /// Gives up an answer that was sent for.
    pub(crate) fn forget(&mut self, id: i32, request: i32) {
        if let Some(link) = self.links.get_mut(&id) {
            link.channel.forget(request);
        }
    }

    /// The versions that any broker at hand speaks.
    pub(crate) fn any_versions(&mut self) -> Result<versions::Versions> {
        let at = self.any()?;
        Ok(self.link_at(at)?.versions.clone())
    }

    /// What the broker on an open link speaks.
    pub(crate) fn versions_of(&self, id: i32) -> Option<&versions::Versions> {
        self.links.get(&id).map(|link| &link.versions)
    }

    /// Brokers and topics as one broker sees them: all topics where none are named, no topic for an empty list.
    pub(crate) fn metadata(&mut self, request: &MetadataRequest) -> Result<MetadataResponse> {
        let answer = self.read(request)?;
        if answer.error_code != codes::NONE {
            return Err(codes::error(answer.error_code, None, "read the cluster's metadata"));
        }
        self.known.clear();
        for broker in &answer.brokers {
            let port = u16::try_from(broker.port).unwrap_or_default();
            let rack = broker.rack.as_ref().map(ToString::to_string);
            self.known.insert(broker.node_id.0, Broker { host: broker.host.to_string(), port, rack });
        }
        self.links.retain(|id, link| link.usable() && self.known.contains_key(id));
        self.adopt_seed();
        Ok(answer)
    }

    /// The seed's address may be one that a broker advertises: then it serves as that broker's link.
    fn adopt_seed(&mut self) {
        let Some(seed) = &self.seed else { return };
        let named =
            self.known.iter().find(|(_, broker)| seed.channel.peer() == peer(&broker.host, broker.port));
        let Some((id, _)) = named.filter(|(id, _)| !self.links.contains_key(id)) else { return };
        let id = *id;
        if let Some(seed) = self.seed.take() {
            self.links.insert(id, seed);
        }
    }

    /// Lets go of the connection that `any` would take, for another broker's word.
    pub(crate) fn change_seed(&mut self) {
        if self.links.len() > 1 {
            self.links.pop_first();
        } else {
            self.links.clear();
            self.seed = None;
        }
    }

    /// A listener that wants a login closes the connection on the first real question.
    fn explain(&self, error: Error) -> Error {
        if self.known.is_empty() && self.settings.login.is_none() && error.kind == ErrorKind::Unavailable {
            let message = format!(
                "{} on the first question; does the listener want a login? Then set `security` to SASL_PLAINTEXT or SASL_SSL",
                error.message
            );
            return Error { kind: ErrorKind::Unauthenticated, message, ..error };
        }
        error
    }

    fn any(&mut self) -> Result<At> {
        self.drop_unusable();
        if let Some(id) = self.links.keys().next() {
            return Ok(At::Broker(*id));
        }
        if self.seed.is_none() {
            self.seed = Some(self.open_seed()?);
        }
        Ok(At::Seed)
    }

    fn link_at(&mut self, at: At) -> Result<&mut Link> {
        let link = match at {
            At::Seed => self.seed.as_mut(),
            At::Broker(id) => self.links.get_mut(&id),
        };
        link.ok_or_else(|| Error::internal("the connection went away"))
    }

    fn drop_unusable(&mut self) {
        self.links.retain(|_, link| link.usable());
        self.seed = self.seed.take().filter(Link::usable);
    }

    /// The first address that answers, of the form's and of those found before.
    fn open_seed(&mut self) -> Result<Link> {
        let mut addresses = self.settings.bootstrap.clone();
        for broker in self.known.values() {
            let address = (broker.host.clone(), broker.port);
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        let mut errors: Vec<Error> = Vec::new();
        for link in open_links(&self.settings, &addresses, Wanted::One) {
            match link {
                Ok(link) => return Ok(link),
                Err(error) if error.kind == ErrorKind::Cancelled => {}
                Err(error) => errors.push(error),
            }
        }
        Err(nobody_answers(errors))
    }

    /// Opens what is missing, all at once; gives those that failed.
    fn connect_brokers(&mut self, ids: &[i32]) -> BTreeMap<i32, Error> {
        self.drop_unusable();
        let mut failures = BTreeMap::new();
        let (mut missing, mut addresses) = (Vec::new(), Vec::new());
        for id in ids {
            match self.known.get(id) {
                _ if self.links.contains_key(id) || missing.contains(id) => {}
                Some(broker) => {
                    missing.push(*id);
                    addresses.push((broker.host.clone(), broker.port));
                }
                None => drop(failures.insert(*id, unknown_broker(*id))),
            }
        }
        for (id, link) in missing.into_iter().zip(open_links(&self.settings, &addresses, Wanted::All)) {
            match link {
                Ok(link) => drop(self.links.insert(id, link)),
                Err(error) => drop(failures.insert(id, error)),
            }
        }
        failures
    }
}

/// Connects, agrees on versions and logs in, at all addresses together.
fn open_links(settings: &Settings, addresses: &[(String, u16)], wanted: Wanted) -> Vec<Result<Link>> {
    if addresses.is_empty() {
        return Vec::new();
    }
    let options = Options {
        tls: settings.tls.clone(),
        framing: Some(net::four_byte_frames(FRAME_BYTES_MAX)),
        connect_timeout_ms: CONNECT_TIMEOUT_MS,
        io_timeout_ms: IO_TIMEOUT_MS,
    };
    let connections = net::connect_all(addresses, &options);
    let mut links: Vec<Result<Link>> = addresses
        .iter()
        .zip(connections)
        .map(|((host, port), connection)| unversioned(&peer(host, *port), connection))
        .collect();
    agree_on_versions(&mut links, wanted);
    for slot in &mut links {
        if let (Ok(link), Some(login)) = (slot.as_mut(), &settings.login)
            && let Err(error) = sasl::log_in(link, login)
        {
            let peer = link.channel.peer().to_owned();
            *slot = Err(named(error, &peer));
        }
    }
    links
}

fn unversioned(peer: &str, connection: Result<Connection>) -> Result<Link> {
    let connection = connection.map_err(|error| named(advice::connection(error), peer))?;
    let channel = Channel::new(connection, peer.to_owned(), wire::correlation_of);
    Ok(Link { channel, versions: versions::Versions::default(), expires_ns: None })
}

fn agree_on_versions(slots: &mut [Result<Link>], wanted: Wanted) {
    let (mut requests, mut failed) = (Vec::new(), Vec::new());
    let mut links: Vec<&mut Link> = slots.iter_mut().filter_map(|slot| slot.as_mut().ok()).collect();
    for (channel, link) in links.iter_mut().enumerate() {
        let id = link.channel.next_id();
        match versions::request(id) {
            Ok(frame) => requests.push(framed::Request { channel, id, frame }),
            Err(error) => failed.push((link.channel.peer().to_owned(), error)),
        }
    }
    let owners: Vec<usize> = requests.iter().map(|request| request.channel).collect();
    let mut answers: Vec<(usize, Result<versions::Versions>)> = Vec::new();
    let mut channels: Vec<&mut Channel> = links.iter_mut().map(|link| &mut link.channel).collect();
    framed::exchange(&mut channels, requests, HANDSHAKE_TIMEOUT_MS, |index, answer| {
        let Some(owner) = owners.get(index) else { return ControlFlow::Continue(()) };
        let answer = answer.map_err(Error::from).and_then(|frame| versions::parse(&frame));
        let serves = answer.is_ok();
        answers.push((*owner, answer));
        if serves && wanted == Wanted::One { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    if answers.iter().any(|(_, answer)| answer.is_ok()) && wanted == Wanted::One {
        let answered: Vec<usize> = answers.iter().map(|(owner, _)| *owner).collect();
        let slower = links.iter().enumerate().filter(|(owner, _)| !answered.contains(owner));
        failed.extend(slower.map(|(_, link)| {
            (link.channel.peer().to_owned(), Error::new(ErrorKind::Cancelled, "another was faster"))
        }));
    }
    for (owner, answer) in answers {
        let Some(link) = links.get_mut(owner) else { continue };
        match answer {
            Ok(found) => link.versions = found,
            Err(error) => failed.push((link.channel.peer().to_owned(), advice::first_exchange(error))),
        }
    }
    for (peer, error) in failed {
        let lost = slots.iter_mut().find(|slot| matches!(slot, Ok(link) if link.channel.peer() == peer));
        if let Some(slot) = lost {
            *slot = Err(named(error, &peer));
        }
    }
}

fn nobody_answers(mut errors: Vec<Error>) -> Error {
    if errors.len() == 1
        && let Some(error) = errors.pop()
    {
        return error;
    }
    let texts: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    let message = format!("none of the {} addresses serves: {}", texts.len(), texts.join("; "));
    // What stops every address (a wrong password) says more than what stops one.
    let common =
        errors.iter().map(|error| error.kind).reduce(|a, b| if a == b { a } else { ErrorKind::Unavailable });
    Error::new(common.unwrap_or(ErrorKind::Unavailable), message)
}

fn unknown_broker(id: i32) -> Error {
    Error::unavailable(format_args!("broker {id} is not in the cluster's metadata: it is down, or left"))
}

fn worth_another_try(lost: &Lost) -> bool {
    matches!(lost.error.kind, ErrorKind::Unavailable | ErrorKind::Timeout)
}

pub(crate) fn peer(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Said once, whether or not who failed named the peer.
fn named(error: Error, peer: &str) -> Error {
    if error.message.contains(peer) { error } else { error.during(peer) }
}

/// The protocol's own string.
pub(crate) fn text(value: &str) -> StrBytes {
    StrBytes::from_string(value.to_owned())
}
