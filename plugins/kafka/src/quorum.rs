//! The quorum of controllers that keeps the cluster's metadata (KRaft): who leads and who votes, and, when it is asked for by
//! itself, how far behind each is.

use headgate_sdk::framed::Lost;
use headgate_sdk::json::{self, Map, Value, json};
use headgate_sdk::{Error, Lookup, Page, Place, Query, Resource, ResourceKey, Result};
use kafka_protocol::messages::describe_quorum_request::{PartitionData, TopicData};
use kafka_protocol::messages::describe_quorum_response::{PartitionData as Told, ReplicaState};
use kafka_protocol::messages::{DescribeQuorumRequest, DescribeQuorumResponse, TopicName};

use crate::cluster::{Brokers, text};
use crate::types::QUORUM;
use crate::wire::{READ_TIMEOUT_MS, codes};

/// There is one quorum, and this is its name.
const ID: &str = "metadata";

/// The log that it keeps.
const TOPIC: &str = "__cluster_metadata";

const RIGHT: &str = "give the login `describe` on the cluster";

/// A quorum without controllers cannot tell; nobody waits for it longer than this where something else is asked for.
pub(crate) fn ask(brokers: &mut Brokers, timeout_ms: u64) -> Result<DescribeQuorumResponse, Lost> {
    let topic = TopicData::default()
        .with_topic_name(TopicName(text(TOPIC)))
        .with_partitions(vec![PartitionData::default().with_partition_index(0)]);
    brokers.once(&DescribeQuorumRequest::default().with_topics(vec![topic]), timeout_ms)
}

pub(crate) fn list(brokers: &mut Brokers, query: &Query) -> Result<Page> {
    if query.place != Place::Cluster {
        return Err(Error::invalid_argument("the quorum is the cluster's, not a node's"));
    }
    let found = if query.cursor.is_some() { None } else { find(brokers)? };
    let resources = found.iter().map(|told| resource(seldom(told))).collect();
    Ok(Page { resources, failures: Vec::new(), next: None, version: None, extra: None })
}

pub(crate) fn get(brokers: &mut Brokers, keys: &[&ResourceKey]) -> Result<Vec<Lookup>> {
    let found = find(brokers)?;
    let look_up = |key: &&ResourceKey| match &found {
        Some(told) if key.place == Place::Cluster && key.id == ID => Lookup::Found(resource(whole(told))),
        Some(_) | None => Lookup::Absent,
    };
    Ok(keys.iter().map(look_up).collect())
}

/// None where ZooKeeper keeps the metadata.
fn find(brokers: &mut Brokers) -> Result<Option<Told>> {
    if !brokers.any_versions()?.knows::<DescribeQuorumRequest>(0) {
        return Ok(None);
    }
    let mut answer = ask(brokers, READ_TIMEOUT_MS)?;
    let what = "describe the quorum";
    if answer.error_code != codes::NONE {
        let said = codes::or_right(answer.error_code, answer.error_message.as_deref(), RIGHT);
        return Err(codes::error(answer.error_code, said, what));
    }
    let told = answer.topics.pop().and_then(|mut topic| topic.partitions.pop());
    match told {
        Some(told) if told.error_code == codes::NONE => Ok(Some(told)),
        Some(told) => Err(codes::error(told.error_code, told.error_message.as_deref(), what)),
        None => Err(Error::protocol("the broker told nothing of the quorum")),
    }
}

/// What stays as it is while nothing happens to the controllers.
fn seldom(told: &Told) -> Map<String, Value> {
    let ids = |replicas: &[ReplicaState]| {
        let mut ids: Vec<i32> = replicas.iter().map(|one| one.replica_id.0).collect();
        ids.sort_unstable();
        ids
    };
    let mut status = Map::new();
    let leader = (told.leader_id.0 >= 0).then_some(told.leader_id.0);
    status.insert("leader".to_owned(), json!(leader));
    status.insert("epoch".to_owned(), json!(told.leader_epoch));
    status.insert("voters".to_owned(), json!(ids(&told.current_voters)));
    status.insert("observers".to_owned(), json!(ids(&told.observers)));
    status
}

fn whole(told: &Told) -> Map<String, Value> {
    let end = told.current_voters.iter().find(|one| one.replica_id == told.leader_id);
    let end = end.map(|leader| leader.log_end_offset);
    let known = |number: i64| (number >= 0).then_some(number);
    let replica = |(role, one): (&str, &ReplicaState)| {
        let lag = end.zip(known(one.log_end_offset)).map(|(end, reached)| (end - reached).max(0));
        json!({
            "id": one.replica_id.0,
            "role": role,
            "end_offset": known(one.log_end_offset),
            "lag": lag,
            "last_fetch_ms": known(one.last_fetch_timestamp),
            "last_caught_up_ms": known(one.last_caught_up_timestamp),
        })
    };
    let voters = told.current_voters.iter().map(|one| ("voter", one));
    let all = voters.chain(told.observers.iter().map(|one| ("observer", one)));
    let mut status = seldom(told);
    status.insert("high_watermark".to_owned(), json!(known(told.high_watermark)));
    status.insert("replicas".to_owned(), all.map(replica).collect());
    status
}

fn resource(status: Map<String, Value>) -> Resource {
    Resource {
        key: ResourceKey { metadata_type: QUORUM.to_owned(), id: ID.to_owned(), place: Place::Cluster },
        revision: None,
        incarnation: None,
        spec: "{}".to_owned(),
        effective: None,
        status: json::text(&status),
        internal: false,
        partial: false,
        extra: None,
    }
}

pub(crate) fn status_schema() -> Value {
    let ids = |title: &str| json!({"type": "array", "items": {"type": "integer"}, "title": title});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "leader": {"type": ["integer", "null"], "title": "Active controller"},
            "epoch": {"type": "integer", "title": "Epoch"},
            "voters": ids("Voters"),
            "observers": ids("Observers"),
            "high_watermark": {
                "type": ["integer", "null"], "title": "High watermark",
                "description": "Offset that a majority has, when it is asked for by itself"
            },
            "replicas": {
                "type": "array",
                "description": "When it is asked for by itself: role, end offset and lag of each, and when it last fetched and \
                    was last caught up (Unix milliseconds)"
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::BrokerId;

    use super::*;

    #[test]
    fn lag_is_counted_from_the_leader() {
        let replica = |id, end| {
            let state = ReplicaState::default().with_replica_id(BrokerId(id)).with_log_end_offset(end);
            state.with_last_fetch_timestamp(-1).with_last_caught_up_timestamp(5)
        };
        let told = Told::default()
            .with_leader_id(BrokerId(2))
            .with_leader_epoch(7)
            .with_high_watermark(99)
            .with_current_voters(vec![replica(2, 100), replica(1, 97)])
            .with_observers(vec![replica(4, -1)]);
        let seldom = json!({"leader": 2, "epoch": 7, "voters": [1, 2], "observers": [4]});
        assert_eq!(Value::Object(super::seldom(&told)), seldom);
        let whole = Value::Object(whole(&told));
        assert_eq!(whole["high_watermark"], 99);
        let lags: Vec<&Value> = whole["replicas"].as_array().unwrap().iter().map(|one| &one["lag"]).collect();
        assert_eq!(lags, [&json!(0), &json!(3), &Value::Null]);
        assert_eq!(whole["replicas"][0]["last_fetch_ms"], Value::Null);
        assert_eq!(whole["replicas"][0]["last_caught_up_ms"], 5);
    }
}
