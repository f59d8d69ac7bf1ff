//! The cluster as it is: its id, its brokers and controllers, which of them answer, and what versions they speak.

use std::collections::{BTreeMap, BTreeSet};

use headgate_sdk::framed::Lost;
use headgate_sdk::json::{self, Value, json};
use headgate_sdk::{Cluster, Error, Health, Node, Result, log};
use kafka_protocol::messages::{
    DescribeClusterRequest, DescribeClusterResponse, DescribeQuorumResponse, MetadataRequest,
    MetadataResponse,
};

use crate::cluster::{Broker, Brokers, peer};
use crate::wire::{codes, versions::Versions};
use crate::{quorum, registry};

/// Each broker is asked for one small answer.
const PING_TIMEOUT_MS: u64 = 4_000;

/// What a cluster without a quorum cannot tell is not waited for.
const OPTIONAL_TIMEOUT_MS: u64 = 3_000;

/// Voters fetch at least every half second; who is silent for longer is gone.
const VOTER_SILENCE_MAX_MS: i64 = 10_000;

/// Since this version `DescribeCluster` also names brokers that are registered but not there.
const FENCED_SINCE: i16 = 2;

/// Levels of `metadata.version`, and the release that brought each one first.
const RELEASES: [(i16, &str); 13] = [
    (1, "3.0"),
    (2, "3.1"),
    (3, "3.2"),
    (4, "3.3"),
    (8, "3.4"),
    (9, "3.5"),
    (12, "3.6"),
    (15, "3.7"),
    (20, "3.8"),
    (21, "3.9"),
    (22, "4.0"),
    (26, "4.1"),
    (28, "4.2"),
];
const NEWEST: (i16, &str) = (30, "4.3");
const NEWER: &str = "4.4 or newer";

/// The last known level of the newest release; what is above it is newer than this plugin.
const NEWEST_LEVEL_MAX: i16 = 31;

#[derive(Default)]
struct Quorum {
    leader: Option<i32>,
    /// Whether each voter fetched lately.
    voters: BTreeMap<i32, bool>,
    addresses: BTreeMap<i32, Vec<(String, String)>>,
}

pub(crate) fn discover(brokers: &mut Brokers) -> Result<Cluster> {
    let before = brokers.known.clone();
    let metadata = brokers.metadata(&MetadataRequest::default().with_topics(Some(Vec::new())))?;
    let versions = brokers.any_versions()?;
    let quorum = optional("controllers", quorum(brokers)).unwrap_or_default();
    let registered = registered(brokers, &versions, &before);
    let pings = ping(brokers);
    let finalized = versions.finalized.get("metadata.version").copied();
    let mut nodes: Vec<Node> = Vec::new();
    for (id, broker) in &registered {
        let ping = pings.get(id);
        let version = brokers
            .versions_of(*id)
            .and_then(|versions| release(versions.supported.get("metadata.version").copied()));
        nodes.push(broker_node(*id, broker, ping, version, &quorum));
    }
    let controllers = quorum.voters.iter().filter(|(id, _)| !registered.contains_key(id));
    nodes.extend(controllers.map(|(id, alive)| controller_node(*id, *alive, &quorum)));
    nodes.sort_unstable_by_key(|node| node.id.parse::<i32>().unwrap_or(i32::MAX));
    let version = release(finalized).or_else(|| release(versions.supported.get("metadata.version").copied()));
    Ok(Cluster {
        identity: metadata.cluster_id.as_ref().map(ToString::to_string),
        facts: json::text(&facts(registered.len(), version, &versions, &quorum)),
        version: version.map(str::to_owned),
        nodes,
        relations: registry::told(brokers, &versions),
    })
}

fn facts(nodes: usize, version: Option<&str>, versions: &Versions, quorum: &Quorum) -> Value {
    json!({
        "nodes": nodes,
        "version": version,
        "controller": quorum.leader,
        "features": versions.finalized,
    })
}

/// What cannot be read (a login without the right to) leaves a gap, not a failure of the whole.
fn optional<T>(what: &str, result: Result<T>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            log::debug("not told", &[("what", what), ("because", &error.message)]);
            None
        }
    }
}

fn quorum(brokers: &mut Brokers) -> Result<Quorum> {
    let answer = quorum::ask(brokers, OPTIONAL_TIMEOUT_MS)?;
    let code = match answer.topics.first().and_then(|topic| topic.partitions.first()) {
        Some(partition) if answer.error_code == codes::NONE => partition.error_code,
        _ => answer.error_code,
    };
    if code != codes::NONE {
        return Err(codes::error(code, answer.error_message.as_deref(), "read the quorum"));
    }
    Ok(read_quorum(&answer))
}

