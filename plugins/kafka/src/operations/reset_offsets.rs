//! Moves the positions of a consumer group. What the wish asks for is decided on the group and the logs as they are, in
//! `plan`; before a run and in its preview alike.

use std::collections::{BTreeMap, BTreeSet};

use headgate_sdk::json::{Value, json};
use headgate_sdk::{Error, Finished, Forecast, Operation, Progress, Result};
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;

use super::group::{self, Group};
use super::input::Selection;
use super::{Parts, count, lost, operation};
use crate::cluster::Brokers;
use crate::log_offsets::{self, Offsets, Partition, Point};
use crate::topics::metadata_of;
use crate::types::CONSUMER_GROUP;

mod commit;
mod plan;
mod wish;

use plan::{Log, Move, Plan};
use wish::{Target, Wish};

pub(super) const NAME: &str = "reset-offsets";

pub(super) fn describe() -> Operation {
    operation(NAME, "Reset offsets", Some(CONSUMER_GROUP), input_schema(), output_schema())
}

fn input_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "required": ["to"],
        "properties": {
            "to": {
                "title": "Where to", "enum": ["earliest", "latest", "time", "offset", "shift", "offsets"]
            },
            "time": {
                "type": ["string", "integer", "null"], "title": "Time",
                "description": "With to = time: 2026-01-31T12:00:00Z, or milliseconds since 1970"
            },
            "offset": {
                "type": ["integer", "null"], "minimum": 0, "title": "Offset",
                "description": "With to = offset: the same in every partition"
            },
            "by": {
                "type": ["integer", "null"], "title": "By",
                "description": "With to = shift: so many messages on, or back where negative"
            },
            "offsets": {
                "type": ["object", "null"], "title": "Offsets",
                "description": "With to = offsets: by topic and partition; null deletes the position",
                "additionalProperties": {
                    "type": "object", "additionalProperties": {"type": ["integer", "null"], "minimum": 0}
                }
            },
            "topics": super::topics_schema("All in which the group has positions, where absent")
        }
    })
}

fn output_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "group": {"type": "string"},
            "partitions": {
                "type": "array",
                "description": "topic, partition, before, after, lag_before, lag_after of each that moved"
            },
            "unchanged": {"type": "integer"}
        }
    })
}

pub(super) fn preview(brokers: &mut Brokers, id: &str, input: &Value) -> Result<Forecast> {
    let wish = wish::parse(input)?;
    let group = group::find(brokers, id)?;
    let plan = decide(brokers, &group, &wish)?;
    let mut forecast = Forecast::of(&document(id, &plan.moves, plan.unchanged));
    if group.is_live() {
        forecast = forecast.warning(format_args!("{}: it is refused until they have stopped", group.shown()));
    }
    if group.described.is_none() {
        forecast = forecast.warning(format_args!("there is no group {id}: its first positions make it"));
    }
    for one in &plan.moves {
        forecast = forecast.line(one.line());
    }
    if plan.moves.is_empty() {
        forecast = forecast.line("no position moves");
    }
    for warning in plan.warnings {
        forecast = forecast.warning(warning);
    }
    for (part, error) in plan.failures {
        forecast = forecast.warning(format_args!("{part} stays: {}", error.message));
    }
    Ok(forecast)
}

pub(super) fn run(brokers: &mut Brokers, id: &str, input: &Value) -> Result<Progress> {
    let wish = wish::parse(input)?;
    let group = group::find(brokers, id)?;
    group.refuse_live("move its positions")?;
    let plan = decide(brokers, &group, &wish)?;
    let unchanged = plan.unchanged;
    let (deleted, set): (Vec<Move>, Vec<Move>) = plan.moves.into_iter().partition(|one| one.after.is_none());
    let mut parts = Parts::of(plan.failures);
    if !set.is_empty()
        && let Err(gone) = commit::set(brokers, &group, set, &mut parts)
    {
        return lost(gone);
    }
    if !deleted.is_empty() {
        let names: Vec<Partition> = deleted.iter().map(|one| one.partition.clone()).collect();
        if let Err(gone) = commit::delete(brokers, &group, deleted, &mut parts) {
            parts.lose(names.iter().map(log_offsets::shown), gone);
        }
    }
    parts.finish(|moves| finished(id, moves, unchanged))
}

