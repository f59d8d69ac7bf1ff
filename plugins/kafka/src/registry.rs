//! Where a cluster without a quorum of its own registers: the ensemble in its brokers' configuration.

use headgate_sdk::json::Value;
use headgate_sdk::{Error, Relation, Result, log};
use kafka_protocol::messages::{DescribeConfigsRequest, DescribeQuorumRequest};

use crate::cluster::Brokers;
use crate::configs::{RESOURCE_BROKER, Wanted, effective};
use crate::wire::{codes, versions::Versions};

pub(crate) const REGISTERS_WITH: &str = "registers-with";
pub(crate) const ZOOKEEPER: &str = "zookeeper";

/// `HOST:PORT,…`, and a path of this cluster's own behind the last.
const KEY: &str = "zookeeper.connect";

/// What cannot be told is not waited for.
const TIMEOUT_MS: u64 = 3_000;

/// An empty list where the brokers keep the quorum themselves: all from 4.0 on, and nobody is asked. None where the brokers
/// do not tell: they show their configuration only to who may read it.
pub(crate) fn told(brokers: &mut Brokers, versions: &Versions) -> Option<Vec<Relation>> {
    if versions.knows::<DescribeQuorumRequest>(0) {
        return Some(Vec::new());
    }
    let ensemble = match ensemble(brokers) {
        Ok(ensemble) => ensemble,
        Err(error) => {
            log::debug("not told", &[("what", KEY), ("because", &error.message)]);
            return None;
        }
    };
    let relation = |text: String| Relation {
        name: REGISTERS_WITH.to_owned(),
        kind: ZOOKEEPER.to_owned(),
        addresses: addresses(&text),
    };
    Some(ensemble.map(relation).into_iter().collect())
}

fn ensemble(brokers: &mut Brokers) -> Result<Option<String>> {
    let Some(id) = brokers.known.keys().next().copied() else {
        return Err(Error::unavailable("the cluster names no live broker"));
    };
    let wanted = Wanted::Keys(vec![KEY.to_owned()]);
    let resource = wanted.resource(RESOURCE_BROKER, &id.to_string());
    let question = DescribeConfigsRequest::default().with_resources(vec![resource]);
    let answer = brokers.ask_each(vec![(id, question)], TIMEOUT_MS).pop();
    let answer = answer.ok_or_else(|| Error::internal("the question was not answered"))??;
    let config = answer.results.into_iter().next();
    let config = config.ok_or_else(|| Error::protocol("the broker told nothing of its configuration"))?;
    if config.error_code != codes::NONE {
        return Err(codes::error(
            config.error_code,
            config.error_message.as_deref(),
            "read a broker's configuration",
        ));
    }
    let value = effective(&config.configs).get(KEY).and_then(Value::as_str).map(str::to_owned);
    Ok(value.filter(|text| !text.is_empty()))
}

/// Without the path; ZooKeeper's own port where none is named.
fn addresses(text: &str) -> Vec<String> {
    let servers = text.split('/').next().unwrap_or_default();
    let servers = servers.split(',').map(str::trim).filter(|server| !server.is_empty());
    let has_port = |server: &str| match server.strip_prefix('[') {
        Some(rest) => rest.contains("]:"),
        None => server.contains(':'),
    };
    servers
        .map(|server| if has_port(server) { server.to_owned() } else { format!("{server}:2181") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_are_told_without_the_path() {
        assert_eq!(addresses("zk-1:2182, zk-2,[::1]:3/kafka/lab"), ["zk-1:2182", "zk-2:2181", "[::1]:3"]);
        assert_eq!(addresses("zk"), ["zk:2181"]);
        assert!(addresses("").is_empty());
    }
}
