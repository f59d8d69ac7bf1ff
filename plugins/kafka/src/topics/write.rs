//! Writes of topics: checked against what is there, put into as few requests as Kafka takes, and an outcome for each.

use std::collections::BTreeMap;

use headgate_sdk::json::{self, Map, Value};
use headgate_sdk::{Action, Edit, Error, Outcome, Place, Progress, Result, Write};
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::{
    CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest, IncrementalAlterConfigsRequest,
};
use kafka_protocol::protocol::StrBytes;
use serde::Deserialize;
use uuid::Uuid;

use super::moving::Moving;
use super::{Row, id_bytes, id_text, metadata_of, topic_name};
use crate::batch::{Batch, answer_of, put, written};
use crate::cluster::{Brokers, text};
use crate::configs::{KeyChange, RESOURCE_TOPIC, alteration, key_change, text_of};
use crate::operations::reassign;
use crate::wire::codes;

/// Topics of one request. Each topic, partition and setting is a record of the controller's log.
const TOPICS_PER_REQUEST_MAX: usize = 2_000;

/// The controller takes 10,000 records of a request; the rest is room for what we cannot count.
const RECORDS_PER_REQUEST_MAX: usize = 9_000;

/// What the broker's own default of partitions is counted as.
const DEFAULT_PARTITIONS_GUESS: i32 = 8;

/// The broker gives up its work after this, and says so.
const WORK_TIMEOUT_MS: i32 = 20_000;

/// A changed setting is seen by all brokers within this.
const EDIT_LAG_MS: u64 = 2_000;

/// A new topic is listed seconds after its creation was answered: folders and files come first, one after the other.
const CREATE_LAG_MS: u64 = 5_000;
const CREATE_LAG_PER_PARTITION_MS: u64 = 5;

const DEFAULT_COUNT: i32 = -1;

/// What is wanted of one topic.
enum Wish {
    Create(Creation),
    Delete { incarnation: Option<String> },
    Edit { changes: Vec<KeyChange>, partitions: Option<i32> },
    Reassign(reassign::Wish),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Creation {
    partitions: Option<i32>,
    replication_factor: Option<i16>,
    config: Option<Map<String, Value>>,
}

/// A wish that is still open, at its place among the writes.
struct Open<'a> {
    index: usize,
    name: &'a str,
    wish: Wish,
}

pub(crate) fn write(brokers: &mut Brokers, writes: &[&Write], dry_run: bool) -> Vec<Outcome> {
    let mut outcomes: Vec<Option<Outcome>> = writes.iter().map(|_| None).collect();
    let mut open = Vec::new();
    for (index, write) in writes.iter().enumerate() {
        match wish(write) {
            Ok(wish) => open.push(Open { index, name: &write.key.id, wish }),
            Err(error) => put(&mut outcomes, index, Outcome::Failed(error)),
        }
    }
    check_incarnations(brokers, writes, &mut open, &mut outcomes, dry_run);
    let (mut deletes, mut creates, mut edits, mut moves) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for one in &open {
        match &one.wish {
            Wish::Delete { incarnation } => deletes.push((one.index, one.name, incarnation.as_deref())),
            Wish::Create(creation) => creates.push((one.index, one.name, creation)),
            Wish::Edit { changes, partitions } => {
                edits.push((one.index, one.name, changes.as_slice(), *partitions));
            }
            Wish::Reassign(wish) => moves.push((one.index, one.name, wish)),
        }
    }
    delete(brokers, &deletes, dry_run, &mut outcomes);
    create(brokers, &creates, dry_run, &mut outcomes);
    edit(brokers, &edits, dry_run, &mut outcomes);
    reassign(brokers, &moves, dry_run, &mut outcomes);
    let missing = || Outcome::Failed(Error::internal("the write was not sent"));
    outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(missing)).collect()
}

