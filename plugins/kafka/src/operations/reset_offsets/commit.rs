//! Sends positions to a group's coordinator: one request sets them, one deletes them.

use std::collections::BTreeMap;

use headgate_sdk::framed::Lost;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_delete_request::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use kafka_protocol::messages::{GroupId, OffsetCommitRequest, OffsetDeleteRequest, TopicName};

use super::plan::Move;
use crate::cluster::{Brokers, text};
use crate::log_offsets::{Partition, shown};
use crate::operations::group::Group;
use crate::operations::{Parts, WORK_TIMEOUT_MS, ask};
use crate::wire::codes;

/// Of a commit by hand, which no member of the group makes.
const NO_GENERATION: i32 = -1;

type Codes = BTreeMap<Partition, i16>;

pub(super) fn set(
    brokers: &mut Brokers,
    group: &Group,
    moves: Vec<Move>,
    parts: &mut Parts<Move>,
) -> Result<(), Lost> {
    let partition = |one: &Move| {
        let partition = OffsetCommitRequestPartition::default().with_partition_index(one.partition.1);
        partition.with_committed_offset(one.after.unwrap_or_default())
    };
    let topic = |(name, moves): (&str, Vec<&Move>)| {
        let partitions = moves.into_iter().map(partition).collect();
        OffsetCommitRequestTopic::default().with_name(TopicName(text(name))).with_partitions(partitions)
    };
    let request = OffsetCommitRequest::default()
        .with_group_id(GroupId(text(&group.id)))
        .with_generation_id_or_member_epoch(NO_GENERATION)
        .with_topics(by_topic(&moves).into_iter().map(topic).collect());
    let answer = ask(brokers, group.coordinator, request, WORK_TIMEOUT_MS)?;
    let mut told = Codes::new();
    for topic in answer.topics {
        let codes = topic.partitions.iter();
        told.extend(codes.map(|one| ((topic.name.to_string(), one.partition_index), one.error_code)));
    }
    settle(group, moves, &told, "set", parts);
    Ok(())
}

pub(super) fn delete(
    brokers: &mut Brokers,
    group: &Group,
    moves: Vec<Move>,
    parts: &mut Parts<Move>,
) -> Result<(), Lost> {
    let partition =
        |one: &Move| OffsetDeleteRequestPartition::default().with_partition_index(one.partition.1);
    let topic = |(name, moves): (&str, Vec<&Move>)| {
        let partitions = moves.into_iter().map(partition).collect();
        OffsetDeleteRequestTopic::default().with_name(TopicName(text(name))).with_partitions(partitions)
    };
    let request = OffsetDeleteRequest::default()
        .with_group_id(GroupId(text(&group.id)))
        .with_topics(by_topic(&moves).into_iter().map(topic).collect());
    let answer = ask(brokers, group.coordinator, request, WORK_TIMEOUT_MS)?;
    let mut told = Codes::new();
    if answer.error_code != codes::NONE {
        told.extend(moves.iter().map(|one| (one.partition.clone(), answer.error_code)));
    }
    for topic in answer.topics {
        let codes = topic.partitions.iter();
        told.extend(codes.map(|one| ((topic.name.to_string(), one.partition_index), one.error_code)));
    }
    settle(group, moves, &told, "delete", parts);
    Ok(())
}

fn by_topic(moves: &[Move]) -> BTreeMap<&str, Vec<&Move>> {
    let mut topics: BTreeMap<&str, Vec<&Move>> = BTreeMap::new();
    for one in moves {
        topics.entry(one.partition.0.as_str()).or_default().push(one);
    }
    topics
}

fn settle(group: &Group, moves: Vec<Move>, told: &Codes, verb: &str, parts: &mut Parts<Move>) {
    for one in moves {
        let name = shown(&one.partition);
        let what = format!("{verb} the position of group {} in {name}", group.id);
        match told.get(&one.partition) {
            Some(&codes::NONE) => parts.done.push(one),
            Some(code) => parts.failures.push((name, codes::error(*code, None, &what))),
            None => parts.miss(name, &what),
        }
    }
}
