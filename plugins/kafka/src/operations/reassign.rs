//! Moves the replicas of a topic to other brokers: to those that are named, to more or fewer of them, or away from some. The
//! cluster goes on with it by itself; `poll` asks the controller how far it is.

use std::collections::BTreeMap;

use headgate_sdk::framed::Lost;
use headgate_sdk::json::{Value, json};
use headgate_sdk::{Error, Finished, Forecast, Operation, Progress, Result};
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{BrokerId, MetadataResponse};

use super::{WORK_TIMEOUT_MS, ask, lost, operation};
use crate::cluster::Brokers;
use crate::topics::metadata_of;
use crate::types::TOPIC;
use crate::wire::codes;

mod assignment;
mod requests;
mod wish;
mod work;

use assignment::{Assignment, Racks, Replicas};
use requests::OfTopic;
pub(crate) use wish::Wish;
use work::{Ongoing, Work};

pub(crate) const NAME: &str = "reassign";

/// The controller takes 10,000 records of a request, and each partition is one.
const PARTITIONS_PER_REQUEST_MAX: usize = 5_000;

/// What is said of a partition that is not being moved.
const ENDED: &str = "NO_REASSIGNMENT_IN_PROGRESS";

/// What changes in a topic, and what is there.
struct Plan {
    topic: String,
    controller: i32,
    from: Assignment,
    to: Assignment,
    /// Of those that change, the ones that are being moved already: as wished, or to somewhere else.
    ongoing: Ongoing,
}

/// What was refused, by partition, where the request was answered.
type Answer = Result<BTreeMap<i32, Error>, Lost>;

impl Plan {
    fn of(
        topic: &str,
        wish: &Wish,
        controller: i32,
        current: Assignment,
        mut ongoing: Ongoing,
        racks: &Racks,
    ) -> Result<Self> {
        // While a partition is moved it has the old replicas and the new ones; what it will have is what counts.
        let (mut from, mut planned) = (current.clone(), current.clone());
        for (partition, moving) in &ongoing {
            from.insert(*partition, moving.from.clone());
            planned.insert(*partition, moving.to.clone());
        }
        let mut to = wish.assignment(topic, &planned, racks)?;
        to.retain(|partition, replicas| {
            ongoing.contains_key(partition) || current.get(partition) != Some(replicas)
        });
        from.retain(|partition, _| to.contains_key(partition));
        ongoing.retain(|partition, _| to.contains_key(partition));
        Ok(Self { topic: topic.to_owned(), controller, from, to, ongoing })
    }

    fn begun(self, answer: Answer) -> Result<Progress> {
        let topic = self.topic;
        if self.to.is_empty() {
            let output = json!({"topic": topic, "partitions": []});
            let summary = format!("the replicas of topic {topic} are there already");
            return Ok(Finished::of(summary, &output).into());
        }
        let refused = match answer {
            Ok(refused) => refused,
            Err(gone) => return lost(gone),
        };
        let mut work = Work::begin(&topic, self.from, self.to);
        let first = refused.values().next().cloned();
        for (partition, error) in refused {
            work.refuse(partition, error);
        }
        match first {
            Some(error) if work.to.is_empty() => Err(error),
            Some(_) | None => Ok(work.running(work.to.len())),
        }
    }

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
    let wish = wish::parse(input)?;
    let begun = begin(brokers, &[(topic, &wish)]).pop();
    begun.unwrap_or_else(|| Err(Error::internal("nothing came of it")))
}

/// What an input asks for, checked as far as that needs no cluster.
pub(crate) fn parse(input: &Value) -> Result<Wish> {
    wish::parse(input)
}

/// Whether the wishes can be: each by itself, as one look at the cluster tells.
pub(crate) fn check(brokers: &mut Brokers, wishes: &[(&str, &Wish)]) -> Vec<Result<()>> {
    plans(brokers, wishes).into_iter().map(|plan| plan.map(drop)).collect()
}

/// Begins moves of many topics at once, with an answer for each, in order.
pub(crate) fn begin(brokers: &mut Brokers, wishes: &[(&str, &Wish)]) -> Vec<Result<Progress>> {
    let plans = plans(brokers, wishes);
    let controller = plans.iter().flatten().map(|plan| plan.controller).next().unwrap_or(-1);
    let parts = parts(&plans);
    let mut answers: BTreeMap<String, Answer> = BTreeMap::new();
    for part in parts {
        let answer = ask(brokers, controller, requests::alter(&part), WORK_TIMEOUT_MS);
        let mut told = match answer.map(|answer| requests::refusals(&answer)) {
            Ok(told) => told.map_err(|error| Lost { sent: false, error }),
            Err(gone) => Err(gone),
        };
        for (topic, _) in part {
            let one = match &mut told {
                Ok(refusals) => Ok(refusals.remove(topic).unwrap_or_default()),
                Err(gone) => Err(gone.clone()),
            };
            answers.insert(topic.to_owned(), one);
        }
    }
    let mut begun = |plan: Plan| {
        let answer = answers.remove(&plan.topic).unwrap_or_else(|| Ok(BTreeMap::new()));
        plan.begun(answer)
    };
    plans.into_iter().map(|plan| plan.and_then(&mut begun)).collect()
}

