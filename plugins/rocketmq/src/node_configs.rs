//! Configurations of brokers and of name servers: one resource for each node, edited key by key.
//!
//! A server tells all that counts, not what of it was set, and answers success to keys that it does not know and to values
//! that it cannot read. So keys are checked against what it tells, and what was written is read back.

use std::collections::BTreeMap;

use headgate_sdk::framed::Lost;
use headgate_sdk::json::{self, Map, Value, json};
use headgate_sdk::{
    Action, Error, Failure, Lookup, Outcome, Page, Place, Query, Resource, ResourceKey, Result, Write,
};

use crate::cluster::Servers;
use crate::copies::write::{done, lost_outcome};
use crate::types;
use crate::wire::{Answer, Request, codes, properties};

pub(crate) mod keys;
mod write;

pub(crate) use write::write;

/// What there is to know of a type of which every node of a role has one.
pub(crate) struct Kind {
    pub(crate) metadata_type: &'static str,
    /// For a person, and the id of the one resource of a node: what tells them apart is where they lie.
    pub(crate) noun: &'static str,
    id: &'static str,
    read: i32,
    update: i32,
    nodes: fn(&Servers) -> BTreeMap<String, Result<String>>,
}

pub(crate) static BROKER: Kind = Kind {
    metadata_type: types::BROKER_CONFIG,
    noun: "broker",
    id: "broker",
    read: codes::BROKER_CONFIG,
    update: codes::UPDATE_BROKER_CONFIG,
    nodes: brokers,
};

pub(crate) static NAME_SERVER: Kind = Kind {
    metadata_type: types::NAME_SERVER_CONFIG,
    noun: "name server",
    id: "name-server",
    read: codes::NAME_SERVER_CONFIG,
    update: codes::UPDATE_NAME_SERVER_CONFIG,
    nodes: |servers| {
        servers.name_servers().into_iter().map(|address| (address.clone(), Ok(address))).collect()
    },
};

/// Addresses by node, masters and slaves; why there is none where a broker is gone.
fn brokers(servers: &Servers) -> BTreeMap<String, Result<String>> {
    let mut nodes = BTreeMap::new();
    for (name, group) in &servers.members.groups {
        for (id, address) in &group.brokers {
            nodes.insert(format!("{name}:{id}"), Ok(address.clone()));
        }
        for id in group.gone.keys() {
            let message =
                format!("the name servers know no broker {name}:{id} any more: it is down, or left");
            nodes.insert(format!("{name}:{id}"), Err(Error::unavailable(message).code("NO_BROKER")));
        }
    }
    nodes
}

type Config = BTreeMap<String, String>;

/// In order of the nodes' ids.
pub(crate) fn list(servers: &mut Servers, kind: &Kind, query: &Query, limit: usize) -> Result<Page> {
    servers.refresh()?;
    let mut nodes = (kind.nodes)(servers);
    match &query.place {
        Place::Cluster => {}
        Place::Node(id) => nodes.retain(|node, _| node == id),
        Place::Group(name) => {
            let of = |node: &String| node.rsplit_once(':').is_some_and(|(group, _)| group == name);
            nodes.retain(|node, _| of(node));
        }
    }
    if let Some(cursor) = &query.cursor {
        nodes.retain(|node, _| node > cursor);
    }
    let more = nodes.len() > limit;
    let nodes: BTreeMap<String, Result<String>> = nodes.into_iter().take(limit).collect();
    let mut page =
        Page { resources: Vec::new(), failures: Vec::new(), next: None, version: None, extra: None };
    page.next = nodes.keys().next_back().filter(|_| more).cloned();
    if query.brief {
        page.resources = nodes.keys().map(|node| resource(kind, node, Map::new(), true)).collect();
        return Ok(page);
    }
    for (node, config) in read(servers, kind, nodes) {
        match config {
            Ok(config) => page.resources.push(resource(
                kind,
                &node,
                chosen(&config, &query.fields),
                !query.fields.is_empty(),
            )),
            Err(error) => page.failures.push(Failure {
                metadata_type: kind.metadata_type.to_owned(),
                id: Some(kind.id.to_owned()),
                place: Place::Node(node),
                error,
            }),
        }
    }
    Ok(page)
}

pub(crate) fn get(servers: &mut Servers, kind: &Kind, keys: &[&ResourceKey]) -> Result<Vec<Lookup>> {
    servers.refresh()?;
    let mut nodes = (kind.nodes)(servers);
    nodes.retain(|node, _| keys.iter().any(|key| key.place == Place::Node(node.clone())));
    let configs: BTreeMap<String, Result<Config>> = read(servers, kind, nodes).into_iter().collect();
    let look_up = |key: &&ResourceKey| {
        let Place::Node(node) = &key.place else { return Lookup::Absent };
        match configs.get(node) {
            _ if key.id != kind.id => Lookup::Absent,
            None => Lookup::Absent,
            Some(Ok(config)) => Lookup::Found(resource(kind, node, chosen(config, &[]), false)),
            Some(Err(error)) => Lookup::Failed(error.clone()),
        }
    };
    Ok(keys.iter().map(look_up).collect())
}

/// One question to each of these nodes, in flight together.
fn read(
    servers: &mut Servers,
    kind: &Kind,
    nodes: BTreeMap<String, Result<String>>,
) -> Vec<(String, Result<Config>)> {
    let questions: Vec<(String, Request)> =
        nodes.values().flatten().map(|address| (address.clone(), Request::new(kind.read))).collect();
    let mut answers = servers.read_each(&questions).into_iter();
    let told = |(node, address): (String, Result<String>)| {
        let config = address.and_then(|_| match answers.next() {
            Some(answer) => config(kind, &node, answer),
            None => Err(Error::internal("the node was not asked")),
        });
        (node, config)
    };
    nodes.into_iter().map(told).collect()
}

fn config(kind: &Kind, node: &str, answer: Result<Answer, Lost>) -> Result<Config> {
    let answer = answer?.checked(&format!("read the configuration of {} {node}", kind.noun))?;
    Ok(properties::read(&answer.body))
}

/// All, or those that the pointers name; never a credential.
fn chosen(config: &Config, pointers: &[String]) -> Map<String, Value> {
    let wanted: Vec<String> =
        pointers.iter().filter_map(|pointer| json::pointer_tokens(pointer).into_iter().nth(1)).collect();
    let all = pointers.is_empty() || pointers.iter().any(|pointer| pointer == "/config");
    let entries = config.iter().filter(|(key, _)| (all || wanted.contains(*key)) && !keys::is_secret(key));
    entries.map(|(key, value)| (key.clone(), value.as_str().into())).collect()
}

fn resource(kind: &Kind, node: &str, config: Map<String, Value>, partial: bool) -> Resource {
    let spec = if config.is_empty() { json!({}) } else { json!({"config": config}) };
    Resource {
        key: ResourceKey {
            metadata_type: kind.metadata_type.to_owned(),
            id: kind.id.to_owned(),
            place: Place::Node(node.to_owned()),
        },
        revision: None,
        incarnation: None,
        spec: json::text(&spec),
        effective: None,
        status: "{}".to_owned(),
        internal: false,
        partial,
        extra: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_never_shown() {
        let config: Config = [("a", "1"), ("b", "2"), ("initAuthenticationUser", "{\"password\":\"x\"}")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        assert_eq!(Value::Object(chosen(&config, &[])), json!({"a": "1", "b": "2"}));
        let fields = ["/config/b", "/config/initAuthenticationUser"].map(str::to_owned);
        assert_eq!(Value::Object(chosen(&config, &fields)), json!({"b": "2"}));
    }
}
