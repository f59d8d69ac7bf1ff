//! The members: of whom the cluster consists, and what each of them says of itself.

use std::collections::BTreeMap;

use headgate_sdk::address::{self, Address};
use headgate_sdk::json::{Map, Value, json};
use headgate_sdk::{Error, Lookup, Resource, Result};

use crate::fields;
use crate::gateway::Gateway;
use crate::settings;
use crate::types::{self, MEMBER};

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    /// As etcd's own tools write it: the number in hexadecimal.
    pub(crate) id: String,
    /// None before it has started for the first time.
    pub(crate) name: Option<String>,
    pub(crate) peer_urls: Vec<String>,
    pub(crate) client_urls: Vec<String>,
    pub(crate) learner: bool,
}

/// What was asked of all addresses, and what they said.
pub(crate) struct Statuses {
    /// By member.
    pub(crate) told: BTreeMap<String, Value>,
    failed: Vec<(Address, Error)>,
    /// Nobody answers where members say they are: those addresses are for others than us.
    pub(crate) out_of_reach: bool,
}

/// From the member that answers: so they are known without a quorum too.
pub(crate) fn of(gateway: &mut Gateway) -> Result<(Option<String>, Vec<Member>)> {
    let answer = gateway.ask("cluster/member/list", &json!({}))?;
    let members = listed(&answer);
    if members.is_empty() {
        return Err(Error::protocol("the answer names no member: is this etcd?"));
    }
    gateway.advertise(members.iter().flat_map(Member::addresses).collect());
    Ok((fields::number(&answer, "/header/cluster_id").map(hex), members))
}

/// In bytewise order of id. Who has no id is none.
fn listed(answer: &Value) -> Vec<Member> {
    let member = |one: &Value| {
        Some(Member {
            id: hex(fields::number(one, "/ID")?),
            name: fields::text(one, "/name").map(str::to_owned),
            peer_urls: fields::texts(one, "/peerURLs"),
            client_urls: fields::texts(one, "/clientURLs"),
            learner: fields::flag(one, "/isLearner"),
        })
    };
    let mut members: Vec<Member> = fields::items(answer, "/members").iter().filter_map(member).collect();
    members.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    members
}

pub(crate) fn hex(id: u64) -> String {
    format!("{id:x}")
}

impl Member {
    /// Where clients reach it, in its own words.
    pub(crate) fn addresses(&self) -> Vec<Address> {
        let address = |url: &String| {
            let (_, rest) = url.split_once("://")?;
            address::parse(rest.trim_end_matches('/'), settings::PORT)
        };
        self.client_urls.iter().filter_map(address).collect()
    }

    fn resource(&self, status: Map<String, Value>) -> Resource {
        let spec = json!({
            "name": self.name,
            "peer_urls": self.peer_urls,
            "client_urls": self.client_urls,
            "learner": self.learner
        });
        types::resource(MEMBER, &self.id, &spec, status)
    }
}

/// All at once. Those of the form are asked beside those that members advertise, for not everywhere can these be reached.
pub(crate) fn statuses(gateway: &mut Gateway, members: &[Member]) -> Result<Statuses> {
    let addresses = gateway.addresses();
    let answers = gateway.ask_each(&addresses, "maintenance/status")?;
    let advertised: Vec<Address> = members.iter().flat_map(Member::addresses).collect();
    let mut statuses = Statuses { told: BTreeMap::new(), failed: Vec::new(), out_of_reach: true };
    for (address, answer) in addresses.into_iter().zip(answers) {
        match answer {
            Ok(status) => {
                statuses.out_of_reach &= !advertised.contains(&address);
                if let Some(id) = fields::number(&status, "/header/member_id") {
                    statuses.told.insert(hex(id), status);
                }
            }
            Err(error) => statuses.failed.push((address, error)),
        }
    }
    Ok(statuses)
}

impl Statuses {
    pub(crate) fn of(&self, member: &Member) -> Result<&Value> {
        if let Some(status) = self.told.get(&member.id) {
            return Ok(status);
        }
        let own = member.addresses();
        let failed = self.failed.iter().find(|(address, _)| own.contains(address));
        Err(match failed {
            Some((_, error)) => error.clone(),
            None if member.name.is_none() => Error::not_found("it was added, and has not started yet"),
            None => Error::not_found("it is not the one that answers where it says it is"),
        })
    }

