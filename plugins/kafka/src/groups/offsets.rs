//! How far groups have read, and how far there is to read: committed offsets by coordinator, ends by leader.

use std::collections::{BTreeMap, BTreeSet};

use headgate_sdk::Result;
use headgate_sdk::framed::Lost;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::offset_fetch_response::OffsetFetchResponseGroup;
use kafka_protocol::messages::{
    BrokerId, GroupId, ListOffsetsRequest, ListOffsetsResponse, OffsetFetchRequest, OffsetFetchResponse,
    TopicName,
};

use super::describe::{ByGroup, ask};
use crate::cluster::{Brokers, text};
use crate::topics::metadata_of;
use crate::wire::{READ_TIMEOUT_MS, codes};

/// A partition of a topic.
pub(super) type Partition = (String, i32);

/// Offsets by partition.
pub(super) type Offsets = BTreeMap<Partition, i64>;

/// Of all timestamps the one that means the end.
const LATEST: i64 = -1;

/// What each group has committed: one question to each coordinator about all of its groups.
pub(super) fn committed(brokers: &mut Brokers, groups: &BTreeMap<i32, Vec<String>>) -> ByGroup<Offsets> {
    let group = |id: &String| {
        let group = OffsetFetchRequestGroup::default().with_group_id(GroupId(text(id)));
        group.with_member_epoch(-1).with_topics(None)
    };
    let question =
        |ids: &[String]| OffsetFetchRequest::default().with_groups(ids.iter().map(group).collect());
    let mut committed = ByGroup::new();
    for (_, ids, answer) in ask(brokers, groups, question) {
        collect_committed(&ids, answer, &mut committed);
    }
    committed
}

fn collect_committed(
    ids: &[String],
    answer: Result<OffsetFetchResponse, Lost>,
    committed: &mut ByGroup<Offsets>,
) {
    match answer {
        Ok(answer) => {
            for group in answer.groups {
                let id = group.group_id.to_string();
                let offsets = match group.error_code {
                    codes::NONE => Ok(Some(offsets_of(&group))),
                    codes::GROUP_ID_NOT_FOUND => Ok(None),
                    code => Err(codes::error(code, None, &format!("read the offsets of group {id}"))),
                };
                committed.insert(id, offsets);
            }
        }
        Err(lost) => committed.extend(ids.iter().map(|id| (id.clone(), Err(lost.error.clone())))),
    }
}

fn offsets_of(group: &OffsetFetchResponseGroup) -> Offsets {
    let mut offsets = Offsets::new();
    for topic in &group.topics {
        let told =
            topic.partitions.iter().filter(|one| one.error_code == codes::NONE && one.committed_offset >= 0);
        offsets.extend(told.map(|one| ((topic.name.to_string(), one.partition_index), one.committed_offset)));
    }
    offsets
}

/// The ends of these partitions, as far as their leaders tell: one question to each leader.
pub(super) fn ends(brokers: &mut Brokers, partitions: &BTreeSet<Partition>) -> Result<Offsets> {
    let topics: BTreeSet<&str> = partitions.iter().map(|(topic, _)| topic.as_str()).collect();
    if topics.is_empty() {
        return Ok(Offsets::new());
    }
    let metadata = brokers.metadata(&metadata_of(topics.into_iter()))?;
    let questions = by_leader(&metadata.topics, partitions).into_iter().map(|(leader, topics)| {
        let topic = |(name, partitions): (String, Vec<i32>)| {
            let latest = |index: i32| {
                let partition = ListOffsetsPartition::default().with_partition_index(index);
                partition.with_current_leader_epoch(-1).with_timestamp(LATEST)
            };
            let partitions = partitions.into_iter().map(latest).collect();
            ListOffsetsTopic::default().with_name(TopicName(text(&name))).with_partitions(partitions)
        };
        let topics = topics.into_iter().map(topic).collect();
        (leader, ListOffsetsRequest::default().with_replica_id(BrokerId(-1)).with_topics(topics))
    });
    let answers = brokers.ask_each(questions.collect(), READ_TIMEOUT_MS);
    // An end that no leader tells is not known; the group is shown without it.
    Ok(answers.into_iter().flatten().flat_map(ends_of).collect())
}

fn by_leader(
    topics: &[MetadataResponseTopic],
    wanted: &BTreeSet<Partition>,
) -> BTreeMap<i32, BTreeMap<String, Vec<i32>>> {
    let mut leaders: BTreeMap<i32, BTreeMap<String, Vec<i32>>> = BTreeMap::new();
    for topic in topics {
        let Some(name) = topic.name.as_ref().map(|name| name.to_string()) else { continue };
        for partition in topic.partitions.iter().filter(|partition| partition.leader_id.0 >= 0) {
            let index = partition.partition_index;
            if wanted.contains(&(name.clone(), index)) {
                leaders
                    .entry(partition.leader_id.0)
                    .or_default()
                    .entry(name.clone())
                    .or_default()
                    .push(index);
            }
        }
    }
    leaders
}

fn ends_of(answer: ListOffsetsResponse) -> Vec<(Partition, i64)> {
    let mut ends = Vec::new();
    for topic in answer.topics {
        let told = topic.partitions.iter().filter(|one| one.error_code == codes::NONE && one.offset >= 0);
        ends.extend(told.map(|one| ((topic.name.to_string(), one.partition_index), one.offset)));
    }
    ends
}
