//! How far groups have read, and how far there is to read: committed offsets by coordinator, ends by leader.

use std::collections::{BTreeMap, BTreeSet};

use headgate_sdk::Result;
use headgate_sdk::framed::Lost;
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use kafka_protocol::messages::offset_fetch_response::OffsetFetchResponseGroup;
use kafka_protocol::messages::{GroupId, OffsetFetchRequest, OffsetFetchResponse};

use super::describe::{ByGroup, ask};
use crate::cluster::{Brokers, text};
use crate::log_offsets::{self, Found, Offsets, Partition, Point};
use crate::topics::metadata_of;
use crate::wire::codes;

/// What each group has committed: one question to each coordinator about all of its groups.
pub(crate) fn committed(brokers: &mut Brokers, groups: &BTreeMap<i32, Vec<String>>) -> ByGroup<Offsets> {
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
    let told = log_offsets::list(brokers, &metadata.topics, partitions, &[Point::Latest]);
    // An end that no leader tells is not known; the group is shown without it.
    let known =
        |(partition, found): (Partition, Result<Option<Found>>)| Some((partition, found.ok()??.offset));
    Ok(told.into_iter().flatten().filter_map(known).collect())
}