fn wish(write: &Write) -> Result<Wish> {
    if write.key.place != Place::Cluster {
        return Err(Error::invalid_argument("topics live on the cluster, not on a node"));
    }
    match &write.action {
        Action::Create(spec) => {
            let creation: Creation = json::parse(spec, &format!("read the spec of topic {}", write.key.id))?;
            for (key, value) in creation.config.iter().flatten() {
                text_of(value, key)?;
            }
            Ok(Wish::Create(creation))
        }
        Action::Delete => Ok(Wish::Delete { incarnation: write.incarnation.clone() }),
        Action::Edit(edits) => edit_wish(edits),
        Action::Replace(_) => Err(Error::unsupported("a topic is edited key by key, never replaced")),
        Action::Run((name, input)) if name == reassign::NAME => {
            let input = json::parse(input, "read the input of reassign")?;
            Ok(Wish::Reassign(reassign::parse(&input)?))
        }
        Action::Run((name, _)) => {
            Err(Error::unsupported(format_args!("{name} is no operation that a write of a topic can be")))
        }
    }
}

fn edit_wish(edits: &[Edit]) -> Result<Wish> {
    let (mut changes, mut partitions) = (Vec::new(), None);
    for edit in edits {
        match (edit.path.as_str(), key_change(edit)?) {
            (_, Some(change)) => changes.push(change),
            ("/partitions", None) => {
                let value = edit.value.as_deref().unwrap_or("null");
                partitions = Some(json::parse(value, "read the number of partitions")?);
            }
            ("/replication_factor", None) => {
                let message =
                    "the replication factor of a topic that is there is changed by reassign, not by an edit";
                return Err(Error::unsupported(message));
            }
            (path, None) => return Err(Error::invalid_argument(format_args!("a topic has no field {path}"))),
        }
    }
    Ok(Wish::Edit { changes, partitions })
}

/// What names an incarnation must still be it: one question for all. A dry run of a delete has nothing but this check.
fn check_incarnations(
    brokers: &mut Brokers,
    writes: &[&Write],
    open: &mut Vec<Open<'_>>,
    outcomes: &mut [Option<Outcome>],
    dry_run: bool,
) {
    let incarnation = |one: &Open<'_>| writes.get(one.index).and_then(|write| write.incarnation.clone());
    let checked = |one: &Open<'_>| match one.wish {
        Wish::Create(_) => false,
        Wish::Delete { .. } => dry_run || incarnation(one).is_some(),
        Wish::Edit { .. } | Wish::Reassign(_) => incarnation(one).is_some(),
    };
    let names: Vec<&str> = open.iter().filter(|one| checked(one)).map(|one| one.name).collect();
    if names.is_empty() {
        return;
    }
    let found = brokers.metadata(&metadata_of(names.iter().copied()));
    let rows: Result<BTreeMap<String, Row>> = found.map(|answer| {
        let rows = answer.topics.iter().filter_map(|topic| Row::of(topic, &Moving::default()));
        rows.map(|row| (row.name.clone(), row)).collect()
    });
    open.retain(|one| {
        if !checked(one) {
            return true;
        }
        let verdict = match &rows {
            Ok(rows) => still_is(one.name, rows.get(one.name), incarnation(one).as_deref()),
            Err(error) => Err(error.clone()),
        };
        match verdict {
            Ok(()) => true,
            Err(error) => {
                put(outcomes, one.index, Outcome::Failed(error));
                false
            }
        }
    });
}

fn still_is(name: &str, row: Option<&Row>, incarnation: Option<&str>) -> Result<()> {
    match row {
        None => {
            Err(Error::not_found(format_args!("topic {name} is not there"))
                .code("UNKNOWN_TOPIC_OR_PARTITION"))
        }
        Some(row)
            if row.code == codes::UNKNOWN_TOPIC_OR_PARTITION
                || row.code == codes::TOPIC_AUTHORIZATION_FAILED =>
        {
            Err(codes::error(row.code, None, &format!("find topic {name}")))
        }
        Some(row) if incarnation.is_some() && row.incarnation.as_deref() != incarnation => {
            let message =
                format!("topic {name} was deleted and made again since it was read: look at it anew");
            let now = row.incarnation.as_deref().unwrap_or("none");
            Err(Error::conflict(message).code("INCONSISTENT_TOPIC_ID").detail("topic-id", now))
        }
        Some(_) => Ok(()),
    }
}

