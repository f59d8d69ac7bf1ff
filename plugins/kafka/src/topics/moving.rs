//! Replicas on the move: while it lasts, Metadata tells the old and the new ones together, which are more than the topic has.

use std::collections::BTreeMap;

use headgate_sdk::log;
use kafka_protocol::messages::ListPartitionReassignmentsRequest;
use kafka_protocol::messages::list_partition_reassignments_response::ListPartitionReassignmentsResponse;
use kafka_protocol::messages::metadata_response::MetadataResponsePartition;

use crate::cluster::Brokers;
use crate::wire::codes;

/// A quorum without controllers cannot tell; nobody waits for it longer than this.
const TIMEOUT_MS: u64 = 3_000;

/// How many replicas partitions will have, by topic and partition; of those that are moved now.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Moving(BTreeMap<String, BTreeMap<i32, usize>>);

impl Moving {
    /// Asked before Metadata: what ends between the two is then told alike by both. A login that may not know takes
    /// what Metadata says.
    pub(super) fn now(brokers: &mut Brokers) -> Self {
        let request = ListPartitionReassignmentsRequest::default().with_topics(None);
        match brokers.once(&request, TIMEOUT_MS) {
            Ok(answer) if answer.error_code == codes::NONE => Self::of(&answer),
            Ok(answer) => Self::unknown(&codes::error(answer.error_code, None, "list moves").message),
            Err(lost) => Self::unknown(&lost.error.message),
        }
    }

    fn unknown(because: &str) -> Self {
        log::debug("not told", &[("what", "replicas on the move"), ("because", because)]);
        Self::default()
    }

    fn of(answer: &ListPartitionReassignmentsResponse) -> Self {
        let topics = answer.topics.iter().map(|topic| {
            let partitions = topic.partitions.iter().map(|one| {
                let stay = one.replicas.iter().filter(|id| !one.removing_replicas.contains(id));
                (one.partition_index, stay.count())
            });
            (topic.name.to_string(), partitions.collect())
        });
        Self(topics.collect())
    }

    /// Replicas that a partition has, or will have when its move has ended.
    pub(super) fn replicas(&self, topic: &str, partition: &MetadataResponsePartition) -> usize {
        let moved = self.0.get(topic).and_then(|partitions| partitions.get(&partition.partition_index));
        moved.copied().unwrap_or(partition.replica_nodes.len())
    }
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::BrokerId;
    use kafka_protocol::messages::list_partition_reassignments_response::{
        OngoingPartitionReassignment, OngoingTopicReassignment,
    };

    use super::*;
    use crate::topics::topic_name;

    #[test]
    fn a_partition_on_the_move_counts_as_what_it_will_be() {
        let ids = |ids: &[i32]| ids.iter().copied().map(BrokerId).collect::<Vec<_>>();
        let one = OngoingPartitionReassignment::default()
            .with_partition_index(1)
            .with_replicas(ids(&[4, 1, 2, 3]))
            .with_adding_replicas(ids(&[4]))
            .with_removing_replicas(ids(&[3]));
        let topic = OngoingTopicReassignment::default().with_name(topic_name("t")).with_partitions(vec![one]);
        let moving = Moving::of(&ListPartitionReassignmentsResponse::default().with_topics(vec![topic]));
        let told = |index| {
            MetadataResponsePartition::default()
                .with_partition_index(index)
                .with_replica_nodes(ids(&[4, 1, 2, 3]))
        };
        assert_eq!(moving.replicas("t", &told(1)), 3);
        assert_eq!(moving.replicas("t", &told(0)), 4, "not on the move");
        assert_eq!(moving.replicas("u", &told(1)), 4, "another topic");
    }
}
