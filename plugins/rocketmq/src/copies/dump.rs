//! What masters hold of a type, read page by page, all masters at once; of each object only what is asked for is kept.
//!
//! From RocketMQ 5.4 on a broker tells its objects in pages of 2,000, and says so by telling how many there are. An older one
//! knows no pages and tells everything. A whole answer may have 16 MiB (95,000 topics), and takes six times as much memory
//! while it is read: pages keep a plugin with ten thousands of topics within what the host lends it.

use std::collections::{BTreeMap, BTreeSet};

use headgate_sdk::framed::Lost;
use headgate_sdk::json::{Map, Value};
use headgate_sdk::{Error, Result, log};
use serde::{Deserialize, Serialize};

use super::table::{self, Keep, Table};
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
    version: String,
    /// Objects that there are, those that nobody wants as well.
    total: u64,
}

/// What a master told of itself with a dump: as long as it tells the same, it holds the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    version: String,
    total: u64,
}

/// A master that is being read.
struct Reading<T> {
    address: String,
    dump: Dump<T>,
    /// What came so far, page after page.
    kept: Vec<(String, T)>,
    /// Objects that it told so far.
    told: u64,
    restarts: u32,
    state: State,
}

#[derive(PartialEq)]
enum State {
    /// Its first page is to be asked for, or everything at once.
    Begin,
    /// The pages behind the first.
    GoOn,
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
    let readings = masters.iter().map(|address| Reading::new(address)).collect();
    read_all(servers, kind, readings, keep)
}

/// The same where any of these masters tells something else than it did; none where all stand as they are known, which
/// costs a question each: a page that would begin behind the last object is empty while nothing changes, and the first
/// page of all otherwise.
pub(super) fn dumps_since<K: Keep>(
    servers: &mut Servers,
    kind: &Kind,
    masters: &[(String, Known)],
    keep: &K,
) -> Option<Vec<Result<Dump<K::Kept>>>> {
    let question = |(address, known): &(String, Known)| {
        let request = Request::new(kind.dump)
            .field(kind.page_from, known.total)
            .field(kind.page_most, PAGE_OBJECTS)
            .field("dataVersion", &known.version);
        (address.clone(), request)
    };
    let questions: Vec<(String, Request)> = masters.iter().map(question).collect();
    let (mut readings, mut all_stand) = (Vec::new(), true);
    for ((address, known), answer) in masters.iter().zip(servers.read_each(&questions)) {
        let mut reading = Reading::new(address);
        if let Err(error) = reading.first(kind, answer, keep) {
            reading.state = State::Failed(error);
        }
        let stands = !matches!(reading.state, State::Failed(_)) && reading.dump.known() == *known;
        // An older broker tells everything at once, and does not need to be asked again.
        if stands && reading.told < reading.dump.total {
            reading = Reading::new(address);
        }
        all_stand &= stands;
        readings.push(reading);
    }
    (!all_stand).then(|| read_all(servers, kind, readings, keep))
}

fn read_all<K: Keep>(
    servers: &mut Servers,
    kind: &Kind,
    mut readings: Vec<Reading<K::Kept>>,
    keep: &K,
) -> Vec<Result<Dump<K::Kept>>> {
    while readings.iter().any(Reading::is_open) {
        begin(servers, kind, &mut readings, keep);
        go_on(servers, kind, &mut readings, keep);
    }
    if kind.metadata_type == types::TOPIC {
        name_system_topics(servers, &mut readings);
    }
    readings.into_iter().map(Reading::end).collect()
}

fn begin<K: Keep>(servers: &mut Servers, kind: &Kind, readings: &mut [Reading<K::Kept>], keep: &K) {
    let mut open: Vec<_> = readings.iter_mut().filter(|reading| reading.state == State::Begin).collect();
    let questions: Vec<(String, Request)> =
        open.iter().map(|reading| (reading.address.clone(), reading.first_question(kind))).collect();
    for (reading, answer) in open.iter_mut().zip(servers.read_each(&questions)) {
        if let Err(error) = reading.first(kind, answer, keep) {
            reading.state = State::Failed(error);
        }
    }
}

