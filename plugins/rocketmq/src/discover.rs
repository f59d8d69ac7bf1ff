//! The cluster as it is: its name servers, its brokers in their groups, which of them answer, and their versions.

use std::collections::BTreeMap;

use headgate_sdk::framed::Lost;
use headgate_sdk::json::{self, Value, json};
use headgate_sdk::{Cluster, Error, ErrorKind, Health, Node, Result, call};

use crate::cluster::{Effect, Group, MASTER, Servers};
use crate::manifest::{BROKER, NAME_SERVER};
use crate::wire::{Answer, Request, codes};

/// Each broker is asked for one small answer.
const PING_TIMEOUT_MS: u64 = 4_000;

/// A broker counts all the slots of its timer wheel before it tells its state: a tenth of a second of its processor and
/// more. In between it is asked for its settings, which cost it nothing; who answers is there.
const RUNTIME_AGE_MAX_MS: u64 = 5 * 60 * 1_000;

/// What a broker tells of itself.
type Runtime = Result<BTreeMap<String, String>>;

/// What each broker told of itself last.
#[derive(Default)]
pub(crate) struct Told(BTreeMap<String, ToldOnce>);

struct ToldOnce {
    at_ms: u64,
    connection: Option<u64>,
    runtime: BTreeMap<String, String>,
}

impl Told {
    /// Of a broker that was not started anew since, as far as its connection tells.
    fn fresh(
        &self,
        address: &str,
        connection: Option<u64>,
        now_ms: u64,
    ) -> Option<&BTreeMap<String, String>> {
        let told = self.0.get(address)?;
        let is_fresh =
            told.connection == connection && now_ms.saturating_sub(told.at_ms) < RUNTIME_AGE_MAX_MS;
        is_fresh.then_some(&told.runtime)
    }
}

/// The identity is the cluster's name: RocketMQ has no id of a cluster. Two clusters of one name under different name
/// servers cannot be told apart.
pub(crate) fn discover(servers: &mut Servers, told: &mut Told) -> Result<Cluster> {
    let states = servers.refresh_from_all()?;
    let runtimes = runtimes(servers, told);
    // A name server lets everybody in: only the brokers tell that a login is wrong.
    if let Some(error) = refused_by_all(&runtimes) {
        return Err(error);
    }
    let mut nodes: Vec<Node> = states.into_iter().map(name_server).collect();
    for (name, group) in &servers.members.groups {
        for (id, address) in &group.brokers {
            nodes.push(broker(name, *id, address, runtimes.get(address)));
        }
        for (id, address) in &group.gone {
            nodes.push(broker(name, *id, address, None));
        }
    }
    let version = oldest(nodes.iter().filter_map(|node| node.version.as_deref()));
    Ok(Cluster {
        identity: servers.members.cluster.clone(),
        facts: json::text(&facts(&servers.members.groups, version.as_deref())),
        version,
        nodes,
        relations: Some(Vec::new()),
    })
}

fn facts(groups: &BTreeMap<String, Group>, version: Option<&str>) -> Value {
    json!({
        "nodes": groups.values().map(|group| group.brokers.len() + group.gone.len()).sum::<usize>(),
        "groups": groups.len(),
        "version": version,
    })
}

/// Asks the brokers that told their state lately whether they are there, and the others for it.
fn runtimes(servers: &mut Servers, told: &mut Told) -> BTreeMap<String, Runtime> {
    let now_ms = call::now_ms();
    let addresses: Vec<String> =
        servers.members.groups.values().flat_map(|group| group.brokers.values()).cloned().collect();
    told.0.retain(|address, _| addresses.contains(address));
    let fresh = |servers: &Servers, told: &Told, address: &str| {
        told.fresh(address, servers.connection_of(address), now_ms).cloned()
    };
    let (known, mut unknown): (Vec<String>, Vec<String>) =
        addresses.into_iter().partition(|address| fresh(servers, told, address).is_some());
    let mut runtimes = BTreeMap::new();
    for (address, answer) in ask_each(servers, known, codes::BROKER_CONFIG) {
        let is_there = answer.map_err(Error::from);
        let is_there = is_there.and_then(|answer| answer.checked("ask a broker whether it is there"));
        match (is_there, fresh(servers, told, &address)) {
            (Ok(_), Some(runtime)) => drop(runtimes.insert(address, Ok(runtime))),
            // It answered on a new connection.
            (Ok(_), None) => unknown.push(address),
            (Err(error), _) => drop(runtimes.insert(address, Err(error))),
        }
    }
    for (address, answer) in ask_each(servers, unknown, codes::BROKER_RUNTIME) {
        let runtime = runtime(answer);
        if let Ok(runtime) = &runtime {
            let (connection, runtime) = (servers.connection_of(&address), runtime.clone());
            told.0.insert(address.clone(), ToldOnce { at_ms: now_ms, connection, runtime });
        }
        runtimes.insert(address, runtime);
    }
    runtimes
}

