//! Numbered databases that hold keys: only read, and counted when a single one is asked for.

use headgate_sdk::json::{Map, Value};
use headgate_sdk::{Failure, Lookup, Page, Place, Query, Resource, ResourceKey, Result};

use crate::pages::{self, node_of};
use crate::servers::{Server, Servers};
use crate::types::KEYSPACE;

pub(crate) fn list(servers: &mut Servers, query: &Query) -> Result<Page> {
    let seen = servers.refresh()?;
    let (mut resources, mut failures) = (Vec::new(), Vec::new());
    for server in seen.at(&query.place) {
        match &server.told {
            Ok(info) => {
                let ids = info.keyspaces.keys();
                resources.extend(ids.map(|id| keyspace(id, &server.member.id, Map::new())));
            }
            Err(error) => failures.push(Failure {
                metadata_type: KEYSPACE.to_owned(),
                id: None,
                place: Place::Node(server.member.id.clone()),
                error: error.clone(),
            }),
        }
    }
    Ok(pages::page(resources, failures, query))
}

pub(crate) fn get(servers: &mut Servers, keys: &[&ResourceKey]) -> Result<Vec<Lookup>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let seen = servers.refresh()?;
    let look_up = |key: &&ResourceKey| {
        let server = seen.servers.iter().find(|server| node_of(key) == Some(&server.member.id));
        server.map_or(Lookup::Absent, |server| one(server, &key.id))
    };
    Ok(keys.iter().map(look_up).collect())
}

fn one(server: &Server, id: &str) -> Lookup {
    match &server.told {
        Ok(info) => match info.keyspaces.get(id) {
            Some(counts) => {
                let status = ["keys", "expires"].into_iter();
                let status =
                    status.filter_map(|name| Some((name.to_owned(), Value::from(*counts.get(name)?))));
                Lookup::Found(keyspace(id, &server.member.id, status.collect()))
            }
            None => Lookup::Absent,
        },
        Err(error) => Lookup::Failed(error.clone()),
    }
}

fn keyspace(id: &str, node: &str, status: Map<String, Value>) -> Resource {
    pages::resource(KEYSPACE, id, node, Map::new(), status)
}
