//! Moves the replicas of a topic to other brokers: to those that are named, to more or fewer of them, or away from some. The
//! cluster goes on with it by itself; `poll` asks the controller how far it is.

use std::collections::BTreeMap;

use headgate_sdk::json::{Value, json};
use headgate_sdk::{Error, Finished, Forecast, Operation, Progress, Result};
use kafka_protocol::messages::alter_partition_reassignments_request::{
    ReassignablePartition, ReassignableTopic,
};
use kafka_protocol::messages::list_partition_reassignments_request::ListPartitionReassignmentsTopics;
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, BrokerId,
    ListPartitionReassignmentsRequest, MetadataResponse, TopicName,
};

use super::{WORK_TIMEOUT_MS, ask, lost, operation, topic_there};
use crate::cluster::{Brokers, text};
use crate::topics::metadata_of;
use crate::types::TOPIC;
use crate::wire::{READ_TIMEOUT_MS, codes};

mod assignment;
mod wish;
mod work;

use assignment::{Assignment, Racks, Replicas};
use work::{Moving, Ongoing, Work};

pub(crate) const NAME: &str = "reassign";

/// The controller gives up its work after this, and says so.
const BROKER_TIMEOUT_MS: i32 = 20_000;

/// What changes, and what is there.
struct Plan {
    controller: i32,
    from: Assignment,
    to: Assignment,
    /// Of those that change, the ones that are being moved already: as wished, or to somewhere else.
    ongoing: Ongoing,
}

impl Plan {
    /// Being moved as wished: by an earlier run whose answer was lost, say.
    fn is_under_way(&self, partition: i32) -> bool {
        self.ongoing.get(&partition).is_some_and(|moving| self.to.get(&partition) == Some(&moving.to))
    }

    /// What must be sent.
    fn to_begin(&self) -> impl Iterator<Item = (i32, &Replicas)> {
        let all = self.to.iter().map(|(partition, to)| (*partition, to));
        all.filter(|(partition, _)| !self.is_under_way(*partition))
    }
}

pub(super) fn describe() -> Operation {
    let replicas = json!({"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1});
    let input = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "description": "Partitions as they shall be, or what is computed: racks and brokers evenly, with the fewest moves",
        "properties": {
            "partitions": {
                "type": ["object", "null"], "title": "Partitions",
                "description": "Brokers by partition, the preferred leader first; the others stay",
                "additionalProperties": replicas
            },
            "replication_factor": {
                "type": ["integer", "null"], "minimum": 1, "maximum": i16::MAX, "title": "Replication factor"
            },
            "drain": {
                "type": ["array", "null"], "items": {"type": "integer", "minimum": 0}, "minItems": 1,
                "title": "Drain", "description": "Brokers that shall hold none of it"
            }
        }
    });
    let output = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "topic": {"type": "string"},
            "partitions": {"type": "array", "description": "partition, from, to of each that was moved"}
        }
    });
    operation(NAME, "Reassign replicas", Some(TOPIC), input, output)
}

pub(super) fn preview(brokers: &mut Brokers, topic: &str, input: &Value) -> Result<Forecast> {
    let plan = decide(brokers, topic, input)?;
    let partition = |(partition, to): (&i32, &Replicas)| json!({"partition": partition, "from": plan.from.get(partition), "to": to});
    let partitions: Vec<Value> = plan.to.iter().map(partition).collect();
    let mut forecast = Forecast::of(&json!({"topic": topic, "partitions": partitions}));
    for (partition, to) in &plan.to {
        let from = plan.from.get(partition).map(Vec::as_slice).unwrap_or_default();
        forecast = forecast.line(line(topic, *partition, from, to));
    }
    if plan.to.is_empty() {
        forecast = forecast.line("no replica moves");
    }
    for (partition, moving) in &plan.ongoing {
        let target = work::shown(&moving.to);
        let replaced = if plan.is_under_way(*partition) { "as wished" } else { "that is replaced" };
        let message = format!("{topic}-{partition} is being moved to {target} already: {replaced}");
        forecast = forecast.warning(message);
    }
    Ok(forecast)
}