fn read_quorum(answer: &DescribeQuorumResponse) -> Quorum {
    let Some(partition) = answer.topics.first().and_then(|topic| topic.partitions.first()) else {
        return Quorum::default();
    };
    let newest = partition.current_voters.iter().map(|voter| voter.last_fetch_timestamp).max().unwrap_or(-1);
    let leader = partition.leader_id.0;
    let alive =
        |id: i32, fetched: i64| id == leader || fetched < 0 || newest - fetched <= VOTER_SILENCE_MAX_MS;
    let voters = partition.current_voters.iter();
    let address = |node: &kafka_protocol::messages::describe_quorum_response::Node| {
        let listeners = node.listeners.iter();
        let listeners = listeners.map(|one| (one.name.to_string(), peer(&one.host, one.port)));
        (node.node_id.0, listeners.collect())
    };
    Quorum {
        leader: (leader >= 0).then_some(leader),
        voters: voters
            .map(|one| (one.replica_id.0, alive(one.replica_id.0, one.last_fetch_timestamp)))
            .collect(),
        addresses: answer.nodes.iter().map(address).collect(),
    }
}

/// Brokers that belong to the cluster, there or not: as it tells, and as this session saw them before.
pub(crate) fn registered(
    brokers: &mut Brokers,
    versions: &Versions,
    before: &BTreeMap<i32, Broker>,
) -> BTreeMap<i32, Broker> {
    let mut all = brokers.known.clone();
    if versions.knows::<DescribeClusterRequest>(FENCED_SINCE) {
        let request =
            DescribeClusterRequest::default().with_include_fenced_brokers(true).with_endpoint_type(1);
        let answer =
            optional("fenced brokers", brokers.once(&request, OPTIONAL_TIMEOUT_MS).map_err(Error::from));
        all.extend(answer.iter().flat_map(fenced));
    } else {
        all.extend(
            before
                .iter()
                .filter(|(id, _)| !brokers.known.contains_key(id))
                .map(|(id, one)| (*id, one.clone())),
        );
    }
    all
}

fn fenced(answer: &DescribeClusterResponse) -> impl Iterator<Item = (i32, Broker)> {
    let gone = answer.brokers.iter().filter(|broker| broker.is_fenced);
    gone.map(|broker| {
        let port = u16::try_from(broker.port).unwrap_or_default();
        let rack = broker.rack.as_ref().map(ToString::to_string);
        (broker.broker_id.0, Broker { host: broker.host.to_string(), port, rack })
    })
}

/// Asks every broker for itself, all at once.
fn ping(brokers: &mut Brokers) -> BTreeMap<i32, Result<MetadataResponse, Lost>> {
    let ids: Vec<i32> = brokers.known.keys().copied().collect();
    let question = |id: &i32| (*id, MetadataRequest::default().with_topics(Some(Vec::new())));
    let answers = brokers.ask_each(ids.iter().map(question).collect(), PING_TIMEOUT_MS);
    ids.into_iter().zip(answers).collect()
}

fn broker_node(
    id: i32,
    broker: &Broker,
    ping: Option<&Result<MetadataResponse, Lost>>,
    version: Option<&str>,
    quorum: &Quorum,
) -> Node {
    let mut roles = vec!["broker".to_owned()];
    if quorum.voters.contains_key(&id) {
        roles.push("controller".to_owned());
    }
    let (health, problem) = match ping {
        Some(Ok(_)) => (Health::Up, None),
        Some(Err(lost)) => (Health::Down, Some(lost.error.message.as_str())),
        None => (Health::Down, Some("the cluster names no live broker with this id")),
    };
    let mut facts = json!({"active_controller": quorum.leader == Some(id)});
    if let (Value::Object(facts), Some(problem)) = (&mut facts, problem) {
        facts.insert("problem".to_owned(), problem.into());
    }
    let mut addresses = vec![("client".to_owned(), peer(&broker.host, broker.port))];
    addresses.extend(quorum.addresses.get(&id).into_iter().flatten().cloned());
    Node {
        id: id.to_string(),
        roles,
        group: None,
        rank: 0,
        addresses: once_each(addresses),
        version: version.map(str::to_owned),
        rack: broker.rack.clone(),
        health,
        facts: json::text(&facts),
    }
}

/// A controller that is no broker cannot be reached from here; its health is what the quorum's leader sees.
fn controller_node(id: i32, alive: bool, quorum: &Quorum) -> Node {
    Node {
        id: id.to_string(),
        roles: vec!["controller".to_owned()],
        group: None,
        rank: 0,
        addresses: once_each(quorum.addresses.get(&id).cloned().unwrap_or_default()),
        version: None,
        rack: None,
        health: if alive { Health::Up } else { Health::Down },
        facts: json::text(&json!({"active_controller": quorum.leader == Some(id)})),
    }
}

fn once_each(addresses: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut seen = BTreeSet::new();
    addresses.into_iter().filter(|(_, address)| seen.insert(address.clone())).collect()
}

/// The release that a level of `metadata.version` belongs to.
fn release(level: Option<i16>) -> Option<&'static str> {
    let level = level?;
    if level > NEWEST_LEVEL_MAX {
        return Some(NEWER);
    }
    if level >= NEWEST.0 {
        return Some(NEWEST.1);
    }
    RELEASES.iter().rev().find(|(first, _)| *first <= level).map(|(_, release)| *release)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_has_its_release() {
        assert_eq!(release(Some(21)), Some("3.9"));
        assert_eq!(release(Some(25)), Some("4.0"));
        assert_eq!(release(Some(30)), Some("4.3"));
        assert_eq!(release(Some(99)), Some(NEWER));
        assert_eq!(release(None), None);
    }
}
