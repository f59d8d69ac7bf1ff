//! One session with one cluster: sends each question to the type that it concerns.

use headgate_sdk::{
    Check, Cluster, Error, ErrorKind, Health, Lookup, Outcome, Page, Place, Query, ResourceKey, Result,
    StorageDriver, Target, Write, call,
};
use kafka_protocol::messages::MetadataRequest;

use crate::cluster::Brokers;
use crate::settings::Settings;
use crate::types::{
    self, ACL, BROKER_CONFIG, CONSUMER_GROUP, LOG_DIR, QUORUM, QUOTA, SHARE_GROUP, TOPIC, USER,
};
use crate::{acls, broker_configs, discover, groups, log_dirs, quorum, quotas, topics, users};

/// A page that the host asks for without a limit.
const PAGE_ROWS_MAX: usize = 1_000;

/// The plugin, bound to one cluster.
pub struct Kafka {
    pub(crate) brokers: Brokers,
    topics: topics::list::Sweep,
    groups: groups::list::Sweep,
    share_groups: groups::list::Sweep,
    acls: acls::list::Sweep,
    quotas: quotas::list::Sweep,
    log_dirs: log_dirs::Sweep,
    users: users::list::Sweep,
}

impl StorageDriver for Kafka {
    fn open(target: &Target) -> Result<Self> {
        Ok(Self {
            brokers: Brokers::new(Settings::parse(&target.connection)?.beginning_at(&target.nodes)),
            topics: topics::list::Sweep::default(),
            groups: groups::list::Sweep::of(groups::list::Kind::Consumer),
            share_groups: groups::list::Sweep::of(groups::list::Kind::Share),
            acls: acls::list::Sweep::default(),
            quotas: quotas::list::Sweep::default(),
            log_dirs: log_dirs::Sweep::default(),
            users: users::list::Sweep::default(),
        })
    }

    fn probe(&mut self) -> Result<Vec<Check>> {
        let start = call::monotonic_ns();
        let answer = self.brokers.metadata(&MetadataRequest::default().with_topics(Some(Vec::new())))?;
        let latency_us = (call::monotonic_ns() - start) / 1_000;
        let message = format!("{} brokers answer", answer.brokers.len());
        Ok(vec![Check {
            name: "metadata".to_owned(),
            place: Place::Cluster,
            health: Health::Up,
            latency_us: Some(latency_us),
            message: Some(message),
        }])
    }

    fn discover(&mut self) -> Result<Cluster> {
        discover::discover(&mut self.brokers)
    }

    fn list_resources(&mut self, query: &Query) -> Result<Page> {
        let limit = match query.limit as usize {
            0 => PAGE_ROWS_MAX,
            limit => limit.min(PAGE_ROWS_MAX),
        };
        match query.metadata_type.as_str() {
            TOPIC => self.topics.page(&mut self.brokers, query, limit),
            BROKER_CONFIG => broker_configs::list(&mut self.brokers, query, limit),
            CONSUMER_GROUP => self.groups.page(&mut self.brokers, query, limit),
            ACL => self.acls.page(&mut self.brokers, query, limit),
            QUOTA => self.quotas.page(&mut self.brokers, query, limit),
            USER => self.users.page(&mut self.brokers, query, limit),
            LOG_DIR => self.log_dirs.page(&mut self.brokers, query, limit),
            QUORUM => quorum::list(&mut self.brokers, query),
            SHARE_GROUP => self.share_groups.page(&mut self.brokers, query, limit),
            other => Err(unknown_type(other)),
        }
    }

    fn get_resources(&mut self, keys: &[ResourceKey]) -> Result<Vec<Lookup>> {
        let mut answers: Vec<Option<Lookup>> = keys.iter().map(|_| None).collect();
        for (name, asked) in by_type(keys.iter().map(|key| key.metadata_type.as_str())) {
            let chosen: Vec<&ResourceKey> = asked.iter().filter_map(|index| keys.get(*index)).collect();
            let found = match name.as_str() {
                TOPIC => topics::get::get(&mut self.brokers, &chosen),
                BROKER_CONFIG => broker_configs::get(&mut self.brokers, &chosen),
                CONSUMER_GROUP => groups::get::get(&mut self.brokers, &chosen),
                ACL => acls::list::get(&mut self.brokers, &chosen),
                QUOTA => quotas::list::get(&mut self.brokers, &chosen),
                USER => users::list::get(&mut self.brokers, &chosen),
                LOG_DIR => log_dirs::get(&mut self.brokers, &chosen),
                QUORUM => quorum::get(&mut self.brokers, &chosen),
                SHARE_GROUP => groups::share::get(&mut self.brokers, &chosen),
                other => Err(unknown_type(other)),
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
            let done = match name.as_str() {
                TOPIC => topics::write::write(&mut self.brokers, &chosen, dry_run),
                BROKER_CONFIG => broker_configs::write(&mut self.brokers, &chosen, dry_run),
                ACL => acls::write::write(&mut self.brokers, &chosen, dry_run),
                QUOTA => quotas::write::write(&mut self.brokers, &chosen, dry_run),
                USER => users::write::write(&mut self.brokers, &chosen, dry_run),
                name @ (CONSUMER_GROUP | LOG_DIR | QUORUM | SHARE_GROUP) => {
                    chosen.iter().map(|_| Outcome::Failed(read_only(name))).collect()
                }
                other => chosen.iter().map(|_| Outcome::Failed(unknown_type(other))).collect(),
            };
            scatter(&mut outcomes, &asked, done);
        }
        let missing = || Outcome::Unknown(Error::internal("no outcome was found"));
        Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(missing)).collect())
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
    Error::invalid_argument(format_args!("Kafka has no type {name}: it has {}", types::NAMES.join(", ")))
}

pub(crate) fn read_only(name: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format_args!("a {name} can only be read"))
}