/// `t-0: 1, 2 → 2, 3 (copies to 3, leaves 1)`
fn line(topic: &str, partition: i32, from: &[i32], to: &[i32]) -> String {
    let without = |some: &[i32], others: &[i32]| -> Replicas {
        some.iter().copied().filter(|id| !others.contains(id)).collect()
    };
    let (added, removed) = (without(to, from), without(from, to));
    let mut notes = Vec::new();
    if !added.is_empty() {
        notes.push(format!("copies to {}", work::shown(&added)));
    }
    if !removed.is_empty() {
        notes.push(format!("leaves {}", work::shown(&removed)));
    }
    if notes.is_empty() {
        notes.push("only the order".to_owned());
    }
    format!("{topic}-{partition}: {} → {} ({})", work::shown(from), work::shown(to), notes.join(", "))
}

pub(super) fn run(brokers: &mut Brokers, topic: &str, input: &Value) -> Result<Progress> {
    let plan = decide(brokers, topic, input)?;
    if plan.to.is_empty() {
        let output = json!({"topic": topic, "partitions": []});
        return Ok(
            Finished::of(format_args!("the replicas of topic {topic} are there already"), &output).into()
        );
    }
    let request = alter(topic, plan.to_begin().map(|(partition, to)| (partition, Some(to.as_slice()))));
    let controller = plan.controller;
    let nothing_to_send = plan.to_begin().next().is_none();
    let mut work = Work::begin(topic, plan.from, plan.to);
    if nothing_to_send {
        return Ok(work.running(work.to.len()));
    }
    let answer = match ask(brokers, controller, request, WORK_TIMEOUT_MS) {
        Ok(answer) => answer,
        Err(gone) => return lost(gone),
    };
    let mut first = None;
    for (partition, error) in refusals(topic, &answer)? {
        first.get_or_insert_with(|| error.clone());
        work.refuse(partition, error);
    }
    match first {
        Some(error) if work.to.is_empty() => Err(error),
        Some(_) | None => Ok(work.running(work.to.len())),
    }
}

/// None for a handle of something else.
pub(super) fn poll(brokers: &mut Brokers, handle: &str) -> Option<Result<Progress>> {
    Some(ask_how_far(brokers, Work::parse(handle)?))
}

fn ask_how_far(brokers: &mut Brokers, work: Work) -> Result<Progress> {
    let metadata = brokers.metadata(&metadata_of([work.topic.as_str()].into_iter()))?;
    let ongoing = ongoing(brokers, metadata.controller_id.0, &work.topic, work.partitions())?;
    Ok(work.progress(&ongoing, &replicas(&metadata)))
}

/// None for a handle of something else.
pub(super) fn cancel(brokers: &mut Brokers, handle: &str) -> Option<Result<()>> {
    Some(stop(brokers, &Work::parse(handle)?))
}

/// Only what this work began: a move by another that has replaced it goes on.
fn stop(brokers: &mut Brokers, work: &Work) -> Result<()> {
    let metadata = brokers.metadata(&metadata_of([work.topic.as_str()].into_iter()))?;
    let controller = metadata.controller_id.0;
    let ongoing = ongoing(brokers, controller, &work.topic, work.partitions())?;
    let left: Vec<i32> = work.ours(&ongoing).collect();
    if left.is_empty() {
        return Ok(());
    }
    let request = alter(&work.topic, left.iter().map(|partition| (*partition, None)));
    let answer = ask(brokers, controller, request, WORK_TIMEOUT_MS)?;
    let refusals = refusals(&work.topic, &answer)?;
    // What ended meanwhile needs no end.
    let real =
        refusals.into_iter().find(|(_, error)| error.code.as_deref() != Some("NO_REASSIGNMENT_IN_PROGRESS"));
    real.map_or(Ok(()), |(_, error)| Err(error))
}