fn finished(id: &str, moves: &[Move], unchanged: usize) -> Finished {
    if moves.is_empty() {
        return Finished::of(
            format_args!("no position of group {id} had to move"),
            &document(id, moves, unchanged),
        );
    }
    let summary = format!("moved {} of group {id}", count(moves.len(), "position"));
    Finished::of(summary, &document(id, moves, unchanged)).undo(&plan::undo(moves))
}

fn document(id: &str, moves: &[Move], unchanged: usize) -> Value {
    let partitions: Vec<Value> = moves.iter().map(Move::document).collect();
    json!({"group": id, "partitions": partitions, "unchanged": unchanged})
}

fn decide(brokers: &mut Brokers, group: &Group, wish: &Wish) -> Result<Plan> {
    let committed = group.committed(brokers)?;
    let names: BTreeSet<&str> = match (&wish.target, &wish.topics) {
        (Target::Exact(exact), _) => exact.keys().map(|(topic, _)| topic.as_str()).collect(),
        (_, Some(topics)) => topics.keys().map(String::as_str).collect(),
        (_, None) => committed.keys().map(|(topic, _)| topic.as_str()).collect(),
    };
    if names.is_empty() {
        let message = format!("group {} has no position anywhere: name the topics", group.id);
        return Err(Error::invalid_argument(message).code("NO_POSITION").detail("path", "/topics"));
    }
    let metadata = brokers.metadata(&metadata_of(names.into_iter()))?;
    let wanted = wanted(wish, &committed, &metadata.topics);
    let logs = logs(brokers, &metadata.topics, &wanted, &wish.target);
    Ok(plan::plan(&wish.target, &wanted, &committed, &logs))
}

fn wanted(wish: &Wish, committed: &Offsets, topics: &[MetadataResponseTopic]) -> BTreeSet<Partition> {
    match (&wish.target, &wish.topics) {
        (Target::Exact(exact), _) => exact.keys().cloned().collect(),
        (_, Some(selection)) => selected(selection, topics),
        (_, None) => committed.keys().cloned().collect(),
    }
}

/// A topic that nobody knows stands there with its first partition, so that its error is told.
fn selected(selection: &Selection, topics: &[MetadataResponseTopic]) -> BTreeSet<Partition> {
    let indexes = |name: &String| -> Vec<i32> {
        let named = |topic: &&MetadataResponseTopic| {
            topic.name.as_ref().is_some_and(|told| told.as_str() == name.as_str())
        };
        let found = topics.iter().find(named).map(|topic| topic.partitions.as_slice()).unwrap_or_default();
        found.iter().map(|partition| partition.partition_index).collect()
    };
    let partitions = |(name, chosen): (&String, &Option<BTreeSet<i32>>)| {
        let mut all: Vec<i32> = match chosen {
            Some(chosen) => chosen.iter().copied().collect(),
            None => indexes(name),
        };
        if all.is_empty() {
            all.push(0);
        }
        all.into_iter().map(|index| (name.clone(), index)).collect::<Vec<Partition>>()
    };
    selection.iter().flat_map(partitions).collect()
}

fn logs(
    brokers: &mut Brokers,
    topics: &[MetadataResponseTopic],
    wanted: &BTreeSet<Partition>,
    target: &Target,
) -> BTreeMap<Partition, Result<Log>> {
    let mut points = vec![Point::Earliest, Point::Latest];
    if let Target::Time(time_ms) = target {
        points.push(Point::Time(*time_ms));
    }
    let mut told = log_offsets::list(brokers, topics, wanted, &points).into_iter();
    let (mut starts, mut ends) = (told.next().unwrap_or_default(), told.next().unwrap_or_default());
    let mut times = told.next().unwrap_or_default();
    let mut log = |partition: &Partition| -> Result<Log> {
        let untold = || {
            let name = log_offsets::shown(partition);
            Error::protocol(format_args!("the broker told nothing of the log of {name}"))
        };
        let start = starts.remove(partition).ok_or_else(untold)??.ok_or_else(untold)?.offset;
        let end = ends.remove(partition).ok_or_else(untold)??.ok_or_else(untold)?.offset;
        let at_time = times.remove(partition).transpose()?.flatten();
        Ok(Log { start, end, at_time })
    };
    wanted.iter().map(|partition| (partition.clone(), log(partition))).collect()
}
