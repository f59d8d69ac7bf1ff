//! What masters hold of a type, read page by page, all masters at once; of each object only what is asked for is kept.
//!
//! From RocketMQ 5.4 on a broker tells its objects in pages of 2,000, and says so by telling how many there are. An older one
//! knows no pages and tells everything. A whole answer may have 16 MiB (95,000 topics), and takes six times as much memory
//! while it is read: pages keep a plugin with ten thousands of topics within what the host lends it.

use std::collections::{BTreeMap, BTreeSet};

use headgate_sdk::framed::Lost;
use headgate_sdk::json::{Map, Value};
use headgate_sdk::{Error, Result, log};
use serde::Deserialize;

use super::table::{self, Keep};
use super::{Kind, is_internal_group};
use crate::cluster::Servers;
use crate::types;
use crate::wire::{Answer, Request, codes};

/// A broker cuts it to its own `splitMetadataSize`, which is the same unless it was set.
const PAGE_OBJECTS: u64 = 2_000;

/// How often a dump begins anew because something was written meanwhile; then everything is asked for at once.
const RESTARTS_MAX: u32 = 3;

/// An object as a broker tells it.
pub(crate) type Object = Map<String, Value>;

/// Everything of one type that a master holds.
#[derive(Debug)]
pub(crate) struct Dump<T> {
    pub(crate) objects: BTreeMap<String, T>,
    /// The broker's own topics, as it names them.
    system: BTreeSet<String>,
    /// Changes with every write, also to another object of the type.
    pub(super) version: String,
}

/// A master that is being read.
struct Reading<T> {
    address: String,
    dump: Dump<T>,
    /// Objects that it told so far.
    told: u64,
    restarts: u32,
    state: State,
}

enum State {
    Open,
    Done,
    Failed(Error),
}

#[derive(Deserialize)]
struct TopicList {
    #[serde(rename = "topicList", default)]
    topics: BTreeSet<String>,
}

/// What each of these masters holds, as far as it is wanted. A broker that does not tell its own topics is believed otherwise.
pub(crate) fn dumps<K: Keep>(
    servers: &mut Servers,
    kind: &Kind,
    masters: &[String],
    keep: &K,
) -> Vec<Result<Dump<K::Kept>>> {
    let mut readings: Vec<Reading<K::Kept>> = masters.iter().map(|address| Reading::new(address)).collect();
    loop {
        let mut open: Vec<&mut Reading<K::Kept>> =
            readings.iter_mut().filter(|reading| matches!(reading.state, State::Open)).collect();
        if open.is_empty() {
            break;
        }
        let question = |reading: &&mut Reading<K::Kept>| (reading.address.clone(), reading.question(kind));
        let questions: Vec<(String, Request)> = open.iter().map(question).collect();
        for (reading, answer) in open.iter_mut().zip(servers.read_each(&questions)) {
            if let Err(error) = reading.page(kind, answer, keep) {
                reading.state = State::Failed(error);
            }
        }
    }
    if kind.metadata_type == types::TOPIC {
        name_system_topics(servers, &mut readings);
    }
    let result = |reading: Reading<K::Kept>| match reading.state {
        State::Failed(error) => Err(error),
        State::Open | State::Done => Ok(reading.dump),
    };
    readings.into_iter().map(result).collect()
}

fn name_system_topics<T>(servers: &mut Servers, readings: &mut [Reading<T>]) {
    let question = |reading: &Reading<T>| (reading.address.clone(), Request::new(codes::SYSTEM_TOPICS));
    let questions: Vec<(String, Request)> = readings.iter().map(question).collect();
    for (reading, answer) in readings.iter_mut().zip(servers.read_each(&questions)) {
        let told = answer.ok().filter(|answer| answer.code == codes::SUCCESS);
        if let Some(told) = told.and_then(|answer| serde_json::from_slice::<TopicList>(&answer.body).ok()) {
            reading.dump.system = told.topics;
        }
    }
}

impl<T> Reading<T> {
    fn new(address: &str) -> Self {
        let dump = Dump { objects: BTreeMap::new(), system: BTreeSet::new(), version: String::new() };
        Self { address: address.to_owned(), dump, told: 0, restarts: 0, state: State::Open }
    }

    fn asks_for_all(&self) -> bool {
        self.restarts > RESTARTS_MAX
    }

    fn begin_anew(&mut self) {
        log::debug("something was written meanwhile: begin anew", &[("peer", &self.address)]);
        self.restarts += 1;
        self.told = 0;
        self.dump.objects.clear();
    }

