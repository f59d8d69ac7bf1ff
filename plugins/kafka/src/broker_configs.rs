//! Dynamic configuration of brokers: one resource for each broker, one for the default of all of them.

use std::collections::BTreeMap;

use headgate_sdk::framed::Lost;
use headgate_sdk::json::{self, Map, Value, json};
use headgate_sdk::{
    Action, Error, Failure, Lookup, Outcome, Page, Place, Query, Resource, ResourceKey, Result, Write,
    Written,
};
use kafka_protocol::messages::describe_configs_response::DescribeConfigsResult;
use kafka_protocol::messages::incremental_alter_configs_request::AlterConfigsResource;
use kafka_protocol::messages::{
    DescribeConfigsRequest, DescribeConfigsResponse, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse, MetadataRequest,
};

use crate::batch::lost_outcome;
use crate::cluster::Brokers;
use crate::configs::{
    KeyChange, RESOURCE_BROKER, SOURCE_BROKER, SOURCE_CLUSTER, Wanted, alteration, effective, key_change,
    set_at,
};
use crate::types::BROKER_CONFIG;
use crate::wire::{READ_TIMEOUT_MS, codes};

/// The one resource of a place; what tells them apart is where they lie.
const ID: &str = "broker";

const WRITE_TIMEOUT_MS: u64 = 24_000;

/// A changed setting is seen by all brokers within this.
const EDIT_LAG_MS: u64 = 2_000;

/// The cluster's default, then the brokers.
pub(crate) fn list(brokers: &mut Brokers, query: &Query, limit: usize) -> Result<Page> {
    brokers.metadata(&MetadataRequest::default().with_topics(Some(Vec::new())))?;
    let mut places: Vec<Place> = match &query.place {
        Place::Cluster => {
            let nodes = brokers.known.keys().map(|id| Place::Node(id.to_string()));
            std::iter::once(Place::Cluster).chain(nodes).collect()
        }
        place => vec![place.clone()],
    };
    // In the order that every listing has: bytewise by place, so node 10 before node 2.
    places.sort_unstable_by_key(place_text);
    if let Some(cursor) = &query.cursor {
        // Also behind a broker that is gone by now: the listing goes on where it was.
        places.retain(|place| place_text(place) > *cursor);
    }
    let more = places.len() > limit;
    places.truncate(limit);
    let wanted = Wanted::of(query.brief, &query.fields);
    let mut page =
        Page { resources: Vec::new(), failures: Vec::new(), next: None, version: None, extra: None };
    for (place, answer) in places.iter().zip(describe(brokers, &places, &wanted)) {
        match answer {
            Ok(config) => page.resources.push(resource(place, &config, &wanted)),
            Err(error) => page.failures.push(Failure {
                metadata_type: BROKER_CONFIG.to_owned(),
                id: Some(ID.to_owned()),
                place: place.clone(),
                error,
            }),
        }
    }
    page.next = places.last().filter(|_| more).map(place_text);
    Ok(page)
}

pub(crate) fn get(brokers: &mut Brokers, keys: &[&ResourceKey]) -> Result<Vec<Lookup>> {
    brokers.metadata(&MetadataRequest::default().with_topics(Some(Vec::new())))?;
    let places: Vec<Place> = keys.iter().map(|key| key.place.clone()).collect();
    let answers = describe(brokers, &places, &Wanted::Everything);
    let look_up = |(key, answer): (&&ResourceKey, Result<DescribeConfigsResult>)| match answer {
        _ if key.id != ID => Lookup::Absent,
        Ok(config) => {
            let mut found = resource(&key.place, &config, &Wanted::Everything);
            found.effective = Some(json::text(&json!({"config": effective(&config.configs)})));
            Lookup::Found(found)
        }
        Err(error) => Lookup::Failed(error),
    };
    Ok(keys.iter().zip(answers).map(look_up).collect())
}

