//! What coordinators tell of groups: state, members and their partitions. The new protocol is asked first; what it does
//! not know is classic.

use std::collections::BTreeMap;

use headgate_sdk::framed::Lost;
use headgate_sdk::{Error, Result};
use kafka_protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, DescribeGroupsRequest,
    DescribeGroupsResponse, FindCoordinatorRequest, GroupId, consumer_group_describe_response as consumer,
    describe_groups_response as classic,
};
use kafka_protocol::protocol::StrBytes;

use super::assignment::{self, Partitions};
use crate::cluster::{Brokers, text};
use crate::wire::{READ_TIMEOUT_MS, codes};

/// Since this version many groups are asked for at once.
const BATCH_SINCE: i16 = 4;

const UNSUPPORTED_VERSION: i16 = 35;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Described {
    pub(crate) state: String,
    pub(crate) generation: &'static str,
    pub(crate) protocol_type: String,
    pub(crate) assignor: String,
    pub(crate) members: Vec<Member>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    pub(crate) id: String,
    pub(crate) instance: Option<String>,
    pub(crate) client_id: String,
    pub(crate) host: String,
    pub(crate) partitions: Partitions,
}

impl Described {
    /// Those that members read, whether or not anything was committed for them.
    pub(crate) fn partitions(&self) -> impl Iterator<Item = (String, i32)> {
        let topics = self.members.iter().flat_map(|member| &member.partitions);
        topics.flat_map(|(topic, partitions)| partitions.iter().map(|index| (topic.clone(), *index)))
    }
}

/// By group: what was found out, none where there is no such group.
pub(crate) type ByGroup<T> = BTreeMap<String, Result<Option<T>>>;

/// Which broker coordinates each of the groups, in one question.
pub(crate) fn coordinators(brokers: &mut Brokers, ids: &[&str]) -> Result<BTreeMap<String, Result<i32>>> {
    if !brokers.any_versions()?.knows::<FindCoordinatorRequest>(BATCH_SINCE) {
        return Err(Error::unsupported(
            "the brokers are too old to find many coordinators at once: Kafka 3.9 is needed",
        ));
    }
    let keys = ids.iter().map(|id| text(id)).collect();
    let answer =
        brokers.read(&FindCoordinatorRequest::default().with_key_type(0).with_coordinator_keys(keys))?;
    let found = answer.coordinators.iter().map(|one| {
        let id = one.key.to_string();
        let node = match one.error_code {
            codes::NONE => Ok(one.node_id.0),
            code => Err(codes::error(
                code,
                one.error_message.as_deref(),
                &format!("find the coordinator of group {id}"),
            )),
        };
        (id, node)
    });
    Ok(found.collect())
}

/// The groups of each coordinator, described: one question to each for the new protocol, one for the classic.
pub(crate) fn describe(brokers: &mut Brokers, groups: &BTreeMap<i32, Vec<String>>) -> ByGroup<Described> {
    let mut described = ByGroup::new();
    let mut left = groups.clone();
    if brokers.any_versions().is_ok_and(|versions| versions.knows::<ConsumerGroupDescribeRequest>(0)) {
        let question =
            |ids: &[String]| ConsumerGroupDescribeRequest::default().with_group_ids(group_ids(ids));
        for (node, ids, answer) in ask(brokers, &left, question) {
            collect_consumer(&ids, answer, &mut described);
            left.insert(node, ids.into_iter().filter(|id| !described.contains_key(id)).collect());
        }
        left.retain(|_, ids| !ids.is_empty());
    }
    let question = |ids: &[String]| DescribeGroupsRequest::default().with_groups(group_ids(ids));
    for (_, ids, answer) in ask(brokers, &left, question) {
        collect_classic(&ids, answer, &mut described);
    }
    described
}

type Answered<R> = (i32, Vec<String>, Result<R, Lost>);

