//! What the controller is asked about moves: which go on, and to begin or cancel some. One request for many topics.

use std::collections::BTreeMap;

use headgate_sdk::{Error, Result};
use kafka_protocol::messages::alter_partition_reassignments_request::{
    ReassignablePartition, ReassignableTopic,
};
use kafka_protocol::messages::list_partition_reassignments_request::ListPartitionReassignmentsTopics;
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, BrokerId,
    ListPartitionReassignmentsRequest, TopicName,
};

use super::work::{Moving, Ongoing};
use crate::cluster::{Brokers, text};
use crate::operations::ask;
use crate::wire::{READ_TIMEOUT_MS, codes};

/// The controller gives up its work after this, and says so.
const BROKER_TIMEOUT_MS: i32 = 20_000;

const DESCRIBE: &str = "give the login `describe` on the cluster";
const ALTER: &str = "give the login `alter` on the cluster";

/// A topic's partitions, with their replicas; without them a move is cancelled.
pub(super) type OfTopic<'a> = (&'a str, Vec<(i32, Option<&'a [i32]>)>);

/// What goes on, by topic.
pub(super) fn ongoing(
    brokers: &mut Brokers,
    controller: i32,
    topics: &[(&str, Vec<i32>)],
) -> Result<BTreeMap<String, Ongoing>> {
    let topic = |(name, partitions): &(&str, Vec<i32>)| {
        let topic = ListPartitionReassignmentsTopics::default().with_name(TopicName(text(name)));
        topic.with_partition_indexes(partitions.clone())
    };
    let request = ListPartitionReassignmentsRequest::default()
        .with_topics(Some(topics.iter().map(topic).collect()))
        .with_timeout_ms(BROKER_TIMEOUT_MS);
    let answer = ask(brokers, controller, request, READ_TIMEOUT_MS)?;
    if answer.error_code != codes::NONE {
        let what = "list the moves of replicas";
        let said = codes::or_right(answer.error_code, answer.error_message.as_deref(), DESCRIBE);
        return Err(codes::error(answer.error_code, said, what));
    }
    let mut ongoing: BTreeMap<String, Ongoing> = BTreeMap::new();
    for topic in &answer.topics {
        let moving = topic.partitions.iter().map(|one| (one.partition_index, Moving::of(one)));
        ongoing.entry(topic.name.to_string()).or_default().extend(moving);
    }
    Ok(ongoing)
}

pub(super) fn alter(wanted: &[OfTopic<'_>]) -> AlterPartitionReassignmentsRequest {
    let partition = |(index, replicas): &(i32, Option<&[i32]>)| {
        let replicas = replicas.map(|ids| ids.iter().map(|id| BrokerId(*id)).collect());
        ReassignablePartition::default().with_partition_index(*index).with_replicas(replicas)
    };
    let topic = |(name, partitions): &OfTopic<'_>| {
        let topic = ReassignableTopic::default().with_name(TopicName(text(name)));
        topic.with_partitions(partitions.iter().map(partition).collect())
    };
    AlterPartitionReassignmentsRequest::default()
        .with_topics(wanted.iter().map(topic).collect())
        .with_timeout_ms(BROKER_TIMEOUT_MS)
}

/// What was refused, by topic; an error where all was.
pub(super) fn refusals(
    answer: &AlterPartitionReassignmentsResponse,
) -> Result<BTreeMap<String, BTreeMap<i32, Error>>> {
    if answer.error_code != codes::NONE {
        let what = "move replicas";
        let said = codes::or_right(answer.error_code, answer.error_message.as_deref(), ALTER);
        return Err(codes::error(answer.error_code, said, what));
    }
    let mut refusals: BTreeMap<String, BTreeMap<i32, Error>> = BTreeMap::new();
    for topic in &answer.responses {
        let name = topic.name.to_string();
        for one in topic.partitions.iter().filter(|one| one.error_code != codes::NONE) {
            let what = format!("move the replicas of {name}-{}", one.partition_index);
            let error = codes::error(one.error_code, one.error_message.as_deref(), &what);
            refusals.entry(name.clone()).or_default().insert(one.partition_index, error);
        }
    }
    Ok(refusals)
}