/// All pages that are left are asked for at once, and each is read while brokers make the next ones.
fn go_on<K: Keep>(servers: &mut Servers, kind: &Kind, readings: &mut [Reading<K::Kept>], keep: &K) {
    let (mut questions, mut origins) = (Vec::new(), Vec::new());
    for (index, reading) in readings.iter().enumerate().filter(|(_, reading)| reading.state == State::GoOn) {
        for request in reading.other_questions(kind) {
            questions.push((reading.address.clone(), request));
            origins.push(index);
        }
    }
    servers.read_as_they_come(&questions, |question, answer| {
        if let Some(reading) = origins.get(question).and_then(|origin| readings.get_mut(*origin)) {
            reading.other(kind, answer, keep);
        }
    });
    for reading in readings.iter_mut().filter(|reading| reading.state == State::GoOn) {
        if reading.told >= reading.dump.total {
            reading.state = State::Done;
        } else {
            reading.begin_anew("fewer were told than there are");
        }
    }
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
        let (objects, system) = (BTreeMap::new(), BTreeSet::new());
        let dump = Dump { objects, system, version: String::new(), total: 0 };
        let address = address.to_owned();
        Self { address, dump, kept: Vec::new(), told: 0, restarts: 0, state: State::Begin }
    }

    fn is_open(&self) -> bool {
        matches!(self.state, State::Begin | State::GoOn)
    }

    fn end(self) -> Result<Dump<T>> {
        match self.state {
            State::Failed(error) => Err(error),
            State::Begin | State::GoOn | State::Done => {
                Ok(Dump { objects: self.kept.into_iter().collect(), ..self.dump })
            }
        }
    }

    fn asks_for_all(&self) -> bool {
        self.restarts > RESTARTS_MAX
    }

    fn begin_anew(&mut self, why: &str) {
        log::debug("the dump begins anew", &[("peer", &self.address), ("because", why)]);
        self.restarts += 1;
        self.told = 0;
        self.kept.clear();
        self.state = State::Begin;
    }

    fn first_question(&self, kind: &Kind) -> Request {
        let request = Request::new(kind.dump);
        match self.asks_for_all() {
            true => request,
            // Without the version, or with another, a page begins at the beginning.
            false => request.field(kind.page_from, 0).field(kind.page_most, PAGE_OBJECTS),
        }
    }

    /// Of the pages behind the first, as many objects each as that one told.
    fn other_questions(&self, kind: &Kind) -> Vec<Request> {
        let page = usize::try_from(self.told).unwrap_or(usize::MAX).max(1);
        let question = |from: u64| {
            Request::new(kind.dump)
                .field(kind.page_from, from)
                .field(kind.page_most, PAGE_OBJECTS)
                .field("dataVersion", &self.dump.version)
        };
        (self.told..self.dump.total).step_by(page).map(question).collect()
    }

    fn first(&mut self, kind: &Kind, answer: Result<Answer, Lost>, keep: &impl Keep<Kept = T>) -> Result<()> {
        let (table, total) = read(kind, answer, keep)?;
        self.dump.version = table.version;
        self.dump.total = total.unwrap_or(table.told);
        (self.told, self.kept) = (table.told, table.kept);
        let is_all = self.asks_for_all() || self.told == 0 || self.told >= self.dump.total;
        self.state = if is_all { State::Done } else { State::GoOn };
        Ok(())
    }

    /// A page of another version is one of a dump that begins anew; so does what goes wrong here, and shows there if it
    /// goes wrong again.
    fn other(&mut self, kind: &Kind, answer: Result<Answer, Lost>, keep: &impl Keep<Kept = T>) {
        if self.state != State::GoOn {
            return;
        }
        match read(kind, answer, keep) {
            Ok((table, _)) if table.version == self.dump.version => {
                self.told += table.told;
                self.kept.extend(table.kept);
            }
            Ok(_) => self.begin_anew("something was written meanwhile"),
            Err(error) => self.begin_anew(&error.message),
        }
    }
}

fn read<K: Keep>(
    kind: &Kind,
    answer: Result<Answer, Lost>,
    keep: &K,
) -> Result<(Table<K::Kept>, Option<u64>)> {
    let what = format!("list the {}s of a broker", kind.noun);
    let answer = answer?.checked(&what)?;
    let table = table::read(&answer.body, kind.table, keep).map_err(|error| error.during(&what))?;
    let missing = || Error::protocol(format_args!("{what}: the answer holds no `{}`", kind.table));
    Ok((table.ok_or_else(missing)?, answer.number(kind.total)))
}

