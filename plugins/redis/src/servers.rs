//! The servers as ones to ask: kept connections, and what each told of itself when it was last asked.

use std::collections::BTreeMap;

use headgate_sdk::address::{self, Address};
use headgate_sdk::framed::Lost;
use headgate_sdk::net::{self, Options};
use headgate_sdk::{Error, ErrorKind, Place, Result};

use crate::info::{self, Info, Mode};
use crate::link::{self, Link, Part};
use crate::members::{self, Known, Member};
use crate::refusals::taken;
use crate::resp::{Answer, Command};
use crate::settings::{Login, Settings};
use crate::topology;

/// A server on the same continent accepts well within this.
const CONNECT_TIMEOUT_MS: u32 = 2_000;

/// A backstop behind the time-out of each exchange.
const IO_TIMEOUT_MS: u32 = 10_000;

/// A master, its replicas, and theirs: how often those are asked that the last ones named.
const ROUNDS_MAX: usize = 4;

pub(crate) struct Servers {
    pub(crate) settings: Settings,
    known: Known,
    links: BTreeMap<Address, Link>,
}

/// A member, and what it told just now.
pub(crate) struct Server {
    pub(crate) member: Member,
    pub(crate) told: Result<Info>,
}

/// All of them.
pub(crate) struct Seen {
    pub(crate) is_cluster: bool,
    pub(crate) servers: Vec<Server>,
}

impl Seen {
    /// Those at that place, in order of their ids.
    pub(crate) fn at(&self, place: &Place) -> Vec<&Server> {
        let is_there = |member: &Member| match place {
            Place::Cluster => true,
            Place::Group(group) => member.group == *group,
            Place::Node(id) => member.id == *id,
        };
        let mut servers: Vec<&Server> =
            self.servers.iter().filter(|server| is_there(&server.member)).collect();
        servers.sort_by(|one, other| one.member.id.cmp(&other.member.id));
        servers
    }
}

type Told = Vec<(Address, Result<Info>)>;

