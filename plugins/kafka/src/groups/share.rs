//! Share groups (KIP-932): members and where each partition's records begin that are not done with. Two questions to each
//! coordinator, however many groups are asked for.

use std::collections::{BTreeMap, BTreeSet};

use headgate_sdk::framed::Lost;
use headgate_sdk::json::{Map, Value, json};
use headgate_sdk::{Error, Lookup, Place, ResourceKey, Result};
use kafka_protocol::messages::describe_share_group_offsets_request::DescribeShareGroupOffsetsRequestGroup;
use kafka_protocol::messages::share_group_describe_response::{DescribedGroup, Member};
use kafka_protocol::messages::{
    DescribeShareGroupOffsetsRequest, DescribeShareGroupOffsetsResponse, GroupId, MetadataRequest,
    ShareGroupDescribeRequest, ShareGroupDescribeResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::describe::{ByGroup, ask, coordinators, group_ids};
use super::resource;
use crate::cluster::{Brokers, text};
use crate::log_offsets::{Offsets, Partition};
use crate::types::SHARE_GROUP;
use crate::wire::codes;

/// The first release whose share groups are not for early access only, and what it calls the question about them.
pub(crate) const SINCE: &str = "4.1";
const STABLE_SINCE: i16 = 1;

/// A cluster that is older has none, and that is no failure.
pub(crate) fn are_known(brokers: &mut Brokers) -> Result<bool> {
    Ok(brokers.any_versions()?.knows::<ShareGroupDescribeRequest>(STABLE_SINCE))
}

pub(crate) fn get(brokers: &mut Brokers, keys: &[&ResourceKey]) -> Result<Vec<Lookup>> {
    if !are_known(brokers)? {
        return Ok(vec![Lookup::Absent; keys.len()]);
    }
    brokers.metadata(&MetadataRequest::default().with_topics(Some(Vec::new())))?;
    let ids: BTreeSet<&str> = keys.iter().map(|key| key.id.as_str()).filter(|id| !id.is_empty()).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let nodes = coordinators(brokers, &ids)?;
    let mut groups: BTreeMap<i32, Vec<String>> = BTreeMap::new();
    for (id, node) in &nodes {
        if let Ok(node) = node {
            groups.entry(*node).or_default().push(id.clone());
        }
    }
    let described = describe(brokers, &groups);
    let there = |id: &String| matches!(described.get(id), Some(Ok(Some(_))));
    groups.values_mut().for_each(|ids| ids.retain(there));
    groups.retain(|_, ids| !ids.is_empty());
    let starts = starts(brokers, &groups);
    let look_up = |key: &&ResourceKey| {
        if key.place != Place::Cluster {
            return Lookup::Absent;
        }
        match (nodes.get(&key.id), described.get(&key.id), starts.get(&key.id)) {
            (Some(Err(error)), _, _) | (_, Some(Err(error)), _) | (_, _, Some(Err(error))) => {
                Lookup::Failed(error.clone())
            }
            (Some(Ok(node)), Some(Ok(Some(group))), starts) => {
                let starts = starts.and_then(|starts| starts.as_ref().ok()).and_then(Option::as_ref);
                Lookup::Found(resource(SHARE_GROUP, &key.id, whole(*node, group, starts)))
            }
            (_, Some(Ok(None)), _) => Lookup::Absent,
            (_, None, _) | (None, _, _) => {
                Lookup::Failed(Error::protocol(format_args!("no broker told of share group {}", key.id)))
            }
        }
    };
    Ok(keys.iter().map(look_up).collect())
}

fn describe(brokers: &mut Brokers, groups: &BTreeMap<i32, Vec<String>>) -> ByGroup<DescribedGroup> {
    let question = |ids: &[String]| ShareGroupDescribeRequest::default().with_group_ids(group_ids(ids));
    let mut described = ByGroup::new();
    for (_, ids, answer) in ask(brokers, groups, question) {
        collect(&ids, answer, &mut described);
    }
    described
}

fn collect(
    ids: &[String],
    answer: Result<ShareGroupDescribeResponse, Lost>,
    described: &mut ByGroup<DescribedGroup>,
) {
    let answer = match answer {
        Ok(answer) => answer,
        Err(lost) => return described.extend(ids.iter().map(|id| (id.clone(), Err(lost.error.clone())))),
    };
    for group in answer.groups {
        let id = group.group_id.to_string();
        let told = match group.error_code {
            codes::NONE => Ok(Some(group)),
            codes::GROUP_ID_NOT_FOUND => Ok(None),
            code => {
                let what = format!("describe share group {id}");
                Err(codes::error(code, group.error_message.as_deref(), &what))
            }
        };
        described.insert(id, told);
    }
}

fn starts(brokers: &mut Brokers, groups: &BTreeMap<i32, Vec<String>>) -> ByGroup<Offsets> {
    let group = |id: &String| {
        let group = DescribeShareGroupOffsetsRequestGroup::default().with_group_id(GroupId(text(id)));
        group.with_topics(None)
    };
    let question = |ids: &[String]| {
        DescribeShareGroupOffsetsRequest::default().with_groups(ids.iter().map(group).collect())
    };
    let mut starts = ByGroup::new();
    for (_, ids, answer) in ask(brokers, groups, question) {
        collect_starts(&ids, answer, &mut starts);
    }
    starts
}

fn collect_starts(
    ids: &[String],
    answer: Result<DescribeShareGroupOffsetsResponse, Lost>,
    starts: &mut ByGroup<Offsets>,
) {
    let answer = match answer {
        Ok(answer) => answer,
        Err(lost) => return starts.extend(ids.iter().map(|id| (id.clone(), Err(lost.error.clone())))),
    };
    for group in answer.groups {
        let id = group.group_id.to_string();
        if group.error_code != codes::NONE {
            let what = format!("read where share group {id} is");
            let error = codes::error(group.error_code, group.error_message.as_deref(), &what);
            starts.insert(id, Err(error));
            continue;
        }
        let mut offsets = Offsets::new();
        for topic in &group.topics {
            // A partition that nobody has read from yet begins nowhere.
            let known =
                topic.partitions.iter().filter(|one| one.error_code == codes::NONE && one.start_offset >= 0);
            offsets.extend(
                known.map(|one| ((topic.topic_name.to_string(), one.partition_index), one.start_offset)),
            );
        }
        starts.insert(id, Ok(Some(offsets)));
    }
}

fn whole(coordinator: i32, group: &DescribedGroup, starts: Option<&Offsets>) -> Map<String, Value> {
    let offset = |((topic, partition), start): (&Partition, &i64)| json!({"topic": topic, "partition": partition, "start": start});
    let offsets: Vec<Value> = starts.into_iter().flatten().map(offset).collect();
    let mut status = Map::new();
    status.insert("state".to_owned(), json!(group.group_state.as_str()));
    status.insert("coordinator".to_owned(), json!(coordinator));
    status.insert("assignor".to_owned(), json!(group.assignor_name.as_str()));
    status.insert("members".to_owned(), group.members.iter().map(member).collect());
    status.insert("offsets".to_owned(), offsets.into());
    status
}

fn member(member: &Member) -> Value {
    let assigned = member.assignment.topic_partitions.iter();
    let topics: Vec<Value> = assigned
        .map(|topic| json!({"topic": topic.topic_name.as_str(), "partitions": topic.partitions}))
        .collect();
    json!({
        "id": member.member_id.as_str(),
        "client_id": member.client_id.as_str(),
        "host": member.client_host.as_str(),
        "rack": member.rack_id.as_ref().map(StrBytes::as_str),
        "assignment": topics,
    })
}

pub(crate) fn status_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "state": {"type": ["string", "null"], "title": "State"},
            "coordinator": {"type": ["integer", "null"], "title": "Coordinating broker"},
            "assignor": {"type": ["string", "null"], "title": "Assignor"},
            "members": {
                "type": "array",
                "description": "When one group is asked for: id, client, host and rack of each, and its partitions"
            },
            "offsets": {
                "type": "array",
                "description": "When one group is asked for: of each partition the first offset that is not done with"
            }
        }
    })
}
