//! Where the logs of partitions begin and end, and where a time is in them: one question a leader for each, in flight
//! together.

use std::collections::{BTreeMap, BTreeSet};

use headgate_sdk::framed::Lost;
use headgate_sdk::{Error, Result};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{BrokerId, ListOffsetsRequest, ListOffsetsResponse, TopicName};

use crate::cluster::{Brokers, text};
use crate::wire::{READ_TIMEOUT_MS, codes};

/// A partition of a topic.
pub(crate) type Partition = (String, i32);

/// Offsets by partition.
pub(crate) type Offsets = BTreeMap<Partition, i64>;

/// By leader, then by topic.
pub(crate) type ByLeader = BTreeMap<i32, BTreeMap<String, Vec<i32>>>;

/// What is asked for of each log.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Point {
    Earliest,
    Latest,
    /// The first record of this time, Unix milliseconds, or later.
    Time(i64),
}

/// Where it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found {
    pub(crate) offset: i64,
    /// Of the record there, where a time was asked for.
    pub(crate) timestamp_ms: i64,
}

/// By partition; none where no record is that late.
pub(crate) type Told = BTreeMap<Partition, Result<Option<Found>>>;

impl Point {
    fn timestamp(self) -> i64 {
        match self {
            Self::Earliest => -2,
            Self::Latest => -1,
            Self::Time(time_ms) => time_ms,
        }
    }
}

/// An answer for each point, with every wanted partition in it.
pub(crate) fn list(
    brokers: &mut Brokers,
    topics: &[MetadataResponseTopic],
    wanted: &BTreeSet<Partition>,
    points: &[Point],
) -> Vec<Told> {
    let (leaders, lost) = by_leader(topics, wanted);
    let questions = points.iter().flat_map(|point| {
        leaders.iter().map(|(leader, topics)| (*leader, question(topics, point.timestamp())))
    });
    let mut answers = brokers.ask_each(questions.collect(), READ_TIMEOUT_MS).into_iter();
    let told = |_: &Point| {
        let mut told: Told = lost.iter().map(|(one, error)| (one.clone(), Err(error.clone()))).collect();
        for (topics, answer) in leaders.values().zip(answers.by_ref()) {
            collect(topics, answer, &mut told);
        }
        told
    };
    points.iter().map(told).collect()
}

fn question(topics: &BTreeMap<String, Vec<i32>>, timestamp: i64) -> ListOffsetsRequest {
    let partition = |index: &i32| {
        let partition = ListOffsetsPartition::default().with_partition_index(*index);
        partition.with_current_leader_epoch(-1).with_timestamp(timestamp)
    };
    let topic = |(name, partitions): (&String, &Vec<i32>)| {
        let partitions = partitions.iter().map(partition).collect();
        ListOffsetsTopic::default().with_name(TopicName(text(name))).with_partitions(partitions)
    };
    let topics = topics.iter().map(topic).collect();
    ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(topics)
}

fn collect(topics: &BTreeMap<String, Vec<i32>>, answer: Result<ListOffsetsResponse, Lost>, told: &mut Told) {
    let answer = match answer {
        Ok(answer) => answer,
        Err(lost) => {
            let all =
                topics.iter().flat_map(|(name, indexes)| indexes.iter().map(|one| (name.clone(), *one)));
            told.extend(all.map(|one| (one, Err(lost.error.clone()))));
            return;
        }
    };
    for topic in answer.topics {
        for one in topic.partitions {
            let partition = (topic.name.to_string(), one.partition_index);
            let found = match one.error_code {
                codes::NONE if one.offset < 0 => Ok(None),
                codes::NONE => Ok(Some(Found { offset: one.offset, timestamp_ms: one.timestamp })),
                code => Err(codes::error(code, None, &format!("read the log of {}", shown(&partition)))),
            };
            told.insert(partition, found);
        }
    }
}

/// `orders-3`, as Kafka's tools write it.
pub(crate) fn shown((topic, partition): &Partition) -> String {
    format!("{topic}-{partition}")
}

/// Which broker leads each wanted partition, and why some have none.
pub(crate) fn by_leader(
    topics: &[MetadataResponseTopic],
    wanted: &BTreeSet<Partition>,
) -> (ByLeader, BTreeMap<Partition, Error>) {
    let mut leaders = ByLeader::new();
    let mut led: BTreeSet<Partition> = BTreeSet::new();
    let mut lost = BTreeMap::new();
    for topic in topics {
        let Some(name) = topic.name.as_ref().map(|name| name.to_string()) else { continue };
        for one in &topic.partitions {
            let partition = (name.clone(), one.partition_index);
            if !wanted.contains(&partition) {
                continue;
            }
            if one.leader_id.0 < 0 {
                lost.insert(partition, without_leader(&name, one.partition_index));
            } else {
                let topics = leaders.entry(one.leader_id.0).or_default();
                topics.entry(name.clone()).or_default().push(one.partition_index);
                led.insert(partition);
            }
        }
    }
    for partition in wanted.iter().filter(|one| !led.contains(*one)) {
        lost.entry(partition.clone()).or_insert_with(|| missing(topics, partition));
    }
    (leaders, lost)
}

fn without_leader(topic: &str, index: i32) -> Error {
    let message = format!("partition {topic}-{index} has no leader: bring one of its replicas back");
    Error::unavailable(message).code("LEADER_NOT_AVAILABLE")
}

/// Why Metadata does not tell of it.
fn missing(topics: &[MetadataResponseTopic], partition: &Partition) -> Error {
    let (name, index) = partition;
    let topic =
        topics.iter().find(|topic| topic.name.as_ref().is_some_and(|told| told.as_str() == name.as_str()));
    match topic {
        Some(topic) if topic.error_code == codes::NONE => {
            let count = topic.partitions.len();
            Error::not_found(format_args!("topic {name} has no partition {index}: it has {count}"))
                .code("UNKNOWN_TOPIC_OR_PARTITION")
        }
        Some(topic) => codes::error(topic.error_code, None, &format!("read topic {name}")),
        None => {
            Error::not_found(format_args!("topic {name} is not there")).code("UNKNOWN_TOPIC_OR_PARTITION")
        }
    }
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::metadata_response::MetadataResponsePartition;

    use super::*;

    #[test]
    fn each_partition_has_a_leader_or_a_reason() {
        let partition = |index, leader| {
            MetadataResponsePartition::default().with_partition_index(index).with_leader_id(BrokerId(leader))
        };
        let topics = [MetadataResponseTopic::default()
            .with_name(Some(TopicName(text("t"))))
            .with_partitions(vec![partition(0, 2), partition(1, -1)])];
        let wanted = [("t", 0), ("t", 1), ("t", 9), ("u", 0)];
        let wanted = wanted.map(|(topic, index)| (topic.to_owned(), index)).into();
        let (leaders, lost) = by_leader(&topics, &wanted);
        assert_eq!(leaders, BTreeMap::from([(2, BTreeMap::from([("t".to_owned(), vec![0])]))]));
        let messages: Vec<&str> = lost.values().map(|error| error.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "partition t-1 has no leader: bring one of its replicas back",
                "topic t has no partition 9: it has 2",
                "topic u is not there",
            ]
        );
    }
}