impl Servers {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, known: members::restore(), links: BTreeMap::new() }
    }

    /// Who is there, and what each tells of itself. An error instead where nobody answers.
    pub(crate) fn refresh(&mut self) -> Result<Seen> {
        let told = self.begin()?;
        if told.iter().any(|(_, told)| told.as_ref().is_ok_and(|info| info.mode == Mode::Sentinel)) {
            let message = "`addresses` names a Sentinel: name the servers that it watches";
            return Err(Error::unsupported(message).code("SENTINEL"));
        }
        let is_cluster = told
            .iter()
            .find_map(|(_, told)| told.as_ref().ok())
            .is_some_and(|info| info.mode == Mode::Cluster);
        let servers = if is_cluster { self.cluster(told)? } else { self.alone(told) };
        let members = servers.iter().map(|server| server.member.clone()).collect();
        let known = Known { is_cluster, members };
        if known != self.known {
            members::save(&known);
            self.known = known;
        }
        let known = &self.known.members;
        self.links.retain(|address, _| known.iter().any(|member| member.address == *address));
        Ok(Seen { is_cluster, servers })
    }

    /// A cluster's nodes know of each other, so that the form is only asked where none of them answers; of other servers
    /// the form may name new ones.
    fn begin(&mut self) -> Result<Told> {
        let form = self.settings.addresses.clone();
        let mut addresses: Vec<Address> =
            self.known.members.iter().map(|member| member.address.clone()).collect();
        if !self.known.is_cluster {
            let known = std::mem::replace(&mut addresses, form.clone());
            addresses.extend(known.into_iter().filter(|address| !form.contains(address)));
        }
        let mut told = self.inform(addresses);
        if self.known.is_cluster && !told.iter().any(|(_, told)| told.is_ok()) {
            let others = form.into_iter().filter(|address| !told.iter().any(|(asked, _)| asked == address));
            let others: Vec<Address> = others.collect();
            told.extend(self.inform(others));
        }
        if told.iter().any(|(_, told)| told.is_ok()) { Ok(told) } else { Err(nobody(told)) }
    }

    fn cluster(&mut self, mut told: Told) -> Result<Vec<Server>> {
        let nodes = vec![Command::new(["CLUSTER", "NODES"])];
        let mut lost = None;
        let mut members = Vec::new();
        let good: Vec<Address> =
            told.iter().filter(|(_, told)| told.is_ok()).map(|(address, _)| address.clone()).collect();
        for address in good {
            let answers = self.ask(&[(address.clone(), nodes.clone())]).pop();
            match answers.map(|answers| nodes_of(answers, &address)) {
                Some(Ok(found)) => {
                    members = found;
                    break;
                }
                Some(Err(error)) => lost = Some(error),
                None => {}
            }
        }
        if members.is_empty() {
            return Err(lost.unwrap_or_else(|| Error::protocol("the cluster tells of no nodes")));
        }
        let others = members.iter().map(|member| member.address.clone());
        let others = others.filter(|address| !told.iter().any(|(asked, _)| asked == address)).collect();
        told.extend(self.inform(others));
        let mut told: BTreeMap<Address, Result<Info>> = told.into_iter().collect();
        let unasked = || Err(Error::internal("the node was not asked"));
        let server = |member: Member| {
            let told = told.remove(&member.address).unwrap_or_else(unasked);
            Server { member, told }
        };
        Ok(members.into_iter().map(server).collect())
    }

    fn alone(&mut self, mut told: Told) -> Vec<Server> {
        for _ in 0..ROUNDS_MAX {
            let others = topology::named(&told);
            if others.is_empty() {
                break;
            }
            told.extend(self.inform(others));
        }
        let members = topology::of_servers(&told, &self.known.members);
        let mut told: BTreeMap<Address, Result<Info>> = told.into_iter().collect();
        let unasked = || Err(Error::internal("the server was not asked"));
        let server = |member: Member| {
            let told = told.remove(&member.address).unwrap_or_else(unasked);
            Server { member, told }
        };
        members.into_iter().map(server).collect()
    }

    /// What each of these tells of itself, all asked at once.
    fn inform(&mut self, addresses: Vec<Address>) -> Told {
        let questions: Vec<(Address, Vec<Command>)> =
            addresses.into_iter().map(|address| (address, info::commands())).collect();
        let answers = self.ask(&questions);
        let told = |((address, _), answers): ((Address, Vec<Command>), Result<Vec<Answer>, Lost>)| {
            let peer = address::shown(&address);
            let told = answers.map_err(Error::from).and_then(|answers| Info::read(&answers));
            (address, told.map_err(|error| link::named(error, &peer)))
        };
        questions.into_iter().zip(answers).map(told).collect()
    }

    /// What each of these is asked, all in flight together: an answer to each command, in order. An address stands once.
    pub(crate) fn ask(&mut self, questions: &[(Address, Vec<Command>)]) -> Vec<Result<Vec<Answer>, Lost>> {
        let addresses: Vec<Address> = questions.iter().map(|(address, _)| address.clone()).collect();
        let mut links = self.links(&addresses);
        let mut parts = Vec::new();
        for (link, (_, commands)) in links.iter_mut().zip(questions) {
            if let Ok(link) = link {
                parts.push(Part { link, commands });
            }
        }
        let mut answers = link::exchange(parts).into_iter();
        let mut all = Vec::new();
        for (link, address) in links.into_iter().zip(addresses) {
            match link {
                Ok(link) => {
                    let missing = || Err(Lost { sent: false, error: Error::internal("nothing was asked") });
                    all.push(answers.next().unwrap_or_else(missing));
                    if link.usable() {
                        self.links.insert(address, link);
                    }
                }
                Err(error) => all.push(Err(Lost { sent: false, error })),
            }
        }
        all
    }

    /// Kept ones where they still hold, else new ones, logged in.
    fn links(&mut self, addresses: &[Address]) -> Vec<Result<Link>> {
        let mut links: Vec<Option<Result<Link>>> =
            addresses.iter().map(|address| self.links.remove(address).filter(Link::usable).map(Ok)).collect();
        let missing = addresses.iter().zip(&links).filter(|(_, link)| link.is_none());
        let missing: Vec<Address> = missing.map(|(address, _)| address.clone()).collect();
        let mut made = if missing.is_empty() { Vec::new() } else { self.connect(&missing) }.into_iter();
        let unmade = || Err(Error::internal("the server was not connected to"));
        for link in &mut links {
            if link.is_none() {
                *link = Some(made.next().unwrap_or_else(unmade));
            }
        }
        links.into_iter().map(|link| link.unwrap_or_else(unmade)).collect()
    }

    /// Nothing is asked of who was not let in: without its login a server would take Headgate for somebody else.
    fn connect(&self, addresses: &[Address]) -> Vec<Result<Link>> {
        let options = Options {
            tls: self.settings.tls.clone(),
            framing: None,
            connect_timeout_ms: CONNECT_TIMEOUT_MS,
            io_timeout_ms: IO_TIMEOUT_MS,
        };
        let connections = net::connect_all(addresses, &options);
        let link = |(connection, address): (Result<_>, &Address)| {
            let peer = address::shown(address);
            match connection {
                Ok(connection) => Ok(Link::new(connection, peer)),
                Err(error) => Err(link::named(error, &peer)),
            }
        };
        let mut links: Vec<Result<Link>> = connections.into_iter().zip(addresses).map(link).collect();
        if let Some(login) = &self.settings.login {
            log_in(login, &mut links, addresses);
        }
        links
    }
}

