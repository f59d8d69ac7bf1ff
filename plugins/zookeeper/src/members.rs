//! The servers of the ensemble: as its own configuration names them, or as the connection form does where that tells nothing.

use headgate_sdk::address::{self, Address};
use headgate_sdk::json;
use headgate_sdk::{log, state};
use serde::{Deserialize, Serialize};

use crate::settings::Settings;

/// What the ensemble told is kept here: an ensemble without a quorum tells nothing, and its servers have the same ids.
const STATE_KEY: &str = "members";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Member {
    /// The server's number, or its address where only that is known.
    pub(crate) id: String,
    pub(crate) address: Address,
    /// Where the configuration tells it: observers do not.
    pub(crate) votes: Option<bool>,
}

pub(crate) fn of_form(settings: &Settings) -> Vec<Member> {
    let member =
        |address: &Address| Member { id: address::shown(address), address: address.clone(), votes: None };
    settings.servers.iter().map(member).collect()
}

/// Lines `server.1=HOST:QUORUM:ELECTION:ROLE;HOST:CLIENT`, of which ROLE and what follows may be missing. A single server
/// has none.
pub(crate) fn of_config(text: &str, settings: &Settings) -> Vec<Member> {
    let members: Vec<Member> = text.lines().filter_map(|line| member(line, settings)).collect();
    if members.is_empty() { of_form(settings) } else { members }
}

pub(crate) fn restore(settings: &Settings) -> Vec<Member> {
    let kept = state::get(STATE_KEY).unwrap_or_else(|error| {
        log::debug("members are not remembered", &[("because", &error.message)]);
        None
    });
    let told = kept.and_then(|kept| serde_json::from_slice(&kept).ok()).unwrap_or_else(|| of_form(settings));
    with_named(told, settings)
}

/// And those that a person named. Of a server that the ensemble tells of as well, the person knows better where it is reached:
/// its configuration may name no client port at all.
pub(crate) fn with_named(mut members: Vec<Member>, settings: &Settings) -> Vec<Member> {
    for (id, address) in &settings.named {
        if let Some(same) = members.iter_mut().find(|member| member.id == *id) {
            same.address = address.clone();
        } else if !members.iter().any(|member| member.address == *address) {
            members.push(Member { id: id.clone(), address: address.clone(), votes: None });
        }
    }
    members
}

pub(crate) fn save(members: &[Member]) {
    if let Err(error) = state::set(STATE_KEY, json::text(&members).as_bytes()) {
        log::debug("members are not remembered", &[("because", &error.message)]);
    }
}

fn member(line: &str, settings: &Settings) -> Option<Member> {
    let (id, rest) = line.trim().strip_prefix("server.")?.split_once('=')?;
    let (quorum, client) = match rest.split_once(';') {
        Some((quorum, client)) => (quorum, Some(client)),
        None => (rest, None),
    };
    let address = client_address(host(quorum)?, client.filter(|_| settings.tls.is_none()), settings);
    let votes = !quorum.contains(":observer");
    Some(Member { id: id.to_owned(), address, votes: Some(votes) })
}

/// The first host of `HOST:1:2:participant|HOST:3:4`.
fn host(quorum: &str) -> Option<&str> {
    let host = match quorum.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None => quorum.split_once(':')?.0,
    };
    (!host.is_empty()).then_some(host)
}

/// As advertised. Where that holds no port, or only the one without TLS: that of the form.
fn client_address(host: &str, client: Option<&str>, settings: &Settings) -> Address {
    let advertised = client.and_then(|client| match client.rsplit_once(':') {
        Some((on, port)) => Some((on.trim_matches(['[', ']']), port.parse().ok()?)),
        None => Some(("", client.parse().ok()?)),
    });
    match advertised {
        // Listening on all interfaces says nothing of where to reach it.
        Some(("" | "0.0.0.0" | "::" | "0:0:0:0:0:0:0:0", port)) => (host.to_owned(), port),
        Some((on, port)) => (on.to_owned(), port),
        None => {
            let servers = &settings.servers;
            let same = servers.iter().find(|(known, _)| known == host).or(servers.first());
            (host.to_owned(), same.map(|(_, port)| *port).unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use headgate_sdk::NamedNode;

    use super::*;

    fn members(text: &str, form: &str) -> Vec<(String, String, Option<bool>)> {
        let settings = Settings::parse(form).unwrap();
        let shown = |one: Member| (one.id, address::shown(&one.address), one.votes);
        of_config(text, &settings).into_iter().map(shown).collect()
    }

    fn shown(id: &str, address: &str, votes: Option<bool>) -> (String, String, Option<bool>) {
        (id.to_owned(), address.to_owned(), votes)
    }

    #[test]
    fn a_configuration_names_servers_and_where_clients_reach_them() {
        let text = "server.1=a:2888:3888:participant;0.0.0.0:2182\nserver.2=b:2888:3888:observer;10.0.0.2:2183\n\
            server.3=[fd00::3]:2888:3888;[::]:2184\nserver.4=d:1:2|e:3:4:participant;2185\n\
            server.5=f:2888:3888\nversion=100000000\nserver.x\nserver.6=:1";
        let expected = [
            shown("1", "a:2182", Some(true)),
            shown("2", "10.0.0.2:2183", Some(false)),
            shown("3", "[fd00::3]:2184", Some(true)),
            shown("4", "d:2185", Some(true)),
            shown("5", "f:2191", Some(true)),
        ];
        assert_eq!(members(text, r#"{"servers": "x:2190,f:2191"}"#), expected);
    }

    #[test]
    fn the_port_with_tls_is_that_of_the_form() {
        let form = r#"{"servers": "a:2281", "security": "SSL"}"#;
        assert_eq!(members("server.1=a:1:2;2181", form), [shown("1", "a:2281", Some(true))]);
    }

    #[test]
    fn a_named_server_is_added_once_and_its_address_counts() {
        let node = |id: &str, address: &str| NamedNode {
            id: id.to_owned(),
            roles: Vec::new(),
            address: address.to_owned(),
        };
        let nodes = [node("1", "a:2191"), node("spare", "s:2181"), node("twice", "b:2182")];
        let settings = Settings::parse(r#"{"servers": "a"}"#).unwrap().with_nodes(&nodes);
        let told = of_config("server.1=a:1:2\nserver.2=b:1:2;2182", &settings);
        let all = with_named(told, &settings);
        let shown: Vec<_> = all.iter().map(|one| (one.id.as_str(), address::shown(&one.address))).collect();
        let expected = [("1", "a:2191"), ("2", "b:2182"), ("spare", "s:2181")];
        assert_eq!(shown, expected.map(|(id, address)| (id, address.to_owned())));
    }

    #[test]
    fn without_a_configuration_the_form_counts() {
        assert_eq!(members("version=0", r#"{"servers": "a"}"#), [shown("a:2181", "a:2181", None)]);
    }
}
