//! Deletes the oldest records of a topic: each log then begins at the offset that was asked for.

use std::collections::{BTreeMap, BTreeSet};

use headgate_sdk::json::{Value, json};
use headgate_sdk::{Error, Finished, Forecast, Operation, Progress, Result};
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse, TopicName};

use super::input::{self, Fields, at, wrong};
use super::{Parts, WORK_TIMEOUT_MS, count, operation, topic_there};
use crate::cluster::{Brokers, text};
use crate::log_offsets::{self, Found, Partition, Point, Told, shown};
use crate::types::TOPIC;
use crate::wire::codes;

pub(super) const NAME: &str = "delete-records";

/// The broker gives up its work after this, and says so.
const BROKER_TIMEOUT_MS: i32 = 20_000;

#[derive(Debug, PartialEq)]
enum Before {
    /// By partition; the others stay.
    Each(BTreeMap<i32, i64>),
    Offset(i64),
    Time(i64),
    Latest,
}

/// A log that would begin later.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Cut {
    partition: i32,
    start: i64,
    to: i64,
}

#[derive(Debug, Default, PartialEq)]
struct Plan {
    cuts: Vec<Cut>,
    warnings: Vec<String>,
    failures: Vec<(String, Error)>,
}

pub(super) fn describe() -> Operation {
    let input = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "description": "One of the four says before what the records go",
        "properties": {
            "before": {
                "type": ["object", "null"], "title": "Before", "description": "Offsets by partition",
                "additionalProperties": {"type": "integer", "minimum": 0}
            },
            "offset": {
                "type": ["integer", "null"], "minimum": 0, "title": "Offset",
                "description": "The same in every partition"
            },
            "time": {
                "type": ["string", "integer", "null"], "title": "Time",
                "description": "2026-01-31T12:00:00Z, or milliseconds since 1970"
            },
            "to": {"enum": ["latest", null], "title": "To", "description": "latest: all records go"}
        }
    });
    let output = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "topic": {"type": "string"},
            "records": {"type": "integer", "description": "Offsets that went; compaction may have left fewer records"},
            "partitions": {"type": "array", "description": "partition, start_before, start_after, records of each"}
        }
    });
    Operation { destructive: true, ..operation(NAME, "Delete records", Some(TOPIC), input, output) }
}

pub(super) fn preview(brokers: &mut Brokers, topic: &str, input: &Value) -> Result<Forecast> {
    let (plan, _) = decide(brokers, topic, &parse(input)?)?;
    let mut forecast = Forecast::of(&document(topic, &plan.cuts));
    for cut in &plan.cuts {
        forecast = forecast.line(cut.line(topic));
    }
    if plan.cuts.is_empty() {
        forecast = forecast.line("no record goes");
    } else {
        forecast = forecast.warning("the records are lost for ever, for every group that has not read them");
    }
    for warning in plan.warnings {
        forecast = forecast.warning(warning);
    }
    for (part, error) in plan.failures {
        forecast = forecast.warning(format_args!("{part} stays: {}", error.message));
    }
    Ok(forecast)
}

pub(super) fn run(brokers: &mut Brokers, topic: &str, input: &Value) -> Result<Progress> {
    let (plan, metadata) = decide(brokers, topic, &parse(input)?)?;
    let wanted: BTreeSet<Partition> = plan.cuts.iter().map(|cut| (topic.to_owned(), cut.partition)).collect();
    let (leaders, unled) = log_offsets::by_leader(&metadata, &wanted);
    let mut parts = Parts::of(plan.failures);
    parts.failures.extend(unled.into_iter().map(|(one, error)| (shown(&one), error)));
    let mut asked: Vec<Vec<Cut>> = Vec::new();
    let mut questions = Vec::new();
    for (leader, topics) in leaders {
        let mine: BTreeSet<i32> = topics.into_values().flatten().collect();
        let cuts: Vec<Cut> = plan.cuts.iter().filter(|cut| mine.contains(&cut.partition)).copied().collect();
        questions.push((leader, request(topic, &cuts)));
        asked.push(cuts);
    }
    for (cuts, answer) in asked.into_iter().zip(brokers.ask_each(questions, WORK_TIMEOUT_MS)) {
        match answer {
            Ok(answer) => settle(topic, cuts, &answer, &mut parts),
            Err(gone) => parts.lose(cuts.iter().map(|cut| cut.name(topic)), gone),
        }
    }
    parts.done.sort_unstable_by_key(|cut| cut.partition);
    parts.finish(|cuts| finished(topic, cuts))
}

