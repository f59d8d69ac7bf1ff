//! Users and what they may do. Every server keeps its own, and nothing in Redis brings them together.
//!
//! A server tells its users with hashes of their passwords: those are counted here, and go no further.

use std::collections::BTreeMap;

use headgate_sdk::framed::Lost;
use headgate_sdk::json::{Map, Value};
use headgate_sdk::{Error, Failure, Lookup, Page, Place, Query, Resource, ResourceKey, Result};

use crate::pages::{self, node_of};
use crate::refusals::taken;
use crate::resp::{Answer, Command};
use crate::servers::{Seen, Server, Servers};
use crate::settings::DEFAULT_USER;
use crate::types::USER;

mod memory;
pub(crate) mod rules;
pub(crate) mod spec;
mod write;

use memory::Memory;
use rules::User;
pub(crate) use write::write;

/// By name.
type Users = BTreeMap<String, User>;

pub(crate) fn list(servers: &mut Servers, query: &Query) -> Result<Page> {
    let seen = servers.refresh()?;
    let (mut resources, mut failures) = (Vec::new(), Vec::new());
    let memory = Memory::restore();
    for (node, users) in read(servers, &seen, &query.place) {
        match users {
            Ok(users) => {
                let one = |(name, user): (String, User)| resource(&name, &node, &memory.recall(&name, user));
                resources.extend(users.into_iter().map(one));
            }
            Err(error) => failures.push(Failure {
                metadata_type: USER.to_owned(),
                id: None,
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
    let users: BTreeMap<String, Result<Users>> = read(servers, &seen, &Place::Cluster).into_iter().collect();
    let memory = Memory::restore();
    let found = |key: &ResourceKey, node: &str, user: &User| {
        Lookup::Found(resource(&key.id, node, &memory.recall(&key.id, user.clone())))
    };
    let look_up = |key: &&ResourceKey| match node_of(key).and_then(|node| Some((node, users.get(node)?))) {
        Some((node, Ok(users))) => users.get(&key.id).map_or(Lookup::Absent, |user| found(key, node, user)),
        Some((_, Err(error))) => Lookup::Failed(error.clone()),
        None => Lookup::Absent,
    };
    Ok(keys.iter().map(look_up).collect())
}

/// One question to each server there, in flight together. Who told nothing of itself just now is not asked again.
fn read(servers: &mut Servers, seen: &Seen, place: &Place) -> Vec<(String, Result<Users>)> {
    let there = seen.at(place);
    let up = there.iter().filter(|server| server.told.is_ok());
    let question = |server: &&Server| (server.member.address.clone(), vec![Command::new(["ACL", "LIST"])]);
    let questions: Vec<_> = up.map(question).collect();
    let mut answers = servers.ask(&questions).into_iter();
    let unasked = || Err(Lost { sent: false, error: Error::internal("the server was not asked") });
    let told = |server: &Server| {
        let users = match &server.told {
            Ok(_) => answers.next().unwrap_or_else(unasked).map_err(Error::from).and_then(|answers| {
                let during = format!("read the users of {}", server.member.id);
                users(&answers).map_err(|error| error.during(during))
            }),
            Err(error) => Err(error.clone()),
        };
        (server.member.id.clone(), users)
    };
    there.into_iter().map(told).collect()
}

fn users(answers: &[Answer]) -> Result<Users> {
    let odd = || Error::protocol("the answer to ACL LIST is no list");
    let list = taken(answers.first().ok_or_else(odd)?)?.list().ok_or_else(odd)?;
    let user = |line: &Answer| line.text().and_then(User::read).ok_or_else(odd);
    list.iter().map(user).collect()
}

/// What was there before anybody made a user is Redis' own.
fn resource(name: &str, node: &str, user: &User) -> Resource {
    let mut status = Map::from_iter([("passwords".to_owned(), Value::from(user.passwords))]);
    if !user.checks_payloads {
        status.insert("checks_payloads".to_owned(), false.into());
    }
    let internal = name == DEFAULT_USER;
    Resource { internal, ..pages::resource(USER, name, node, user.spec(), status) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_hash_of_a_password_is_listed() {
        let hash = "ab".repeat(32);
        let line = format!("user alice on sanitize-payload #{hash} ~app:* resetchannels -@all +get");
        let list = Answer::List(vec![Answer::Text(line)]);
        let users = users(&[list]).unwrap();
        let listed = resource("alice", "n", &users["alice"]);
        assert!(!format!("{listed:?}").contains(&hash[..8]), "{listed:?}");
        assert_eq!(listed.status, r#"{"passwords":1}"#);
        assert!(resource("default", "n", &users["alice"]).internal);
        assert!(super::users(&[Answer::Refused("NOPERM no".to_owned())]).is_err());
    }
}
