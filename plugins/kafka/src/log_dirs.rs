//! Log directories of brokers: whether each can be used, how many replicas lie in it, and, of single ones, how full it is.

use std::collections::BTreeMap;

use headgate_sdk::framed::Lost;
use headgate_sdk::json::{self, Map, Value, json};
use headgate_sdk::{Error, Failure, Lookup, Page, Place, Query, Resource, ResourceKey, Result};
use kafka_protocol::messages::describe_log_dirs_response::DescribeLogDirsResult;
use kafka_protocol::messages::{DescribeLogDirsRequest, DescribeLogDirsResponse, MetadataRequest};

use crate::cluster::Brokers;
use crate::discover::registered;
use crate::types::LOG_DIR;
use crate::wire::{READ_TIMEOUT_MS, codes};

/// Of one directory's partitions so many are shown, the largest first: an answer of thousands is read by nobody.
const PARTITIONS_MAX: usize = 100;

/// In a cursor, between path and broker. No path holds it.
const CURSOR_SEPARATOR: char = '\0';

const RIGHT: &str = "give the login `describe` on the cluster";

/// How much of a directory is told.
#[derive(Clone, Copy, PartialEq)]
enum Depth {
    /// What changes seldom.
    Counts,
    Sizes,
    Partitions,
}

/// One answer a broker, cut into pages by path and broker.
#[derive(Default)]
pub(crate) struct Sweep {
    found: Vec<Resource>,
}

impl Sweep {
    pub(crate) fn page(&mut self, brokers: &mut Brokers, query: &Query, limit: usize) -> Result<Page> {
        let mut failures = Vec::new();
        if query.cursor.is_none() || self.found.is_empty() {
            let depth = if query.brief { Depth::Counts } else { Depth::Sizes };
            (self.found, failures) = listing(brokers, &query.place, depth)?;
        }
        let from =
            query.cursor.as_ref().map_or(0, |after| self.found.partition_point(|one| cursor(one) <= *after));
        let to = self.found.len().min(from + limit);
        let resources = self.found.get(from..to).unwrap_or_default().to_vec();
        let next = resources.last().filter(|_| to < self.found.len()).map(cursor);
        if next.is_none() {
            self.found.clear();
        }
        Ok(Page { resources, failures, next, version: None, extra: None })
    }
}

/// One question to each broker that is concerned, in flight together.
pub(crate) fn get(brokers: &mut Brokers, keys: &[&ResourceKey]) -> Result<Vec<Lookup>> {
    brokers.metadata(&MetadataRequest::default().with_topics(Some(Vec::new())))?;
    let mut ids: Vec<i32> = keys.iter().filter_map(|key| broker_of(&key.place).ok()).collect();
    ids.sort_unstable();
    ids.dedup();
    let answers: BTreeMap<i32, Result<Vec<DescribeLogDirsResult>>> =
        describe(brokers, &ids).into_iter().collect();
    let look_up = |key: &&ResourceKey| {
        let Ok(id) = broker_of(&key.place) else { return Lookup::Absent };
        match answers.get(&id) {
            Some(Ok(dirs)) => match dirs.iter().find(|dir| dir.log_dir.as_str() == key.id) {
                Some(dir) => Lookup::Found(resource(id, dir, Depth::Partitions)),
                None => Lookup::Absent,
            },
            Some(Err(error)) => Lookup::Failed(error.clone()),
            None => Lookup::Failed(Error::internal("the broker was not asked")),
        }
    };
    Ok(keys.iter().map(look_up).collect())
}