fn finished(topic: &str, cuts: &[Cut]) -> Finished {
    let summary = match cuts.len() {
        0 => format!("topic {topic} has no record to delete"),
        number => {
            let partitions = count(number, "partition");
            format!("deleted {} of {partitions} of topic {topic}", count(records(cuts), "record"))
        }
    };
    Finished::of(summary, &document(topic, cuts))
}

fn decide(brokers: &mut Brokers, topic: &str, before: &Before) -> Result<(Plan, Vec<MetadataResponseTopic>)> {
    let metadata = topic_there(brokers, topic)?;
    let found = metadata.topics.first().filter(|found| found.is_internal);
    if found.is_some() {
        let message = format!("topic {topic} is Kafka's own: its records are never deleted by hand");
        return Err(Error::unsupported(message).code("INTERNAL_TOPIC"));
    }
    let there = metadata.topics.iter().flat_map(|found| &found.partitions).map(|one| one.partition_index);
    let wanted: BTreeSet<Partition> = match before {
        Before::Each(offsets) => offsets.keys().map(|index| (topic.to_owned(), *index)).collect(),
        Before::Offset(_) | Before::Time(_) | Before::Latest => {
            there.map(|index| (topic.to_owned(), index)).collect()
        }
    };
    let mut points = vec![Point::Earliest, Point::Latest];
    if let Before::Time(time_ms) = before {
        points.push(Point::Time(*time_ms));
    }
    let mut told = log_offsets::list(brokers, &metadata.topics, &wanted, &points).into_iter();
    let mut next = || told.next().unwrap_or_default();
    let plan = plan(before, &wanted, &next(), &next(), &next());
    Ok((plan, metadata.topics))
}

fn plan(before: &Before, wanted: &BTreeSet<Partition>, starts: &Told, ends: &Told, times: &Told) -> Plan {
    let mut plan = Plan::default();
    for partition in wanted {
        let name = shown(partition);
        let (start, end) = match (known(starts, partition), known(ends, partition)) {
            (Ok(start), Ok(end)) => (start, end),
            (Err(error), _) | (_, Err(error)) => {
                plan.failures.push((name, error));
                continue;
            }
        };
        let goal = match before {
            Before::Each(offsets) => offsets.get(&partition.1).copied().unwrap_or(start),
            Before::Offset(offset) => *offset,
            Before::Latest => end,
            Before::Time(_) => match times.get(partition) {
                Some(Ok(Some(Found { offset, .. }))) => *offset,
                Some(Ok(None)) | None => end,
                Some(Err(error)) => {
                    plan.failures.push((name, error.clone()));
                    continue;
                }
            },
        };
        if goal > end {
            plan.warnings.push(format!("{name}: {goal} is behind the log's end: to the latest, {end}"));
        }
        let to = goal.min(end);
        if to > start {
            plan.cuts.push(Cut { partition: partition.1, start, to });
        }
    }
    plan
}

fn known(told: &Told, partition: &Partition) -> Result<i64> {
    match told.get(partition) {
        Some(Ok(Some(found))) => Ok(found.offset),
        Some(Err(error)) => Err(error.clone()),
        Some(Ok(None)) | None => {
            let name = shown(partition);
            Err(Error::protocol(format_args!("the broker told nothing of the log of {name}")))
        }
    }
}

fn parse(input: &Value) -> Result<Before> {
    let fields = Fields::of(input, &["before", "offset", "time", "to"])?;
    let given: Vec<&str> =
        ["before", "offset", "time", "to"].into_iter().filter(|name| fields.get(name).is_some()).collect();
    match given.as_slice() {
        ["before"] => {
            let what = r#"offsets by partition are needed, as {"0": 5}"#;
            let mut offsets = BTreeMap::new();
            for (key, value) in input::object(fields.get("before").unwrap_or(&Value::Null), "/before", what)?
            {
                let path = format!("/before{}", at(key));
                offsets.insert(input::partition_key(key, &path)?, input::offset(value, &path)?);
            }
            Ok(Before::Each(offsets))
        }
        ["offset"] => {
            Ok(Before::Offset(input::offset(fields.get("offset").unwrap_or(&Value::Null), "/offset")?))
        }
        ["time"] => Ok(Before::Time(fields.time_ms("time")?.unwrap_or_default())),
        ["to"] if fields.text("to")? == Some("latest") => Ok(Before::Latest),
        ["to"] => Err(wrong("/to", "it can be latest")),
        [] | [_] => Err(wrong("/before", "say before what: before, offset, time, or to")),
        [_, second, ..] => Err(wrong(&at(second), format_args!("give one of {}", given.join(", ")))),
    }
}