/// One question to each broker about itself, and one to any about the default, in flight together.
fn describe(brokers: &mut Brokers, places: &[Place], wanted: &Wanted) -> Vec<Result<DescribeConfigsResult>> {
    let (mut questions, mut asked, mut answers) = (Vec::new(), Vec::new(), Vec::new());
    let any = brokers.known.keys().next().copied();
    for (index, place) in places.iter().enumerate() {
        match (target(place), any) {
            (Ok(Some(id)), _) => asked.push((index, id)),
            (Ok(None), Some(any)) => asked.push((index, any)),
            (Ok(None), None) => {
                answers.push((index, Err(Error::unavailable("the cluster names no live broker"))));
            }
            (Err(error), _) => answers.push((index, Err(error))),
        }
    }
    for (index, id) in &asked {
        let resource =
            wanted.resource(RESOURCE_BROKER, &places.get(*index).map(resource_name).unwrap_or_default());
        questions.push((*id, DescribeConfigsRequest::default().with_resources(vec![resource])));
    }
    let told = brokers.ask_each(questions, READ_TIMEOUT_MS);
    answers.extend(asked.into_iter().zip(told).map(|((index, _), told)| (index, one_result(told))));
    answers.sort_unstable_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

fn one_result(told: Result<DescribeConfigsResponse, Lost>) -> Result<DescribeConfigsResult> {
    let result = told?.results.into_iter().next();
    let result = result.ok_or_else(|| Error::protocol("the broker told nothing of its configuration"))?;
    match result.error_code {
        codes::NONE => Ok(result),
        code => Err(codes::error(code, result.error_message.as_deref(), "read a broker's configuration")),
    }
}

fn resource(place: &Place, config: &DescribeConfigsResult, wanted: &Wanted) -> Resource {
    let source = if *place == Place::Cluster { SOURCE_CLUSTER } else { SOURCE_BROKER };
    let set = if *wanted == Wanted::Nothing { Map::new() } else { set_at(&config.configs, source) };
    let mut spec = Map::new();
    if !set.is_empty() {
        spec.insert("config".to_owned(), Value::Object(set));
    }
    Resource {
        key: ResourceKey { metadata_type: BROKER_CONFIG.to_owned(), id: ID.to_owned(), place: place.clone() },
        revision: None,
        incarnation: None,
        spec: json::text(&Value::Object(spec)),
        effective: None,
        status: "{}".to_owned(),
        internal: false,
        partial: *wanted != Wanted::Everything,
        extra: None,
    }
}

/// One request to each broker with what concerns itself, the default of all to any of them, in flight together: a broker
/// refuses what is meant for another.
pub(crate) fn write(brokers: &mut Brokers, writes: &[&Write], dry_run: bool) -> Vec<Outcome> {
    let known = brokers.metadata(&MetadataRequest::default().with_topics(Some(Vec::new())));
    if let Err(error) = known {
        return writes.iter().map(|_| Outcome::Failed(error.clone())).collect();
    }
    let any = brokers.known.keys().next().copied();
    let prepared: Vec<Result<(i32, AlterConfigsResource)>> =
        writes.iter().map(|write| prepare(write, any)).collect();
    let mut requests: BTreeMap<i32, IncrementalAlterConfigsRequest> = BTreeMap::new();
    for (id, resource) in prepared.iter().flatten() {
        let request = requests
            .entry(*id)
            .or_insert_with(|| IncrementalAlterConfigsRequest::default().with_validate_only(dry_run));
        request.resources.push(resource.clone());
    }
    let ids: Vec<i32> = requests.keys().copied().collect();
    let told = brokers.ask_each(requests.into_iter().collect(), WRITE_TIMEOUT_MS);
    let told: BTreeMap<i32, Result<IncrementalAlterConfigsResponse, Lost>> =
        ids.into_iter().zip(told).collect();
    let outcomes = writes.iter().zip(prepared).map(|(write, prepared)| match prepared {
        Ok((id, _)) => match told.get(&id) {
            Some(told) => outcome(&write.key.place, told, dry_run),
            None => Outcome::Failed(Error::internal("the broker was not asked")),
        },
        Err(error) => Outcome::Failed(error),
    });
    outcomes.collect()
}

/// The broker that takes the write, and what it is told.
fn prepare(write: &Write, any: Option<i32>) -> Result<(i32, AlterConfigsResource)> {
    let broker = target(&write.key.place)?.or(any);
    let broker = broker.ok_or_else(|| Error::unavailable("the cluster names no live broker"))?;
    let resource = alteration(RESOURCE_BROKER, &resource_name(&write.key.place), &changes(write)?);
    Ok((broker, resource))
}

fn changes(write: &Write) -> Result<Vec<KeyChange>> {
    let Action::Edit(edits) = &write.action else {
        return Err(Error::unsupported("a broker's configuration is edited key by key"));
    };
    let change = |edit| -> Result<KeyChange> {
        key_change(edit)?
            .ok_or_else(|| Error::invalid_argument(format_args!("there is no field {}", edit.path)))
    };
    edits.iter().map(change).collect()
}

fn outcome(place: &Place, told: &Result<IncrementalAlterConfigsResponse, Lost>, dry_run: bool) -> Outcome {
    let name = resource_name(place);
    let what = format!("edit the configuration of {}", place_text(place));
    let written = || Written { id: None, revision: None, incarnation: None };
    let response = match told {
        Ok(response) => response,
        Err(lost) => return lost_outcome(lost, &what),
    };
    let answers: BTreeMap<&str, _> =
        response.responses.iter().map(|one| (one.resource_name.as_str(), one)).collect();
    match answers.get(name.as_str()) {
        Some(answer) if answer.error_code == codes::NONE && dry_run => Outcome::Done(written()),
        Some(answer) if answer.error_code == codes::NONE => Outcome::Accepted((written(), EDIT_LAG_MS)),
        Some(answer) => {
            let said = answer.error_message.as_deref();
            Outcome::Failed(codes::throttled(answer.error_code, said, &what, response.throttle_time_ms))
        }
        None => Outcome::Unknown(Error::protocol(format_args!("{what}: the answer does not name it"))),
    }
}

/// The broker of a place; none for the default of all.
fn target(place: &Place) -> Result<Option<i32>> {
    match place {
        Place::Cluster => Ok(None),
        Place::Node(id) => {
            let number = id.parse().ok();
            number
                .map(Some)
                .ok_or_else(|| Error::invalid_argument(format_args!("{id} is no broker's number")))
        }
        Place::Group(_) => Err(Error::invalid_argument("Kafka has no groups of brokers")),
    }
}

/// Kafka calls the default of all brokers by the empty name.
fn resource_name(place: &Place) -> String {
    match place {
        Place::Node(id) => id.clone(),
        Place::Cluster | Place::Group(_) => String::new(),
    }
}

fn place_text(place: &Place) -> String {
    match place {
        Place::Cluster => "cluster".to_owned(),
        Place::Node(id) => format!("node:{id}"),
        Place::Group(name) => format!("group:{name}"),
    }
}