/// One question to each coordinator about its groups, in flight together.
pub(crate) fn ask<R: kafka_protocol::protocol::Request>(
    brokers: &mut Brokers,
    groups: &BTreeMap<i32, Vec<String>>,
    question: impl Fn(&[String]) -> R,
) -> Vec<Answered<R::Response>> {
    let questions = groups.iter().map(|(node, ids)| (*node, question(ids))).collect();
    let answers = brokers.ask_each(questions, READ_TIMEOUT_MS);
    groups.iter().zip(answers).map(|((node, ids), answer)| (*node, ids.clone(), answer)).collect()
}

pub(crate) fn group_ids(ids: &[String]) -> Vec<GroupId> {
    ids.iter().map(|id| GroupId(text(id))).collect()
}

/// What the new protocol does not know, or a broker does not offer, is left for the classic question.
fn collect_consumer(
    ids: &[String],
    answer: Result<ConsumerGroupDescribeResponse, Lost>,
    described: &mut ByGroup<Described>,
) {
    let answer = match answer {
        Ok(answer) => answer,
        Err(lost) => return fail(ids, &lost.error, described),
    };
    for group in answer.groups {
        let id = group.group_id.to_string();
        match group.error_code {
            codes::NONE => drop(described.insert(id, Ok(Some(of_consumer(group))))),
            codes::GROUP_ID_NOT_FOUND | UNSUPPORTED_VERSION => {}
            code => drop(described.insert(id.clone(), Err(refusal(code, group.error_message, &id)))),
        }
    }
}

fn collect_classic(
    ids: &[String],
    answer: Result<DescribeGroupsResponse, Lost>,
    described: &mut ByGroup<Described>,
) {
    let answer = match answer {
        Ok(answer) => answer,
        Err(lost) => return fail(ids, &lost.error, described),
    };
    for group in answer.groups {
        let id = group.group_id.to_string();
        let told = match group.error_code {
            // Older brokers say `Dead` of what never was.
            codes::NONE if group.group_state.as_str() == "Dead" => Ok(None),
            codes::NONE => Ok(Some(of_classic(&group))),
            codes::GROUP_ID_NOT_FOUND => Ok(None),
            code => Err(refusal(code, group.error_message, &id)),
        };
        described.insert(id, told);
    }
}

fn fail(ids: &[String], error: &Error, described: &mut ByGroup<Described>) {
    described.extend(ids.iter().map(|id| (id.clone(), Err(error.clone()))));
}

fn refusal(code: i16, message: Option<StrBytes>, id: &str) -> Error {
    codes::error(code, message.as_deref(), &format!("describe group {id}"))
}

fn of_consumer(group: consumer::DescribedGroup) -> Described {
    let member = |member: consumer::Member| {
        let topics = member.assignment.topic_partitions.into_iter();
        Member {
            id: member.member_id.to_string(),
            instance: member.instance_id.map(|id| id.to_string()),
            client_id: member.client_id.to_string(),
            host: member.client_host.to_string(),
            partitions: topics.map(|topic| (topic.topic_name.to_string(), topic.partitions)).collect(),
        }
    };
    Described {
        state: group.group_state.to_string(),
        generation: "consumer",
        protocol_type: "consumer".to_owned(),
        assignor: group.assignor_name.to_string(),
        members: group.members.into_iter().map(member).collect(),
    }
}

fn of_classic(group: &classic::DescribedGroup) -> Described {
    let consumes = group.protocol_type.as_str() == "consumer";
    let member = |member: &classic::DescribedGroupMember| Member {
        id: member.member_id.to_string(),
        instance: member.group_instance_id.as_ref().map(ToString::to_string),
        client_id: member.client_id.to_string(),
        host: member.client_host.to_string(),
        partitions: if consumes { assignment::parse(&member.member_assignment) } else { Partitions::new() },
    };
    Described {
        state: group.group_state.to_string(),
        generation: "classic",
        protocol_type: group.protocol_type.to_string(),
        assignor: group.protocol_data.to_string(),
        members: group.members.iter().map(member).collect(),
    }
}