fn decide(brokers: &mut Brokers, topic: &str, input: &Value) -> Result<Plan> {
    let wish = wish::parse(input)?;
    let metadata = topic_there(brokers, topic)?;
    let controller = metadata.controller_id.0;
    let racks: Racks = brokers.known.iter().map(|(id, broker)| (*id, broker.rack.clone())).collect();
    let current = replicas(&metadata);
    let mut ongoing = ongoing(brokers, controller, topic, current.keys().copied().collect())?;
    // While a partition is moved it has the old replicas and the new ones; what it will have is what counts.
    let (mut from, mut planned) = (current.clone(), current.clone());
    for (partition, moving) in &ongoing {
        from.insert(*partition, moving.from.clone());
        planned.insert(*partition, moving.to.clone());
    }
    let mut to = wish.assignment(topic, &planned, &racks)?;
    to.retain(|partition, replicas| {
        ongoing.contains_key(partition) || current.get(partition) != Some(replicas)
    });
    from.retain(|partition, _| to.contains_key(partition));
    ongoing.retain(|partition, _| to.contains_key(partition));
    Ok(Plan { controller, from, to, ongoing })
}

fn replicas(metadata: &MetadataResponse) -> Assignment {
    let partitions = metadata.topics.iter().flat_map(|topic| &topic.partitions);
    partitions.map(|one| (one.partition_index, one.replica_nodes.iter().map(|id| id.0).collect())).collect()
}

fn ongoing(brokers: &mut Brokers, controller: i32, topic: &str, partitions: Vec<i32>) -> Result<Ongoing> {
    let topics = ListPartitionReassignmentsTopics::default()
        .with_name(TopicName(text(topic)))
        .with_partition_indexes(partitions);
    let request = ListPartitionReassignmentsRequest::default()
        .with_topics(Some(vec![topics]))
        .with_timeout_ms(BROKER_TIMEOUT_MS);
    let answer = ask(brokers, controller, request, READ_TIMEOUT_MS)?;
    if answer.error_code != codes::NONE {
        let what = format!("list the moves of topic {topic}");
        return Err(codes::error(answer.error_code, answer.error_message.as_deref(), &what));
    }
    let moves = answer.topics.iter().filter(|told| told.name.as_str() == topic);
    Ok(moves.flat_map(|told| &told.partitions).map(|one| (one.partition_index, Moving::of(one))).collect())
}

/// Without replicas a move is cancelled.
fn alter<'a>(
    topic: &str,
    partitions: impl Iterator<Item = (i32, Option<&'a [i32]>)>,
) -> AlterPartitionReassignmentsRequest {
    let partition = |(index, replicas): (i32, Option<&[i32]>)| {
        let replicas = replicas.map(|ids| ids.iter().map(|id| BrokerId(*id)).collect());
        ReassignablePartition::default().with_partition_index(index).with_replicas(replicas)
    };
    let topic = ReassignableTopic::default()
        .with_name(TopicName(text(topic)))
        .with_partitions(partitions.map(partition).collect());
    AlterPartitionReassignmentsRequest::default().with_topics(vec![topic]).with_timeout_ms(BROKER_TIMEOUT_MS)
}

fn refusals(topic: &str, answer: &AlterPartitionReassignmentsResponse) -> Result<BTreeMap<i32, Error>> {
    if answer.error_code != codes::NONE {
        let what = format!("move the replicas of topic {topic}");
        return Err(codes::error(answer.error_code, answer.error_message.as_deref(), &what));
    }
    let told = answer.responses.iter().flat_map(|topic| &topic.partitions);
    let refused = told.filter(|one| one.error_code != codes::NONE).map(|one| {
        let what = format!("move the replicas of {topic}-{}", one.partition_index);
        (one.partition_index, codes::error(one.error_code, one.error_message.as_deref(), &what))
    });
    Ok(refused.collect())
}