fn ask_each(
    servers: &mut Servers,
    addresses: Vec<String>,
    code: i32,
) -> impl Iterator<Item = (String, Result<Answer, Lost>)> + use<> {
    let questions: Vec<(String, Request)> =
        addresses.into_iter().map(|address| (address, Request::new(code))).collect();
    let answers = servers.ask_each_for(&questions, Effect::Read, PING_TIMEOUT_MS);
    questions.into_iter().zip(answers).map(|((address, _), answer)| (address, answer))
}

fn runtime(answer: Result<Answer, Lost>) -> Runtime {
    let what = "ask a broker for its state";
    let answer = answer?.checked(what)?.json(what)?;
    let table = answer.get("table").and_then(Value::as_object);
    let text = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
    Ok(table.into_iter().flatten().filter_map(text).collect())
}

fn refused_by_all(runtimes: &BTreeMap<String, Runtime>) -> Option<Error> {
    let refusals = runtimes.values().filter_map(|runtime| runtime.as_ref().err());
    let refusals: Vec<&Error> = refusals.filter(|error| error.kind == ErrorKind::Unauthenticated).collect();
    refusals.first().filter(|_| refusals.len() == runtimes.len()).map(|error| (*error).clone())
}

fn name_server((address, state): (String, Result<()>)) -> Node {
    let problem = state.err().map(|error: Error| error.message);
    Node {
        id: address.clone(),
        roles: vec![NAME_SERVER.to_owned()],
        group: None,
        rank: 0,
        addresses: vec![("remoting".to_owned(), address)],
        version: None,
        rack: None,
        health: if problem.is_none() { Health::Up } else { Health::Down },
        facts: json::text(&problem.map_or_else(|| json!({}), |problem| json!({"problem": problem}))),
    }
}

/// A broker that was there and is no more named by any name server has no answer.
fn broker(group: &str, id: u64, address: &str, runtime: Option<&Runtime>) -> Node {
    let (health, facts, version) = match runtime {
        Some(Ok(runtime)) => {
            let text = |key: &str| runtime.get(key).map(String::as_str);
            // A slave is never active, in RocketMQ's sense, unless it acts as the master.
            let is_idle = id == MASTER && text("brokerActive") == Some("false");
            let health = if is_idle { Health::Degraded } else { Health::Up };
            let facts = json!({
                "active": text("brokerActive"),
                "started_at_ms": text("bootTimestamp").and_then(|text| text.parse::<u64>().ok()),
                "disk_ratio": text("commitLogDiskRatio"),
            });
            (health, facts, text("brokerVersionDesc").map(release))
        }
        // It answers, be it with a refusal.
        Some(Err(error)) if error.code.is_some() => {
            (Health::Unknown, json!({"problem": error.message}), None)
        }
        Some(Err(error)) => (Health::Down, json!({"problem": error.message}), None),
        None => {
            let problem = "the name servers know it no more: it is down, or left";
            (Health::Down, json!({"problem": problem}), None)
        }
    };
    Node {
        id: format!("{group}:{id}"),
        roles: vec![BROKER.to_owned()],
        group: Some(group.to_owned()),
        rank: u32::try_from(id).unwrap_or(u32::MAX),
        addresses: vec![("remoting".to_owned(), address.to_owned())],
        version,
        rack: None,
        health,
        facts: json::text(&facts),
    }
}

/// `V5_5_0` is 5.5.0.
fn release(description: &str) -> String {
    description.strip_prefix('V').unwrap_or(description).replace('_', ".")
}

/// What the whole cluster can is what its oldest broker can.
fn oldest<'a>(versions: impl Iterator<Item = &'a str>) -> Option<String> {
    let numbers = |version: &&str| -> Vec<u32> {
        version.split('.').map(|part| part.parse().unwrap_or_default()).collect()
    };
    versions.min_by_key(numbers).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_written_with_dots() {
        assert_eq!(release("V5_5_0"), "5.5.0");
        assert_eq!(release("V4_9_7"), "4.9.7");
    }

    #[test]
    fn the_oldest_broker_counts() {
        assert_eq!(oldest(["5.10.0", "5.9.1"].into_iter()).as_deref(), Some("5.9.1"));
        assert_eq!(oldest(std::iter::empty()), None);
    }

    #[test]
    fn a_slave_that_is_not_active_is_well_and_a_master_is_not() {
        let idle = || Ok(BTreeMap::from([("brokerActive".to_owned(), "false".to_owned())]));
        let health = |id: u64| broker("broker-a", id, "h:1", Some(&idle())).health;
        assert_eq!((health(0), health(1)), (Health::Degraded, Health::Up));
    }

    #[test]
    fn who_does_not_answer_is_down_with_the_reason() {
        let gone = broker("broker-a", 0, "h:1", Some(&Err(Error::unavailable("refused"))));
        assert_eq!((gone.health, gone.id.as_str(), gone.rank), (Health::Down, "broker-a:0", 0));
        assert!(gone.facts.contains("refused"));
        assert_eq!(broker("broker-a", 1, "h:2", None).health, Health::Down);
    }
}