fn delete(
    brokers: &mut Brokers,
    items: &[(usize, &str, Option<&str>)],
    dry_run: bool,
    outcomes: &mut [Option<Outcome>],
) {
    if dry_run {
        items.iter().for_each(|(index, _, _)| put(outcomes, *index, Outcome::Done(written(None))));
        return;
    }
    let state = |(_, name, incarnation): &(usize, &str, Option<&str>)| match incarnation.and_then(id_bytes) {
        Some(id) => DeleteTopicState::default().with_topic_id(Uuid::from_bytes(id)).with_name(None),
        None => DeleteTopicState::default().with_name(Some(topic_name(name))),
    };
    for chunk in items.chunks(TOPICS_PER_REQUEST_MAX) {
        let names: Vec<(usize, &str)> = chunk.iter().map(|(index, name, _)| (*index, *name)).collect();
        let build = |chosen: &[usize]| {
            let chosen = chunk.iter().filter(|(index, _, _)| chosen.binary_search(index).is_ok());
            DeleteTopicsRequest::default()
                .with_topics(chosen.map(state).collect())
                .with_timeout_ms(WORK_TIMEOUT_MS)
        };
        let by_id: BTreeMap<&str, &str> =
            chunk.iter().filter_map(|(_, name, incarnation)| Some(((*incarnation)?, *name))).collect();
        let read = |_: &[usize], response: kafka_protocol::messages::DeleteTopicsResponse| {
            let answer = |one: kafka_protocol::messages::delete_topics_response::DeletableTopicResult| {
                let id = id_text(one.topic_id.as_bytes());
                let name = one.name.map(|name| name.to_string());
                let name = name.or_else(|| by_id.get(id.as_str()).map(ToString::to_string))?;
                Some((name, answer_of(one.error_code, one.error_message, None)))
            };
            (response.throttle_time_ms, response.responses.into_iter().filter_map(answer).collect())
        };
        let batch = Batch { names: &names, what: "delete topic", lag_ms: EDIT_LAG_MS, dry_run };
        batch.send(brokers, build, read, outcomes);
    }
}

fn create(
    brokers: &mut Brokers,
    items: &[(usize, &str, &Creation)],
    dry_run: bool,
    outcomes: &mut [Option<Outcome>],
) {
    for chunk in chunks(items, |(_, _, creation)| records(creation)) {
        let names: Vec<(usize, &str)> = chunk.iter().map(|(index, name, _)| (*index, *name)).collect();
        let build = |chosen: &[usize]| {
            let chosen = chunk.iter().filter(|(index, _, _)| chosen.binary_search(index).is_ok());
            CreateTopicsRequest::default()
                .with_topics(chosen.map(|(_, name, creation)| creatable(name, creation)).collect())
                .with_timeout_ms(WORK_TIMEOUT_MS)
                .with_validate_only(dry_run)
        };
        let read = |_: &[usize], response: kafka_protocol::messages::CreateTopicsResponse| {
            let answer = |one: kafka_protocol::messages::create_topics_response::CreatableTopicResult| {
                let id = (!one.topic_id.is_nil()).then(|| id_text(one.topic_id.as_bytes()));
                (one.name.to_string(), answer_of(one.error_code, one.error_message, id))
            };
            (response.throttle_time_ms, response.topics.into_iter().map(answer).collect())
        };
        let partitions: usize = chunk.iter().map(|(_, _, creation)| records(creation)).sum();
        let lag_ms =
            CREATE_LAG_MS + CREATE_LAG_PER_PARTITION_MS * u64::try_from(partitions).unwrap_or_default();
        let batch = Batch { names: &names, what: "create topic", lag_ms, dry_run };
        batch.send(brokers, build, read, outcomes);
    }
}

