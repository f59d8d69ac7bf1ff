//! Pages of topics: one Metadata answer names all of them, and configurations are asked for a page at a time, spread over
//! the brokers. The next page's configurations are asked for before a page is handed over, so that brokers and host work
//! at the same time.

use headgate_sdk::framed::Lost;
use headgate_sdk::json::{Map, Value};
use headgate_sdk::{Error, Failure, Page, Place, Query, Resource, Result};
use kafka_protocol::messages::{DescribeConfigsRequest, MetadataRequest};

use super::moving::Moving;
use super::{Row, configs_of};
use crate::cluster::Brokers;
use crate::configs::{SOURCE_TOPIC, Wanted};
use crate::types::TOPIC;
use crate::wire::told_configs::{self, Told};
use crate::wire::{READ_TIMEOUT_MS, Raw, Sent, codes};

/// Fewer are not worth a second broker's time.
const TOPICS_PER_REQUEST_MIN: usize = 100;

/// The listing that is being paged through.
#[derive(Default)]
pub(crate) struct Sweep {
    rows: Vec<Row>,
    ahead: Option<Ahead>,
}

/// Configurations of `rows[from..to]`, asked for and not read yet.
struct Ahead {
    from: usize,
    to: usize,
    wanted: Wanted,
    parts: Vec<Part>,
}

struct Part {
    broker: i32,
    from: usize,
    to: usize,
    sent: Result<Sent<DescribeConfigsRequest>, Lost>,
}

/// A topic's own settings, or why they could not be read; None where nothing was told.
type Config = Option<Result<Map<String, Value>>>;

impl Sweep {
    pub(crate) fn page(&mut self, brokers: &mut Brokers, query: &Query, limit: usize) -> Result<Page> {
        if query.place != Place::Cluster {
            return Err(Error::invalid_argument("topics live on the cluster, not on a node"));
        }
        let from = self.position(brokers, query.cursor.as_deref())?;
        let to = self.rows.len().min(from + limit);
        let wanted = Wanted::of(query.brief, &query.fields);
        let mut configs: Vec<Config> = (from..to).map(|_| None).collect();
        if wanted != Wanted::Nothing {
            let current = self.take_ahead(brokers, from, to, &wanted);
            let answers = receive(brokers, current.parts);
            if to < self.rows.len() {
                let next_to = self.rows.len().min(to + limit);
                self.ahead = Some(ask(brokers, &self.rows, to, next_to, wanted.clone()));
            }
            self.collect(brokers, answers, from, &wanted, &mut configs);
        }
        let mut page = self.assemble(from, to, &wanted, configs);
        if to < self.rows.len() {
            page.next = self.rows.get(to.wrapping_sub(1)).map(|row| row.name.clone());
        } else {
            *self = Self::default();
        }
        Ok(page)
    }

    /// Where the page begins: a sweep's first page takes a new listing, the others go on in it.
    fn position(&mut self, brokers: &mut Brokers, cursor: Option<&str>) -> Result<usize> {
        if cursor.is_none() || self.rows.is_empty() {
            self.abandon_ahead(brokers);
            let moving = Moving::now(brokers);
            let answer = brokers.metadata(&MetadataRequest::default().with_topics(None))?;
            self.rows = answer.topics.iter().filter_map(|topic| Row::of(topic, &moving)).collect();
            self.rows.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        }
        Ok(cursor.map_or(0, |cursor| self.rows.partition_point(|row| row.name.as_str() <= cursor)))
    }

    fn take_ahead(&mut self, brokers: &mut Brokers, from: usize, to: usize, wanted: &Wanted) -> Ahead {
        match self.ahead.take() {
            Some(ahead) if (ahead.from, ahead.to) == (from, to) && ahead.wanted == *wanted => ahead,
            other => {
                self.ahead = other;
                self.abandon_ahead(brokers);
                ask(brokers, &self.rows, from, to, wanted.clone())
            }
        }
    }

    fn abandon_ahead(&mut self, brokers: &mut Brokers) {
        for part in self.ahead.take().into_iter().flat_map(|ahead| ahead.parts) {
            if let Ok(sent) = part.sent {
                brokers.forget(part.broker, sent.id);
            }
        }
    }

    /// Reads the answers into `configs`, of the rows from `first` on; what one broker failed to tell, another is asked for.
    fn collect(
        &self,
        brokers: &mut Brokers,
        answers: Vec<Answered>,
        first: usize,
        wanted: &Wanted,
        configs: &mut [Config],
    ) {
        for answer in answers {
            let rows = self.rows.get(answer.from..answer.to).unwrap_or_default();
            let Some(configs) = configs.get_mut(answer.from - first..answer.to - first) else { continue };
            let names = rows.iter().map(|row| row.name.as_str());
            let answered = match answer.result {
                Ok(raw) => Ok(raw),
                Err(_) => brokers.read_raw(&configs_of(names, wanted)),
            };
            if let Err(error) = answered.and_then(|raw| read_configs(&raw, rows, configs)) {
                configs.iter_mut().for_each(|config| *config = Some(Err(error.clone())));
            }
        }
    }