/// What must be sent, in as few requests as the controller takes.
fn parts(plans: &[Result<Plan>]) -> Vec<Vec<OfTopic<'_>>> {
    let mut parts: Vec<Vec<OfTopic<'_>>> = Vec::new();
    let mut room = 0;
    for plan in plans.iter().flatten() {
        let partitions: Vec<(i32, Option<&[i32]>)> =
            plan.to_begin().map(|(partition, to)| (partition, Some(to.as_slice()))).collect();
        let count = partitions.len();
        let one = (plan.topic.as_str(), partitions);
        match parts.last_mut() {
            _ if count == 0 => continue,
            Some(part) if count <= room => part.push(one),
            Some(_) | None => {
                room = PARTITIONS_PER_REQUEST_MAX;
                parts.push(vec![one]);
            }
        }
        room = room.saturating_sub(count);
    }
    parts
}

/// None for a handle of something else.
pub(super) fn poll(brokers: &mut Brokers, handle: &str) -> Option<Result<Progress>> {
    Some(ask_how_far(brokers, Work::parse(handle)?))
}

fn ask_how_far(brokers: &mut Brokers, work: Work) -> Result<Progress> {
    let (metadata, ongoing) = look(brokers, &work)?;
    let replicas = metadata.topics.first().map(replicas).unwrap_or_default();
    Ok(work.progress(&ongoing, &replicas))
}

fn look(brokers: &mut Brokers, work: &Work) -> Result<(MetadataResponse, Ongoing)> {
    let topic = work.topic.as_str();
    let metadata = brokers.metadata(&metadata_of([topic].into_iter()))?;
    let asked = [(topic, work.partitions())];
    let ongoing = requests::ongoing(brokers, metadata.controller_id.0, &asked)?.remove(topic);
    Ok((metadata, ongoing.unwrap_or_default()))
}

/// None for a handle of something else.
pub(super) fn cancel(brokers: &mut Brokers, handle: &str) -> Option<Result<()>> {
    Some(stop(brokers, &Work::parse(handle)?))
}

/// Only what this work began: a move by another that has replaced it goes on.
fn stop(brokers: &mut Brokers, work: &Work) -> Result<()> {
    let (metadata, ongoing) = look(brokers, work)?;
    let left: Vec<(i32, Option<&[i32]>)> = work.ours(&ongoing).map(|partition| (partition, None)).collect();
    if left.is_empty() {
        return Ok(());
    }
    let request = requests::alter(&[(work.topic.as_str(), left)]);
    let answer = ask(brokers, metadata.controller_id.0, request, WORK_TIMEOUT_MS)?;
    let refusals = requests::refusals(&answer)?.into_values().flatten();
    // What ended meanwhile needs no end.
    let mut real = refusals.filter(|(_, error)| error.code.as_deref() != Some(ENDED));
    real.next().map_or(Ok(()), |(_, error)| Err(error))
}

fn decide(brokers: &mut Brokers, topic: &str, input: &Value) -> Result<Plan> {
    let wish = wish::parse(input)?;
    let plan = plans(brokers, &[(topic, &wish)]).pop();
    plan.unwrap_or_else(|| Err(Error::internal("nothing was decided")))
}

/// One question for all topics, and one for all that is being moved of them.
fn plans(brokers: &mut Brokers, wishes: &[(&str, &Wish)]) -> Vec<Result<Plan>> {
    let fail = |error: Error| wishes.iter().map(|_| Err(error.clone())).collect();
    let metadata = match brokers.metadata(&metadata_of(wishes.iter().map(|(topic, _)| *topic))) {
        Ok(metadata) => metadata,
        Err(error) => return fail(error),
    };
    let named = |name: &str| {
        let is_it =
            |told: &&MetadataResponseTopic| told.name.as_ref().is_some_and(|told| told.as_str() == name);
        metadata.topics.iter().find(is_it)
    };
    let there = wishes.iter().filter_map(|(topic, _)| Some((*topic, replicas(named(topic)?))));
    let asked: Vec<(&str, Vec<i32>)> =
        there.map(|(topic, replicas)| (topic, replicas.into_keys().collect())).collect();
    let controller = metadata.controller_id.0;
    let mut ongoing = match requests::ongoing(brokers, controller, &asked) {
        Ok(ongoing) => ongoing,
        Err(error) => return fail(error),
    };
    let racks: Racks = brokers.known.iter().map(|(id, broker)| (*id, broker.rack.clone())).collect();
    let mut plan = |(topic, wish): &(&str, &Wish)| match named(topic) {
        Some(told) if !told.partitions.is_empty() => {
            let ongoing = ongoing.remove(*topic).unwrap_or_default();
            Plan::of(topic, wish, controller, replicas(told), ongoing, &racks)
        }
        Some(told) => Err(codes::error(told.error_code, None, &format!("read topic {topic}"))),
        None => Err(Error::protocol(format_args!("no broker told of topic {topic}"))),
    };
    wishes.iter().map(&mut plan).collect()
}

fn replicas(topic: &MetadataResponseTopic) -> Assignment {
    let ids = |ids: &[BrokerId]| ids.iter().map(|id| id.0).collect();
    topic.partitions.iter().map(|one| (one.partition_index, ids(&one.replica_nodes))).collect()
}
