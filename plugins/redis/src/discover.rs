//! The cluster as it is: its servers, which of them serve, what each is to the others, and what they would forget.

use headgate_sdk::address;
use headgate_sdk::json::{self, json};
use headgate_sdk::{Check, Cluster, ErrorKind, Health, Node, Place, Result};

use crate::info::{Info, State};
use crate::manifest::{MASTER, REPLICA};
use crate::servers::{Seen, Server, Servers};

/// Without an identity: Redis has no id of a cluster, and another one under the same addresses cannot be told apart.
pub(crate) fn discover(servers: &mut Servers) -> Result<Cluster> {
    let seen = servers.refresh()?;
    let nodes: Vec<Node> = seen.servers.iter().map(|server| node(&seen, server)).collect();
    let version = oldest(nodes.iter().filter_map(|node| node.version.as_deref()));
    let facts = json::text(&json!({
        "nodes": nodes.len(),
        "version": version,
        "mode": if seen.is_cluster { "cluster" } else { "single" },
        "settings_forgotten_by": forgetful(&seen, Info::keeps_settings),
        "users_forgotten_by": forgetful(&seen, Info::keeps_users)
    }));
    Ok(Cluster { identity: None, version, facts, nodes, relations: Some(Vec::new()) })
}

pub(crate) fn probe(servers: &mut Servers) -> Result<Vec<Check>> {
    let seen = servers.refresh()?;
    let check = |server: &Server| {
        let (health, message) = health(server);
        Check {
            name: "info".to_owned(),
            place: Place::Node(server.member.id.clone()),
            health,
            latency_us: None,
            message,
        }
    };
    Ok(seen.servers.iter().map(check).collect())
}

/// Servers on which what is set is gone with their next start.
fn forgetful(seen: &Seen, keeps: fn(&Info) -> bool) -> Vec<&str> {
    let forgets = |server: &&Server| server.told.as_ref().is_ok_and(|info| !keeps(info));
    let mut ids: Vec<&str> =
        seen.servers.iter().filter(forgets).map(|server| server.member.id.as_str()).collect();
    ids.sort_unstable();
    ids
}

fn node(seen: &Seen, server: &Server) -> Node {
    let (health, problem) = health(server);
    let Server { member, told } = server;
    let info = told.as_ref().ok();
    let is_master = info.map_or(member.is_master, |info| info.is_master);
    Node {
        id: member.id.clone(),
        roles: vec![if is_master { MASTER } else { REPLICA }.to_owned()],
        group: Some(member.group.clone()),
        rank: rank(seen, server),
        addresses: vec![("client".to_owned(), address::shown(&member.address))],
        version: info.map(|info| info.version.clone()),
        rack: None,
        health,
        facts: json::text(&json!({
            "slots": seen.is_cluster.then_some(member.slots),
            "config_file": info.map(|info| info.has_file),
            "acl_file": info.and_then(|info| info.has_user_file),
            "problem": problem
        })),
    }
}

/// Of its group: its master, then replicas in order of their ids.
fn rank(seen: &Seen, server: &Server) -> u32 {
    if server.member.is_master {
        return 0;
    }
    let group = Place::Group(server.member.group.clone());
    let replicas = seen.at(&group).into_iter().filter(|other| !other.member.is_master);
    let before = replicas.take_while(|other| other.member.id != server.member.id).count();
    u32::try_from(before + 1).unwrap_or(u32::MAX)
}

fn health(server: &Server) -> (Health, Option<String>) {
    let info = match &server.told {
        Ok(info) => info,
        Err(error) => {
            let is_silent = matches!(error.kind, ErrorKind::Unavailable | ErrorKind::Timeout);
            return (if is_silent { Health::Down } else { Health::Unknown }, Some(error.message.clone()));
        }
    };
    let problem = match info.state {
        State::Loads => "it reads its data from disk, and serves nobody before that is done",
        State::Lags => "it does not reach its master",
        State::Serves if server.member.failed.is_some() => "others of its cluster take it for failed",
        State::Serves => return (Health::Up, None),
    };
    (Health::Degraded, Some(problem.to_owned()))
}

/// What the whole cluster can is what its oldest server can.
fn oldest<'a>(versions: impl Iterator<Item = &'a str>) -> Option<String> {
    let numbers = |version: &&str| -> Vec<u32> {
        version.split('.').map(|part| part.parse().unwrap_or_default()).collect()
    };
    versions.min_by_key(numbers).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use headgate_sdk::Error;

    use super::*;
    use crate::members::Member;

    fn server(id: &str, is_master: bool, told: Result<Info>) -> Server {
        let group = "g".to_owned();
        let address = ("h".to_owned(), 1);
        Server {
            member: Member { id: id.to_owned(), address, is_master, group, failed: None, slots: 7 },
            told,
        }
    }

    fn info(state: State) -> Info {
        Info { state, version: "7.0.15".to_owned(), ..Info::default() }
    }

    #[test]
    fn a_server_is_as_well_as_it_says() {
        let of = |told| health(&server("a", true, told)).0;
        assert_eq!(of(Ok(info(State::Serves))), Health::Up);
        assert_eq!(of(Ok(info(State::Loads))), Health::Degraded);
        assert_eq!(of(Ok(info(State::Lags))), Health::Degraded);
        assert_eq!(of(Err(Error::unavailable("refused"))), Health::Down);
        assert_eq!(of(Err(Error::new(ErrorKind::PermissionDenied, "no grant"))), Health::Unknown);
    }

    #[test]
    fn replicas_stand_behind_their_master_and_who_forgets_is_named() {
        let servers = vec![
            server("c", false, Ok(info(State::Serves))),
            server("a", false, Err(Error::unavailable("refused"))),
            server("b", true, Ok(Info { has_file: true, is_master: true, ..info(State::Serves) })),
        ];
        let seen = Seen { is_cluster: true, servers };
        let ranks: Vec<u32> = seen.servers.iter().map(|server| rank(&seen, server)).collect();
        assert_eq!(ranks, [2, 1, 0]);
        assert_eq!(forgetful(&seen, Info::keeps_settings), ["c"]);
        let down = node(&seen, &seen.servers[1]);
        assert_eq!((down.roles, down.version), (vec![REPLICA.to_owned()], None));
        assert_eq!(oldest(["7.0.9", "7.0.15", "6.2.0"].into_iter()).as_deref(), Some("6.2.0"));
    }
}