    fn assemble(&self, from: usize, to: usize, wanted: &Wanted, configs: Vec<Config>) -> Page {
        let (mut resources, mut failures) = (Vec::with_capacity(to - from), Vec::new());
        for (row, config) in self.rows.get(from..to).unwrap_or_default().iter().zip(configs) {
            match resource(row, wanted, config) {
                Ok(Some(resource)) => resources.push(resource),
                Ok(None) => {}
                Err(error) => failures.push(failure(&row.name, error)),
            }
        }
        Page { resources, failures, next: None, version: None, extra: None }
    }
}

/// None where the topic went away since it was listed.
fn resource(row: &Row, wanted: &Wanted, config: Config) -> Result<Option<Resource>> {
    match row.code {
        codes::NONE => {}
        codes::UNKNOWN_TOPIC_OR_PARTITION => return Ok(None),
        // Leaders are being elected: what is told counts all the same.
        _ if row.partitions > 0 => {}
        code => return Err(codes::error(code, None, &format!("read topic {}", row.name))),
    }
    if *wanted == Wanted::Nothing {
        return Ok(Some(row.resource(None, true)));
    }
    match config {
        Some(Ok(config)) => Ok(Some(row.resource(Some(config), *wanted != Wanted::Everything))),
        Some(Err(error)) if error.code.as_deref() == Some("UNKNOWN_TOPIC_OR_PARTITION") => Ok(None),
        Some(Err(error)) => Err(error),
        None => Err(Error::protocol(format_args!("the broker told nothing of topic {}", row.name))),
    }
}

fn failure(name: &str, error: Error) -> Failure {
    Failure { metadata_type: TOPIC.to_owned(), id: Some(name.to_owned()), place: Place::Cluster, error }
}

/// Sends the questions for these rows, a part to each broker, and waits for none.
fn ask(brokers: &mut Brokers, rows: &[Row], from: usize, to: usize, wanted: Wanted) -> Ahead {
    let ids: Vec<i32> = brokers.known.keys().copied().collect();
    let parts = ids.len().min((to - from).div_ceil(TOPICS_PER_REQUEST_MIN)).max(1);
    let size = (to - from).div_ceil(parts).max(1);
    let mut requests = Vec::new();
    let mut bounds = Vec::new();
    for (start, broker) in (from..to).step_by(size).zip(&ids) {
        let end = to.min(start + size);
        let names = rows.get(start..end).unwrap_or_default().iter().map(|row| row.name.as_str());
        requests.push((*broker, configs_of(names, &wanted)));
        bounds.push((*broker, start, end));
    }
    let sent = brokers.send_each(requests);
    let part = |((broker, from, to), sent)| Part { broker, from, to, sent };
    Ahead { from, to, wanted, parts: bounds.into_iter().zip(sent).map(part).collect() }
}

struct Answered {
    from: usize,
    to: usize,
    result: Result<Raw, Lost>,
}

fn receive(brokers: &mut Brokers, parts: Vec<Part>) -> Vec<Answered> {
    let receive = |part: Part| Answered {
        from: part.from,
        to: part.to,
        result: part.sent.and_then(|sent| brokers.receive_raw(part.broker, &sent, READ_TIMEOUT_MS)),
    };
    parts.into_iter().map(receive).collect()
}

/// Brokers answer in the order of the question; where one does not, the names tell.
fn read_configs(raw: &Raw, rows: &[Row], configs: &mut [Config]) -> Result<()> {
    for (position, told) in told_configs::set_at(SOURCE_TOPIC, raw)?.into_iter().enumerate() {
        let is_there = rows.get(position).is_some_and(|row| row.name == told.name);
        let position = if is_there {
            Some(position)
        } else {
            rows.binary_search_by(|row| row.name.as_str().cmp(told.name)).ok()
        };
        if let Some(place) = position.and_then(|position| configs.get_mut(position)) {
            *place = Some(own_settings(told));
        }
    }
    Ok(())
}

fn own_settings(told: Told<'_>) -> Result<Map<String, Value>> {
    match told.code {
        codes::NONE => Ok(told.set),
        code => {
            let what = format!("read the configuration of topic {}", told.name);
            Err(codes::error(code, told.message, &what))
        }
    }
}