fn log_in(login: &Login, links: &mut [Result<Link>], addresses: &[Address]) {
    let command = match &login.username {
        Some(username) => Command::new(["AUTH"]).word(username).secret("", &login.password),
        None => Command::new(["AUTH"]).secret("", &login.password),
    };
    let commands = [command];
    let opened = links.iter_mut().filter_map(|link| link.as_mut().ok());
    let parts = opened.map(|link| Part { link, commands: &commands }).collect();
    let mut answers = link::exchange(parts).into_iter();
    for (link, address) in links.iter_mut().zip(addresses) {
        if link.is_err() {
            continue;
        }
        let answer = answers.next().unwrap_or_else(|| Ok(Vec::new()));
        let let_in = answer.map_err(Error::from).and_then(|answers| match answers.first() {
            Some(answer) => taken(answer).map(drop),
            None => Err(Error::internal("there was no answer to the login")),
        });
        if let Err(error) = let_in {
            let user = login.username.as_deref().unwrap_or("the password");
            let during = format!("{}: log in with {user}", address::shown(address));
            let error =
                if error.message.contains(&address::shown(address)) { error } else { error.during(during) };
            *link = Err(error);
        }
    }
}

fn nodes_of(answers: Result<Vec<Answer>, Lost>, address: &Address) -> Result<Vec<Member>> {
    let answers = answers?;
    let missing = || Error::protocol("the answer to CLUSTER NODES is no text");
    let answer = taken(answers.first().ok_or_else(missing)?);
    let answer = answer.map_err(|error| error.during("read the nodes of the cluster"))?;
    Ok(topology::of_cluster(answer.text().ok_or_else(missing)?, address))
}

/// Why nobody answers: who is not let in is told so, whatever the others say.
fn nobody(told: Told) -> Error {
    let errors: Vec<Error> = told.into_iter().filter_map(|(_, told)| told.err()).collect();
    let first = |kind| errors.iter().find(|error| error.kind == kind).cloned();
    if let Some(error) = first(ErrorKind::Unauthenticated) {
        return error;
    }
    let texts: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    let common =
        errors.iter().map(|error| error.kind).reduce(|a, b| if a == b { a } else { ErrorKind::Unavailable });
    let message = format!("no server answers: {}", texts.join("; "));
    let code = match errors.as_slice() {
        [one] => one.code.clone(),
        _ => None,
    };
    Error { code, ..Error::new(common.unwrap_or(ErrorKind::Unavailable), message) }
}