    fn question(&self, kind: &Kind) -> Request {
        let request = Request::new(kind.dump);
        if self.asks_for_all() {
            return request;
        }
        let request = request.field(kind.page_from, self.told).field(kind.page_most, PAGE_OBJECTS);
        // Without the version, or with another, a page begins at the beginning.
        if self.told > 0 { request.field("dataVersion", &self.dump.version) } else { request }
    }

    fn page(&mut self, kind: &Kind, answer: Result<Answer, Lost>, keep: &impl Keep<Kept = T>) -> Result<()> {
        let what = format!("list the {}s of a broker", kind.noun);
        let answer = answer?.checked(&what)?;
        let total = answer.number(kind.total);
        let read = table::read(&answer.body, kind.table, keep).map_err(|error| error.during(&what))?;
        let table = read
            .ok_or_else(|| Error::protocol(format_args!("{what}: the answer holds no `{}`", kind.table)))?;
        let is_whole = self.asks_for_all();
        if self.told > 0 && table.version != self.dump.version {
            self.begin_anew();
            // What came is a page, and the next question asks for everything.
            if self.asks_for_all() {
                return Ok(());
            }
        }
        self.dump.version = table.version;
        self.told += table.told;
        self.dump.objects.extend(table.kept);
        if is_whole || table.told == 0 || total.is_none_or(|total| self.told >= total) {
            self.state = State::Done;
        }
        Ok(())
    }
}

/// What follows a consumer group around, and what RocketMQ keeps for itself.
const SYSTEM_TOPIC_PREFIXES: [&str; 5] = ["%RETRY%", "%DLQ%", "rmq_sys_", "RMQ_SYS_", "%SYS%"];

impl<T> Dump<T> {
    /// Brokers make topics of their own name and of the cluster's.
    pub(super) fn is_internal(&self, kind: &Kind, servers: &Servers, name: &str) -> bool {
        if kind.metadata_type != types::TOPIC {
            return is_internal_group(name);
        }
        SYSTEM_TOPIC_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
            || self.system.contains(name)
            || servers.members.groups.contains_key(name)
            || servers.members.cluster.as_deref() == Some(name)
    }
}

#[cfg(test)]
mod tests {
    use headgate_sdk::json::json;

    use super::super::TOPIC;
    use super::super::table::Names;
    use super::*;

    /// A page of so many topics from this number on, and whether the dump goes on after it.
    fn read(reading: &mut Reading<()>, version: u64, from: u64, count: u64, total: Option<u64>) -> bool {
        let topic = |index: u64| (format!("t{index}"), json!({"perm": 6}));
        let table: Map<String, Value> = (from..from + count).map(topic).collect();
        let body = json!({"dataVersion": {"counter": version}, "topicConfigTable": table}).to_string();
        let answer = match total {
            Some(total) => Answer::with(TOPIC.total, &total.to_string()),
            None => Answer::default(),
        };
        let answer = Answer { body: body.into_bytes(), ..answer };
        reading.page(&TOPIC, Ok(answer), &Names).unwrap();
        matches!(reading.state, State::Open)
    }

    #[test]
    fn pages_follow_each_other_until_all_is_told() {
        let mut reading = Reading::new("a:1");
        assert!(!reading.question(&TOPIC).fields.contains_key("dataVersion"));
        assert!(read(&mut reading, 1, 0, 2, Some(3)));
        let next = reading.question(&TOPIC).fields;
        assert_eq!((next["topicSeq"].as_str(), next["dataVersion"].as_str()), ("2", r#"{"counter":1}"#));
        assert!(!read(&mut reading, 1, 2, 1, Some(3)));
        assert_eq!(reading.dump.objects.len(), 3);
    }

    #[test]
    fn a_broker_without_pages_tells_everything() {
        assert!(!read(&mut Reading::new("a:1"), 1, 0, 2, None));
    }

    #[test]
    fn what_is_written_meanwhile_begins_anew_and_not_for_ever() {
        let mut reading = Reading::new("a:1");
        for version in 0..=u64::from(RESTARTS_MAX) {
            assert!(reading.question(&TOPIC).fields.contains_key("topicSeq"));
            assert!(read(&mut reading, version, 0, 2, Some(9)));
            assert_eq!(reading.dump.objects.len(), 2);
        }
        assert!(read(&mut reading, 99, 0, 2, Some(9)));
        assert!(reading.dump.objects.is_empty(), "that was a page, not everything");
        assert_eq!(reading.question(&TOPIC), Request::new(TOPIC.dump));
        assert!(!read(&mut reading, 100, 0, 9, Some(9)));
        assert_eq!(reading.dump.objects.len(), 9);
    }
}