    /// In the words of the latest term: who was cut off may still believe in an earlier leader.
    pub(crate) fn leader(&self) -> Option<String> {
        let latest = self.told.values().max_by_key(|status| fields::number(status, "/raftTerm"))?;
        fields::number(latest, "/leader").filter(|leader| *leader != 0).map(hex)
    }
}

pub(crate) fn list(gateway: &mut Gateway) -> Result<Vec<Resource>> {
    let (_, members) = of(gateway)?;
    Ok(members.iter().map(|member| member.resource(Map::new())).collect())
}

/// With what moves all the time, as far as the member tells it.
pub(crate) fn get(gateway: &mut Gateway, ids: &[String]) -> Result<Vec<Lookup>> {
    let (_, members) = of(gateway)?;
    let statuses = statuses(gateway, &members)?;
    let lookup = |id: &String| match members.iter().find(|member| member.id == *id) {
        Some(member) => Lookup::Found(member.resource(moving(statuses.of(member)))),
        None => Lookup::Absent,
    };
    Ok(ids.iter().map(lookup).collect())
}

fn moving(told: Result<&Value>) -> Map<String, Value> {
    let told = match told {
        Ok(told) => told,
        Err(error) => return Map::from_iter([("problem".to_owned(), error.message.into())]),
    };
    let numbers = [
        ("db_bytes", "/dbSize"),
        ("db_used_bytes", "/dbSizeInUse"),
        ("db_quota_bytes", "/dbSizeQuota"),
        ("revision", "/header/revision"),
        ("raft_term", "/raftTerm"),
        ("raft_index", "/raftIndex"),
        ("raft_applied_index", "/raftAppliedIndex"),
    ];
    let number =
        |(name, pointer): (&str, &str)| Some((name.to_owned(), fields::number(told, pointer)?.into()));
    let mut status: Map<String, Value> = numbers.into_iter().filter_map(number).collect();
    let leader = fields::number(told, "/leader").filter(|leader| *leader != 0).map(hex);
    status.extend(leader.map(|leader| ("leader".to_owned(), leader.into())));
    let texts = [("version", "/version"), ("storage_version", "/storageVersion")];
    let text = |(name, pointer): (&str, &str)| Some((name.to_owned(), fields::text(told, pointer)?.into()));
    status.extend(texts.into_iter().filter_map(text));
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_as_far_as_they_are_told() {
        let answer = json!({"members": [
            {"ID": "10276657743932975437", "name": "a", "peerURLs": ["http://a:2380"],
             "clientURLs": ["http://a:2379", "https://[::1]:1/", "odd"]},
            {"ID": 17, "isLearner": true, "clientURLs": null},
            {"name": "without an id"}, 7
        ]});
        let members = listed(&answer);
        let ids: Vec<&str> = members.iter().map(|member| member.id.as_str()).collect();
        assert_eq!(ids, ["11", "8e9e05c52164694d"]);
        let shown: Vec<String> = members[1].addresses().iter().map(address::shown).collect();
        assert_eq!(shown, ["a:2379", "[::1]:1"]);
        assert!(members[0].learner && members[0].name.is_none() && members[0].addresses().is_empty());
        assert!(listed(&json!({"members": "?"})).is_empty());
    }

    #[test]
    fn the_leader_is_that_of_the_latest_term() {
        let told = |leader: &str, term: &str| json!({"leader": leader, "raftTerm": term});
        let of = |told: &[Value]| {
            let told = told.iter().enumerate().map(|(id, status)| (id.to_string(), status.clone())).collect();
            Statuses { told, failed: Vec::new(), out_of_reach: false }.leader()
        };
        assert_eq!(of(&[told("17", "9"), told("18", "10")]).as_deref(), Some("12"));
        assert_eq!(of(&[told("0", "10"), told("18", "9")]), None);
        assert_eq!(of(&[json!({})]), None);
    }
}
