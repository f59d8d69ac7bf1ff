//! One session with one cluster: sends each question to the type that it concerns.

use headgate_sdk::{
    Check, Cluster, Error, Health, Lookup, Outcome, Page, Place, Query, ResourceKey, Result, StorageDriver,
    Target, Write, call,
};

use crate::cluster::Servers;
use crate::settings::Settings;
use crate::types::{
    self, ACL, BROKER_CONFIG, CLIENT, CONSUMER_GROUP, CONSUMER_GROUP_CONFIG, NAME_SERVER_CONFIG, TOPIC, USER,
};
use crate::{access, clients, copies, discover, groups, node_configs};

/// A page that the host asks for without a limit.
const PAGE_ROWS_MAX: usize = 1_000;

/// The plugin, bound to one cluster.
pub struct RocketMq {
    servers: Servers,
    told: discover::Told,
    topics: copies::list::Sweep,
    group_configs: copies::list::Sweep,
    groups: groups::list::Sweep,
    clients: clients::list::Sweep,
    users: access::list::Sweep,
    acls: access::list::Sweep,
}

impl StorageDriver for RocketMq {
    fn open(target: &Target) -> Result<Self> {
        Ok(Self {
            servers: Servers::new(Settings::parse(&target.connection)?.with_nodes(&target.nodes))?,
            told: discover::Told::default(),
            topics: copies::list::Sweep::default(),
            group_configs: copies::list::Sweep::default(),
            groups: groups::list::Sweep::default(),
            clients: clients::list::Sweep::default(),
            users: access::list::Sweep::default(),
            acls: access::list::Sweep::default(),
        })
    }

    fn probe(&mut self) -> Result<Vec<Check>> {
        let start = call::monotonic_ns();
        let states = self.servers.refresh_from_all()?;
        let latency_us = (call::monotonic_ns() - start) / 1_000;
        let check = |(address, state): (String, Result<()>)| Check {
            name: "name-server".to_owned(),
            place: Place::Node(address),
            health: if state.is_ok() { Health::Up } else { Health::Down },
            latency_us: state.is_ok().then_some(latency_us),
            message: state.err().map(|error| error.message),
        };
        let mut checks: Vec<Check> = states.into_iter().map(check).collect();
        checks.extend(self.servers.members.masters().into_iter().map(|(group, master)| Check {
            name: "master".to_owned(),
            place: Place::Group(group),
            health: if master.is_ok() { Health::Up } else { Health::Down },
            latency_us: None,
            message: master.err().map(|error| error.message),
        }));
        Ok(checks)
    }

    fn discover(&mut self) -> Result<Cluster> {
        discover::discover(&mut self.servers, &mut self.told)
    }

    fn list_resources(&mut self, query: &Query) -> Result<Page> {
        let limit = match query.limit as usize {
            0 => PAGE_ROWS_MAX,
            limit => limit.min(PAGE_ROWS_MAX),
        };
        let servers = &mut self.servers;
        match of(&query.metadata_type) {
            Some(Of::Copy(kind)) if kind.metadata_type == TOPIC => {
                self.topics.page(servers, kind, query, limit)
            }
            Some(Of::Copy(kind)) => self.group_configs.page(servers, kind, query, limit),
            Some(Of::NodeConfig(kind)) => node_configs::list(servers, kind, query, limit),
            Some(Of::Access(kind)) if kind.metadata_type == ACL => {
                self.acls.page(servers, kind, query, limit)
            }
            Some(Of::Access(kind)) => self.users.page(servers, kind, query, limit),
            Some(Of::ConsumerGroup) => self.groups.page(servers, query, limit),
            Some(Of::Client) => self.clients.page(servers, query, limit),
            None => Err(unknown_type(&query.metadata_type)),
        }
    }