/// What follows a consumer group around, and what RocketMQ keeps for itself.
const SYSTEM_TOPIC_PREFIXES: [&str; 5] = ["%RETRY%", "%DLQ%", "rmq_sys_", "RMQ_SYS_", "%SYS%"];

impl<T> Dump<T> {
    pub(super) fn known(&self) -> Known {
        Known { version: self.version.clone(), total: self.total }
    }

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

    /// A page of so many topics from this number on.
    fn page(version: u64, from: u64, count: u64, total: Option<u64>) -> Result<Answer, Lost> {
        let topic = |index: u64| (format!("t{index}"), json!({"perm": 6}));
        let table: Map<String, Value> = (from..from + count).map(topic).collect();
        let body = json!({"dataVersion": {"counter": version}, "topicConfigTable": table}).to_string();
        let answer = match total {
            Some(total) => Answer::with(TOPIC.total, &total.to_string()),
            None => Answer::default(),
        };
        Ok(Answer { body: body.into_bytes(), ..answer })
    }

    fn begun(version: u64, count: u64, total: Option<u64>) -> Reading<()> {
        let mut reading = Reading::new("a:1");
        reading.first(&TOPIC, page(version, 0, count, total), &Names).unwrap();
        reading
    }

    #[test]
    fn the_pages_behind_the_first_are_asked_for_at_once() {
        let mut reading = begun(1, 2, Some(5));
        let asked = reading.other_questions(&TOPIC);
        let of = |field: &str| asked.iter().map(|request| request.fields[field].clone()).collect::<Vec<_>>();
        assert_eq!(of("topicSeq"), ["2", "4"]);
        assert_eq!(of("dataVersion"), [r#"{"counter":1}"#; 2]);
        // They may come in any order.
        reading.other(&TOPIC, page(1, 4, 1, Some(5)), &Names);
        reading.other(&TOPIC, page(1, 2, 2, Some(5)), &Names);
        assert_eq!(reading.told, 5);
        assert_eq!(reading.end().unwrap().objects.into_keys().collect::<String>(), "t0t1t2t3t4");
    }

    #[test]
    fn a_master_is_known_by_its_version_and_how_much_it_holds() {
        let mut reading = begun(7, 2, Some(3));
        reading.other(&TOPIC, page(7, 2, 1, Some(3)), &Names);
        let known = reading.dump.known();
        assert_eq!(begun(7, 0, Some(3)).dump.known(), known, "an empty page behind the last");
        assert_ne!(begun(8, 2, Some(3)).dump.known(), known);
        assert_ne!(begun(7, 2, Some(4)).dump.known(), known);
        assert_eq!(begun(7, 3, None).dump.known(), known, "a broker without pages");
    }

    #[test]
    fn a_broker_without_pages_tells_everything() {
        assert!(begun(1, 2, None).state == State::Done);
        assert!(begun(1, 0, Some(0)).state == State::Done);
    }

    #[test]
    fn what_is_written_meanwhile_begins_anew_and_not_for_ever() {
        let mut reading = begun(0, 2, Some(9));
        for version in 0..=u64::from(RESTARTS_MAX) {
            assert!(reading.first_question(&TOPIC).fields.contains_key("topicSeq"));
            reading.first(&TOPIC, page(version, 0, 2, Some(9)), &Names).unwrap();
            reading.other(&TOPIC, page(version + 1, 0, 2, Some(9)), &Names);
            // Answers to what was asked before it began anew say nothing.
            reading.other(&TOPIC, page(version, 4, 2, Some(9)), &Names);
            assert!(reading.state == State::Begin && reading.kept.is_empty());
        }
        assert_eq!(reading.first_question(&TOPIC), Request::new(TOPIC.dump));
        reading.first(&TOPIC, page(100, 0, 9, Some(9)), &Names).unwrap();
        assert_eq!(reading.end().unwrap().objects.len(), 9);
    }

    #[test]
    fn a_page_that_is_lost_begins_anew() {
        let mut reading = begun(1, 2, Some(4));
        let lost = Lost { sent: true, error: Error::unavailable("gone") };
        reading.other(&TOPIC, Err(lost), &Names);
        assert!(reading.state == State::Begin);
        let lost = Lost { sent: false, error: Error::unavailable("gone") };
        assert_eq!(reading.first(&TOPIC, Err(lost), &Names).unwrap_err().message, "gone");
    }
}