/// In order of path and place, with the brokers that could not be asked: without them the listing is not complete.
fn listing(brokers: &mut Brokers, place: &Place, depth: Depth) -> Result<(Vec<Resource>, Vec<Failure>)> {
    let before = brokers.known.clone();
    brokers.metadata(&MetadataRequest::default().with_topics(Some(Vec::new())))?;
    let ids: Vec<i32> = match place {
        // Metadata soon forgets who is down; left out, its directories would look as if they were gone.
        Place::Cluster => {
            let versions = brokers.any_versions()?;
            registered(brokers, &versions, &before).into_keys().collect()
        }
        Place::Node(_) | Place::Group(_) => vec![broker_of(place)?],
    };
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for (id, answer) in describe(brokers, &ids) {
        match answer {
            Ok(dirs) => found.extend(dirs.iter().map(|dir| resource(id, dir, depth))),
            Err(error) => failures.push(Failure {
                metadata_type: LOG_DIR.to_owned(),
                id: None,
                place: Place::Node(id.to_string()),
                error,
            }),
        }
    }
    found.sort_by_cached_key(cursor);
    Ok((found, failures))
}

fn describe(brokers: &mut Brokers, ids: &[i32]) -> Vec<(i32, Result<Vec<DescribeLogDirsResult>>)> {
    let questions = ids.iter().map(|id| (*id, DescribeLogDirsRequest::default().with_topics(None))).collect();
    let answers = brokers.ask_each(questions, READ_TIMEOUT_MS);
    ids.iter().copied().zip(answers.into_iter().map(told)).collect()
}

fn told(answer: Result<DescribeLogDirsResponse, Lost>) -> Result<Vec<DescribeLogDirsResult>> {
    let answer = answer?;
    match answer.error_code {
        codes::NONE => Ok(answer.results),
        code => {
            let said = codes::or_right(code, None, RIGHT);
            Err(codes::error(code, said, "describe the log directories of a broker"))
        }
    }
}

/// Bytewise by path, then by place.
fn cursor(one: &Resource) -> String {
    let place = match &one.key.place {
        Place::Node(id) | Place::Group(id) => id.as_str(),
        Place::Cluster => "",
    };
    format!("{}{CURSOR_SEPARATOR}{place}", one.key.id)
}

fn broker_of(place: &Place) -> Result<i32> {
    let number = match place {
        Place::Node(id) => id.parse().ok(),
        Place::Cluster | Place::Group(_) => None,
    };
    number.ok_or_else(|| Error::invalid_argument("log directories lie on brokers: name one by its number"))
}

fn resource(broker: i32, dir: &DescribeLogDirsResult, depth: Depth) -> Resource {
    Resource {
        key: ResourceKey {
            metadata_type: LOG_DIR.to_owned(),
            id: dir.log_dir.to_string(),
            place: Place::Node(broker.to_string()),
        },
        revision: None,
        incarnation: None,
        spec: "{}".to_owned(),
        effective: None,
        status: json::text(&status(dir, depth)),
        internal: false,
        partial: false,
        extra: None,
    }
}

fn status(dir: &DescribeLogDirsResult, depth: Depth) -> Map<String, Value> {
    let partitions = || dir.topics.iter().flat_map(|topic| &topic.partitions);
    let mut status = Map::new();
    let mut put = |name: &str, value: Value| drop(status.insert(name.to_owned(), value));
    let error = match dir.error_code {
        codes::NONE => Value::Null,
        code => codes::error(code, None, "look into it").code.into(),
    };
    put("offline", (dir.error_code == codes::KAFKA_STORAGE_ERROR).into());
    put("error", error);
    put("replicas", partitions().count().into());
    put("total_bytes", bytes(dir.total_bytes));
    if depth != Depth::Counts {
        put("usable_bytes", bytes(dir.usable_bytes));
        put("size_bytes", partitions().map(|one| one.partition_size.max(0)).sum::<i64>().into());
    }
    if depth == Depth::Partitions {
        put("largest", largest(dir).into());
    }
    status
}

/// Negative is not told: the broker is older, or the disk does not answer.
fn bytes(told: i64) -> Value {
    if told < 0 { Value::Null } else { told.into() }
}