fn request(topic: &str, cuts: &[Cut]) -> DeleteRecordsRequest {
    let partition =
        |cut: &Cut| DeleteRecordsPartition::default().with_partition_index(cut.partition).with_offset(cut.to);
    let topic = DeleteRecordsTopic::default()
        .with_name(TopicName(text(topic)))
        .with_partitions(cuts.iter().map(partition).collect());
    DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(BROKER_TIMEOUT_MS)
}

fn settle(topic: &str, cuts: Vec<Cut>, answer: &DeleteRecordsResponse, parts: &mut Parts<Cut>) {
    let told: BTreeMap<i32, (i16, i64)> = answer
        .topics
        .iter()
        .flat_map(|topic| &topic.partitions)
        .map(|one| (one.partition_index, (one.error_code, one.low_watermark)))
        .collect();
    for cut in cuts {
        let name = cut.name(topic);
        let what = format!("delete records of {name}");
        match told.get(&cut.partition) {
            Some((codes::NONE, start)) => parts.done.push(Cut { to: *start, ..cut }),
            Some((codes::POLICY_VIOLATION, _)) => {
                let said = "its cleanup.policy is compact: add delete to it";
                parts.failures.push((name, codes::error(codes::POLICY_VIOLATION, Some(said), &what)));
            }
            Some((code, _)) => parts.failures.push((name, codes::error(*code, None, &what))),
            None => parts.miss(name, &what),
        }
    }
}

impl Cut {
    fn name(&self, topic: &str) -> String {
        format!("{topic}-{}", self.partition)
    }

    fn records(&self) -> usize {
        usize::try_from(self.to - self.start).unwrap_or_default()
    }

    fn line(&self, topic: &str) -> String {
        let name = self.name(topic);
        format!("{name}: begins at {} → {}, less {}", self.start, self.to, count(self.records(), "record"))
    }
}

fn records(cuts: &[Cut]) -> usize {
    cuts.iter().map(Cut::records).sum()
}

fn document(topic: &str, cuts: &[Cut]) -> Value {
    let partition = |cut: &Cut| {
        json!({
            "partition": cut.partition,
            "start_before": cut.start,
            "start_after": cut.to,
            "records": cut.records(),
        })
    };
    json!({
        "topic": topic,
        "records": records(cuts),
        "partitions": cuts.iter().map(partition).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(offset: Option<i64>) -> Told {
        let found = offset.map(|offset| Found { offset, timestamp_ms: 0 });
        Told::from([(("t".to_owned(), 0), Ok(found))])
    }

    /// A log from 10 to 20.
    fn check(before: Before, at_time: Option<i64>, expected: &[&str]) {
        let wanted = [("t".to_owned(), 0)].into();
        let plan = plan(&before, &wanted, &told(Some(10)), &told(Some(20)), &told(at_time));
        let lines: Vec<String> = plan.cuts.iter().map(|cut| cut.line("t")).chain(plan.warnings).collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn logs_begin_later_and_never_earlier() {
        check(Before::Each([(0, 15)].into()), None, &["t-0: begins at 10 → 15, less 5 records"]);
        check(Before::Offset(11), None, &["t-0: begins at 10 → 11, less 1 record"]);
        check(Before::Offset(3), None, &[]);
        check(Before::Latest, None, &["t-0: begins at 10 → 20, less 10 records"]);
        check(Before::Time(5), Some(12), &["t-0: begins at 10 → 12, less 2 records"]);
        check(Before::Time(5), None, &["t-0: begins at 10 → 20, less 10 records"]);
        check(
            Before::Offset(25),
            None,
            &[
                "t-0: begins at 10 → 20, less 10 records",
                "t-0: 25 is behind the log's end: to the latest, 20",
            ],
        );
    }

    #[test]
    fn what_is_wrong_is_named_by_its_field() {
        let message = |input| parse(&input).unwrap_err().message;
        assert_eq!(message(json!({})), "/before: say before what: before, offset, time, or to");
        assert_eq!(message(json!({"offset": 1, "to": "latest"})), "/to: give one of offset, to");
        assert_eq!(message(json!({"to": "earliest"})), "/to: it can be latest");
        assert_eq!(message(json!({"before": {"0": -1}})), "/before/0: an offset is 0 or more");
        assert_eq!(message(json!({"before": {"x": 1}})), "/before/x: a partition's number is needed");
        assert_eq!(parse(&json!({"before": {"3": 1}})).unwrap(), Before::Each([(3, 1)].into()));
    }
}
