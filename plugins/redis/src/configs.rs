//! Configurations: one resource for each server, edited key by key.
//!
//! A server tells all that counts, not what of it was set. Some settings it tells under two names: here they have the newer one.

use std::collections::BTreeMap;

use headgate_sdk::framed::Lost;
use headgate_sdk::json::{self, Map, Value, json};
use headgate_sdk::{Error, Failure, Lookup, Page, Place, Query, Resource, ResourceKey, Result};

use crate::pages::{self, node_of};
use crate::refusals::taken;
use crate::resp::{Answer, Command};
use crate::servers::{Seen, Server, Servers};
use crate::types::CONFIG;

pub(crate) mod keys;
pub(crate) mod values;
mod write;

pub(crate) use write::write;

/// Of the one resource of a server: what tells them apart is where they lie.
pub(crate) const ID: &str = "server";

pub(crate) type Config = BTreeMap<String, String>;

pub(crate) fn list(servers: &mut Servers, query: &Query) -> Result<Page> {
    let seen = servers.refresh()?;
    let (mut resources, mut failures) = (Vec::new(), Vec::new());
    for (node, config) in read(servers, &seen, &query.place) {
        match config {
            Ok(config) => resources.push(resource(&node, &config, &query.fields)),
            Err(error) => failures.push(Failure {
                metadata_type: CONFIG.to_owned(),
                id: Some(ID.to_owned()),
                place: Place::Node(node),
                error,
            }),
        }
    }
    Ok(pages::page(resources, failures, query))
}

pub(crate) fn get(servers: &mut Servers, keys: &[&ResourceKey]) -> Result<Vec<Lookup>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let mut seen = servers.refresh()?;
    seen.servers.retain(|server| keys.iter().any(|key| node_of(key) == Some(&server.member.id)));
    let configs: BTreeMap<String, Result<Config>> =
        read(servers, &seen, &Place::Cluster).into_iter().collect();
    let look_up = |key: &&ResourceKey| match node_of(key).and_then(|node| Some((node, configs.get(node)?))) {
        Some((node, Ok(config))) if key.id == ID => Lookup::Found(resource(node, config, &[])),
        Some((_, Err(error))) if key.id == ID => Lookup::Failed(error.clone()),
        Some(_) | None => Lookup::Absent,
    };
    Ok(keys.iter().map(look_up).collect())
}

/// One question to each server there, in flight together. Who told nothing of itself just now is not asked again.
fn read(servers: &mut Servers, seen: &Seen, place: &Place) -> Vec<(String, Result<Config>)> {
    let there = seen.at(place);
    let up = there.iter().filter(|server| server.told.is_ok());
    let question =
        |server: &&Server| (server.member.address.clone(), vec![Command::new(["CONFIG", "GET", "*"])]);
    let questions: Vec<_> = up.map(question).collect();
    let mut answers = servers.ask(&questions).into_iter();
    let told = |server: &Server| {
        let unasked = || Err(Lost { sent: false, error: Error::internal("the server was not asked") });
        let config = match &server.told {
            Ok(_) => answers.next().unwrap_or_else(unasked).map_err(Error::from).and_then(|answers| {
                config(&answers).map_err(|error| {
                    error.during(format_args!("read the configuration of {}", server.member.id))
                })
            }),
            Err(error) => Err(error.clone()),
        };
        (server.member.id.clone(), config)
    };
    there.into_iter().map(told).collect()
}

/// Names and values by turns.
fn config(answers: &[Answer]) -> Result<Config> {
    let odd = || Error::protocol("the answer to CONFIG GET is no list");
    let list = taken(answers.first().ok_or_else(odd)?)?.list().ok_or_else(odd)?;
    let mut config = Config::new();
    for pair in list.chunks(2) {
        if let [name, value] = pair
            && let (Some(name), Some(value)) = (name.text(), value.text())
        {
            config.insert(name.to_owned(), values::normal(name, value));
        }
    }
    let doubled: Vec<String> = config
        .keys()
        .filter(|name| keys::newer(name).is_some_and(|newer| config.contains_key(&newer)))
        .cloned()
        .collect();
    for name in doubled {
        config.remove(&name);
    }
    Ok(config)
}

/// All, or those that the pointers name; never a credential.
fn resource(node: &str, config: &Config, pointers: &[String]) -> Resource {
    let wanted: Vec<String> =
        pointers.iter().filter_map(|pointer| json::pointer_tokens(pointer).into_iter().nth(1)).collect();
    let all = pointers.is_empty() || pointers.iter().any(|pointer| pointer == "/config");
    let entries = config.iter().filter(|(key, _)| (all || wanted.contains(*key)) && !keys::is_secret(key));
    let entries: Map<String, Value> =
        entries.map(|(key, value)| (key.clone(), value.as_str().into())).collect();
    let mut spec = Map::new();
    if !entries.is_empty() {
        spec.insert("config".to_owned(), json!(entries));
    }
    Resource { partial: !all, ..pages::resource(CONFIG, ID, node, spec, Map::new()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(words: &[&str]) -> Config {
        let list = words.iter().map(|word| Answer::Text((*word).to_owned())).collect();
        config(&[Answer::List(list)]).unwrap()
    }

    #[test]
    fn credentials_are_never_shown_and_what_has_two_names_is_shown_once() {
        let config = told(&[
            "maxmemory",
            "64mb",
            "requirepass",
            "hunter2",
            "tls-key-file-pass",
            "x",
            "slave-priority",
            "1",
            "replica-priority",
            "1",
            "slave-of-old",
            "2",
        ]);
        let spec = |pointers: &[&str]| {
            let pointers: Vec<String> = pointers.iter().map(|pointer| (*pointer).to_owned()).collect();
            let resource = resource("n", &config, &pointers);
            (resource.spec, resource.partial)
        };
        let all = r#"{"config":{"maxmemory":"67108864","replica-priority":"1","slave-of-old":"2"}}"#;
        assert_eq!(spec(&[]), (all.to_owned(), false));
        let some = r#"{"config":{"maxmemory":"67108864"}}"#;
        assert_eq!(spec(&["/config/maxmemory", "/config/requirepass"]), (some.to_owned(), true));
    }

    #[test]
    fn a_refusal_is_no_configuration() {
        let refused = Answer::Refused("NOPERM no".to_owned());
        assert!(config(&[refused]).is_err() && config(&[Answer::Nothing]).is_err() && config(&[]).is_err());
    }
}