fn largest(dir: &DescribeLogDirsResult) -> Vec<Value> {
    let named = dir.topics.iter().flat_map(|topic| topic.partitions.iter().map(move |one| (topic, one)));
    let mut all: Vec<_> = named.collect();
    all.sort_unstable_by(|(topic, one), (other_topic, other)| {
        let by_name = || (&topic.name, one.partition_index).cmp(&(&other_topic.name, other.partition_index));
        other.partition_size.cmp(&one.partition_size).then_with(by_name)
    });
    all.truncate(PARTITIONS_MAX);
    let shown = all.into_iter().map(|(topic, one)| {
        json!({
            "topic": topic.name.as_str(),
            "partition": one.partition_index,
            "size_bytes": bytes(one.partition_size),
            "offset_lag": one.offset_lag,
            "moving_in": one.is_future_key,
        })
    });
    shown.collect()
}

pub(crate) fn status_schema() -> Value {
    let number = |title: &str| json!({"type": ["integer", "null"], "title": title});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "offline": {"type": "boolean", "title": "Taken out of use by the broker"},
            "error": {"type": ["string", "null"], "title": "Why it cannot be used"},
            "replicas": number("Replicas in it"),
            "total_bytes": number("Size of the disk"),
            "usable_bytes": number("Free for Kafka on the disk"),
            "size_bytes": number("Size of all replicas"),
            "largest": {
                "type": "array",
                "description": "When one directory is asked for: the 100 largest partitions in it, with their sizes"
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::TopicName;
    use kafka_protocol::messages::describe_log_dirs_response::{
        DescribeLogDirsPartition, DescribeLogDirsTopic,
    };
    use kafka_protocol::protocol::StrBytes;

    use super::*;

    fn dir(path: &'static str, sizes: &[i64]) -> DescribeLogDirsResult {
        let partition = |(index, size): (i32, &i64)| {
            DescribeLogDirsPartition::default().with_partition_index(index).with_partition_size(*size)
        };
        let topic = DescribeLogDirsTopic::default()
            .with_name(TopicName(StrBytes::from_static_str("t")))
            .with_partitions((0..).zip(sizes).map(partition).collect());
        DescribeLogDirsResult::default()
            .with_log_dir(StrBytes::from_static_str(path))
            .with_topics(vec![topic])
    }

    #[test]
    fn what_changes_all_the_time_is_told_when_it_is_asked_for() {
        let told = dir("/d", &[5, 7]).with_total_bytes(100).with_usable_bytes(40);
        let counts = json!({"offline": false, "error": null, "replicas": 2, "total_bytes": 100});
        assert_eq!(Value::Object(status(&told, Depth::Counts)), counts);
        let whole = status(&told, Depth::Partitions);
        assert_eq!((&whole["size_bytes"], &whole["usable_bytes"]), (&json!(12), &json!(40)));
        assert_eq!(whole["largest"][0]["size_bytes"], json!(7));
        let older = status(&dir("/d", &[]).with_total_bytes(-1), Depth::Counts);
        assert_eq!(older["total_bytes"], Value::Null);
    }

    #[test]
    fn only_the_largest_are_shown() {
        let sizes: Vec<i64> = (0..250).collect();
        let shown = largest(&dir("/d", &sizes));
        assert_eq!(shown.len(), PARTITIONS_MAX);
        assert_eq!(shown[0]["partition"], json!(249));
        let equal = largest(&dir("/d", &[1, 1]));
        assert_eq!(equal[0]["partition"], json!(0), "the same answer every time");
    }

    #[test]
    fn an_offline_directory_says_so() {
        let told = status(&dir("/d", &[]).with_error_code(codes::KAFKA_STORAGE_ERROR), Depth::Counts);
        assert_eq!((&told["offline"], &told["error"]), (&json!(true), &json!("KAFKA_STORAGE_ERROR")));
    }

    #[test]
    fn paths_come_in_bytewise_order_and_then_brokers() {
        let at = |broker, path| cursor(&resource(broker, &dir(path, &[]), Depth::Counts));
        let mut all = vec![at(2, "/b"), at(10, "/b"), at(1, "/b-2"), at(3, "/a")];
        all.sort();
        assert_eq!(all, [at(3, "/a"), at(10, "/b"), at(2, "/b"), at(1, "/b-2")]);
    }
}