fn creatable(name: &str, creation: &Creation) -> CreatableTopic {
    let setting = |(key, value): (&String, &Value)| {
        let value = text_of(value, key).ok().flatten()?;
        let config = CreatableTopicConfig::default().with_name(text(key));
        Some(config.with_value(Some(StrBytes::from_string(value))))
    };
    CreatableTopic::default()
        .with_name(topic_name(name))
        .with_num_partitions(creation.partitions.unwrap_or(DEFAULT_COUNT))
        .with_replication_factor(creation.replication_factor.unwrap_or(-1))
        .with_configs(creation.config.iter().flatten().filter_map(setting).collect())
}

fn records(creation: &Creation) -> usize {
    let partitions = creation.partitions.unwrap_or(DEFAULT_PARTITIONS_GUESS);
    let settings = creation.config.as_ref().map(Map::len).unwrap_or_default();
    1 + usize::try_from(partitions).unwrap_or_default() + settings
}

type EditItem<'a> = (usize, &'a str, &'a [KeyChange], Option<i32>);

/// Settings first; partitions only where these went well, so that an outcome speaks of the whole edit.
fn edit(brokers: &mut Brokers, items: &[EditItem<'_>], dry_run: bool, outcomes: &mut [Option<Outcome>]) {
    let settings: Vec<EditItem<'_>> =
        items.iter().filter(|(_, _, changes, _)| !changes.is_empty()).copied().collect();
    for chunk in settings.chunks(TOPICS_PER_REQUEST_MAX) {
        let names: Vec<(usize, &str)> = chunk.iter().map(|(index, name, _, _)| (*index, *name)).collect();
        let build = |chosen: &[usize]| {
            let chosen = chunk.iter().filter(|(index, ..)| chosen.binary_search(index).is_ok());
            IncrementalAlterConfigsRequest::default()
                .with_resources(
                    chosen.map(|(_, name, changes, _)| alteration(RESOURCE_TOPIC, name, changes)).collect(),
                )
                .with_validate_only(dry_run)
        };
        let read = |_: &[usize], response: kafka_protocol::messages::IncrementalAlterConfigsResponse| {
            let answer = |one: kafka_protocol::messages::incremental_alter_configs_response::AlterConfigsResourceResponse| {
                (one.resource_name.to_string(), answer_of(one.error_code, one.error_message, None))
            };
            (response.throttle_time_ms, response.responses.into_iter().map(answer).collect())
        };
        let batch = Batch { names: &names, what: "edit topic", lag_ms: EDIT_LAG_MS, dry_run };
        batch.send(brokers, build, read, outcomes);
    }
    let went_well = |index: &usize| {
        outcomes
            .get(*index)
            .is_none_or(|outcome| matches!(outcome, None | Some(Outcome::Done(_) | Outcome::Accepted(_))))
    };
    let growths: Vec<(usize, &str, i32)> = items
        .iter()
        .filter(|(index, ..)| went_well(index))
        .filter_map(|(index, name, _, partitions)| Some((*index, *name, (*partitions)?)))
        .collect();
    grow(brokers, &growths, dry_run, outcomes);
    for (index, _, changes, partitions) in items {
        if changes.is_empty() && partitions.is_none() {
            put(outcomes, *index, Outcome::Done(written(None)));
        }
    }
}

/// What moves replicas goes on after the answer.
fn reassign(
    brokers: &mut Brokers,
    items: &[(usize, &str, &reassign::Wish)],
    dry_run: bool,
    outcomes: &mut [Option<Outcome>],
) {
    if items.is_empty() {
        return;
    }
    let wishes: Vec<(&str, &reassign::Wish)> = items.iter().map(|(_, name, wish)| (*name, *wish)).collect();
    let begun: Vec<Outcome> = if dry_run {
        let checked = reassign::check(brokers, &wishes).into_iter();
        checked.map(|one| one.map_or_else(Outcome::Failed, |()| Outcome::Done(written(None)))).collect()
    } else {
        reassign::begin(brokers, &wishes).into_iter().map(outcome).collect()
    };
    for ((index, _, _), outcome) in items.iter().zip(begun) {
        put(outcomes, *index, outcome);
    }
}

fn outcome(begun: Result<Progress>) -> Outcome {
    match begun {
        Ok(Progress::Done(_)) => Outcome::Done(written(None)),
        Ok(Progress::Running((handle, _))) => Outcome::Started(handle),
        Ok(Progress::Unknown(error)) => Outcome::Unknown(error),
        Err(error) => Outcome::Failed(error),
    }
}

fn grow(
    brokers: &mut Brokers,
    items: &[(usize, &str, i32)],
    dry_run: bool,
    outcomes: &mut [Option<Outcome>],
) {
    for chunk in chunks(items, |(_, _, count)| usize::try_from(*count).unwrap_or_default()) {
        let names: Vec<(usize, &str)> = chunk.iter().map(|(index, name, _)| (*index, *name)).collect();
        let topic = |(_, name, count): &(usize, &str, i32)| {
            let topic = CreatePartitionsTopic::default().with_name(topic_name(name));
            topic.with_count(*count).with_assignments(None)
        };
        let build = |chosen: &[usize]| {
            let chosen = chunk.iter().filter(|(index, _, _)| chosen.binary_search(index).is_ok());
            CreatePartitionsRequest::default()
                .with_topics(chosen.map(topic).collect())
                .with_timeout_ms(WORK_TIMEOUT_MS)
                .with_validate_only(dry_run)
        };
        let read = |_: &[usize], response: kafka_protocol::messages::CreatePartitionsResponse| {
            let answer =
                |one: kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult| {
                    (one.name.to_string(), answer_of(one.error_code, one.error_message, None))
                };
            (response.throttle_time_ms, response.results.into_iter().map(answer).collect())
        };
        let batch = Batch { names: &names, what: "add partitions to topic", lag_ms: CREATE_LAG_MS, dry_run };
        batch.send(brokers, build, read, outcomes);
    }
}

/// Neighbours in as few groups as the limits of a request allow.
fn chunks<T>(items: &[T], records: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let mut chunks = Vec::new();
    let (mut start, mut sum) = (0, 0);
    for (index, item) in items.iter().enumerate() {
        let count = records(item);
        if index > start && (index - start == TOPICS_PER_REQUEST_MAX || sum + count > RECORDS_PER_REQUEST_MAX)
        {
            chunks.extend(items.get(start..index));
            (start, sum) = (index, 0);
        }
        sum += count;
    }
    chunks.extend(items.get(start..).filter(|rest| !rest.is_empty()));
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_stay_within_kafkas_limits() {
        let counts = |items: &[usize]| {
            chunks(items, |count| *count).iter().map(|chunk| chunk.len()).collect::<Vec<_>>()
        };
        assert_eq!(counts(&[1; 4_001]), [2_000, 2_000, 1]);
        assert_eq!(counts(&[5_000, 3_000, 2_000, 20_000, 1]), [2, 1, 1, 1]);
        assert!(counts(&[]).is_empty());
    }

    #[test]
    fn another_incarnation_is_a_conflict() {
        let row = Row {
            name: "a".to_owned(),
            incarnation: Some("new".to_owned()),
            internal: false,
            partitions: 1,
            replication_factor: 1,
            under_replicated: 0,
            leaderless: 0,
            code: 0,
        };
        assert!(still_is("a", Some(&row), Some("new")).is_ok());
        assert!(still_is("a", Some(&row), None).is_ok());
        let kind = |row: Option<&Row>| still_is("a", row, Some("old")).unwrap_err().kind;
        assert_eq!(kind(Some(&row)), headgate_sdk::ErrorKind::Conflict);
        assert_eq!(kind(None), headgate_sdk::ErrorKind::NotFound);
    }
}