    fn get_resources(&mut self, keys: &[ResourceKey]) -> Result<Vec<Lookup>> {
        let mut answers: Vec<Option<Lookup>> = keys.iter().map(|_| None).collect();
        for (name, asked) in by_type(keys.iter().map(|key| key.metadata_type.as_str())) {
            let chosen: Vec<&ResourceKey> = asked.iter().filter_map(|index| keys.get(*index)).collect();
            let servers = &mut self.servers;
            let found = match of(&name) {
                Some(Of::Copy(kind)) => copies::get::get(servers, kind, &chosen),
                Some(Of::NodeConfig(kind)) => node_configs::get(servers, kind, &chosen),
                Some(Of::Access(kind)) => access::list::get(servers, kind, &chosen),
                Some(Of::ConsumerGroup) => groups::get::get(servers, &chosen),
                Some(Of::Client) => clients::list::get(servers, &chosen),
                None => Err(unknown_type(&name)),
            };
            let found = found.unwrap_or_else(|error| vec![Lookup::Failed(error); asked.len()]);
            scatter(&mut answers, &asked, found);
        }
        let missing = || Lookup::Failed(Error::internal("no answer was found"));
        Ok(answers.into_iter().map(|answer| answer.unwrap_or_else(missing)).collect())
    }

    fn write_resources(&mut self, writes: &[Write], dry_run: bool) -> Result<Vec<Outcome>> {
        let mut outcomes: Vec<Option<Outcome>> = writes.iter().map(|_| None).collect();
        for (name, asked) in by_type(writes.iter().map(|write| write.key.metadata_type.as_str())) {
            let chosen: Vec<&Write> = asked.iter().filter_map(|index| writes.get(*index)).collect();
            let servers = &mut self.servers;
            let done = match of(&name) {
                Some(Of::Copy(kind)) => copies::write::write(servers, kind, &chosen, dry_run),
                Some(Of::NodeConfig(kind)) => node_configs::write(servers, kind, &chosen, dry_run),
                Some(Of::Access(kind)) => access::write::write(servers, kind, &chosen, dry_run),
                Some(Of::ConsumerGroup | Of::Client) => {
                    chosen.iter().map(|_| Outcome::Failed(read_only(&name))).collect()
                }
                None => chosen.iter().map(|_| Outcome::Failed(unknown_type(&name))).collect(),
            };
            scatter(&mut outcomes, &asked, done);
        }
        let missing = || Outcome::Unknown(Error::internal("no outcome was found"));
        Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(missing)).collect())
    }
}

/// What a type's name stands for.
#[derive(Clone, Copy)]
pub(crate) enum Of {
    Copy(&'static copies::Kind),
    NodeConfig(&'static node_configs::Kind),
    Access(&'static access::Kind),
    ConsumerGroup,
    Client,
}

pub(crate) fn of(metadata_type: &str) -> Option<Of> {
    match metadata_type {
        TOPIC => Some(Of::Copy(&copies::TOPIC)),
        CONSUMER_GROUP_CONFIG => Some(Of::Copy(&copies::GROUP_CONFIG)),
        BROKER_CONFIG => Some(Of::NodeConfig(&node_configs::BROKER)),
        NAME_SERVER_CONFIG => Some(Of::NodeConfig(&node_configs::NAME_SERVER)),
        CONSUMER_GROUP => Some(Of::ConsumerGroup),
        CLIENT => Some(Of::Client),
        USER => Some(Of::Access(&access::USER)),
        ACL => Some(Of::Access(&access::ACL)),
        _ => None,
    }
}

/// The positions of each type, in the order in which the types first appear.
fn by_type<'a>(names: impl Iterator<Item = &'a str>) -> Vec<(String, Vec<usize>)> {
    let mut types: Vec<(String, Vec<usize>)> = Vec::new();
    for (index, name) in names.enumerate() {
        match types.iter_mut().find(|(known, _)| known == name) {
            Some((_, indexes)) => indexes.push(index),
            None => types.push((name.to_owned(), vec![index])),
        }
    }
    types
}

fn scatter<T>(all: &mut [Option<T>], places: &[usize], values: Vec<T>) {
    for (place, value) in places.iter().zip(values) {
        if let Some(slot) = all.get_mut(*place) {
            *slot = Some(value);
        }
    }
}

pub(crate) fn unknown_type(name: &str) -> Error {
    Error::invalid_argument(format_args!("RocketMQ has no type {name}: it has {}", types::NAMES.join(", ")))
}

pub(crate) fn read_only(name: &str) -> Error {
    Error::unsupported(if name == CLIENT {
        "clients can only be read: they connect and leave by themselves"
    } else {
        "consumer groups can only be read; their settings are the type consumer-group-config"
    })
}
