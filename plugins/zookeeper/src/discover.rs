//! The ensemble as it is: its servers, which of them serve, and what each is to the others.

use headgate_sdk::address;
use headgate_sdk::json::{self, json};
use headgate_sdk::{Check, Cluster, ErrorKind, Health, Node, Place, Result};

use crate::ensemble::Ensemble;
use crate::manifest::{FOLLOWER, LEADER, OBSERVER, STANDALONE};
use crate::members::Member;
use crate::words::State;

/// Without an identity: ZooKeeper has no id of an ensemble, and another one under the same addresses cannot be told apart.
pub(crate) fn discover(ensemble: &mut Ensemble) -> Result<Cluster> {
    let session = ensemble.refresh();
    let states = ensemble.states();
    let is_heard = states.iter().any(|(_, told)| told.is_ok());
    match &session {
        Err(error) if !is_heard || error.kind == ErrorKind::Unauthenticated => return Err(error.clone()),
        Err(_) | Ok(()) => {}
    }
    // A session, and no server where the ensemble says they are: then those addresses are for others than us.
    let out_of_reach = session.is_ok() && !is_heard;
    let nodes: Vec<Node> = states.iter().map(|(member, told)| node(member, told, out_of_reach)).collect();
    let version = oldest(nodes.iter().filter_map(|node| node.version.as_deref()));
    let facts = json::text(&json!({"nodes": nodes.len(), "version": version}));
    Ok(Cluster { identity: None, version, facts, nodes, relations: Some(Vec::new()) })
}

/// One word to each server: no session, and nothing that the quorum would have to write.
pub(crate) fn probe(ensemble: &Ensemble) -> Vec<Check> {
    let check = |(member, told): (&Member, Result<State>)| {
        let (health, message) = health(&told, false);
        Check {
            name: "srvr".to_owned(),
            place: Place::Node(member.id.clone()),
            health,
            latency_us: None,
            message,
        }
    };
    ensemble.states().into_iter().map(check).collect()
}

fn node(member: &Member, told: &Result<State>, out_of_reach: bool) -> Node {
    let (health, problem) = health(told, out_of_reach);
    let (mode, version) = match told {
        Ok(State::Serves { mode, version }) => (Some(mode.as_str()), version.clone()),
        Ok(State::Waits | State::Odd) | Err(_) => (None, None),
    };
    let role = mode.filter(|mode| [LEADER, FOLLOWER, OBSERVER, STANDALONE].contains(mode));
    Node {
        id: member.id.clone(),
        roles: role.map(str::to_owned).into_iter().collect(),
        group: None,
        rank: if matches!(role, Some(LEADER | STANDALONE)) { 0 } else { 1 },
        addresses: vec![("client".to_owned(), address::shown(&member.address))],
        version,
        rack: None,
        health,
        facts: json::text(&json!({"votes": member.votes, "mode": mode, "problem": problem})),
    }
}

fn health(told: &Result<State>, out_of_reach: bool) -> (Health, Option<String>) {
    let state = match told {
        Ok(state) => state,
        Err(error) => {
            let is_silent =
                matches!(error.kind, ErrorKind::Unavailable | ErrorKind::Timeout) && !out_of_reach;
            return (if is_silent { Health::Down } else { Health::Unknown }, Some(error.message.clone()));
        }
    };
    let (health, problem) = match state {
        State::Serves { mode, .. } if mode == "read-only" => {
            (Health::Degraded, "it is cut off from its quorum and only reads")
        }
        State::Serves { .. } => return (Health::Up, None),
        State::Waits => (Health::Degraded, "it runs and serves nobody: it has no quorum, or is starting"),
        State::Odd => (Health::Unknown, "it does not tell: its answer to the word `srvr` names no mode"),
    };
    (health, Some(problem.to_owned()))
}

/// What the whole ensemble can is what its oldest server can.
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

    fn seen(told: Result<State>, out_of_reach: bool) -> (Health, Vec<String>, u32) {
        let member = Member { id: "1".to_owned(), address: ("h".to_owned(), 1), votes: Some(true) };
        let node = node(&member, &told, out_of_reach);
        (node.health, node.roles, node.rank)
    }

    fn serves(mode: &str) -> State {
        State::Serves { mode: mode.to_owned(), version: None }
    }

    #[test]
    fn a_server_is_what_it_says() {
        assert_eq!(seen(Ok(serves("leader")), false), (Health::Up, vec!["leader".to_owned()], 0));
        assert_eq!(seen(Ok(serves("observer")), false), (Health::Up, vec!["observer".to_owned()], 1));
        assert_eq!(seen(Ok(serves("read-only")), false), (Health::Degraded, vec![], 1));
    }

    #[test]
    fn what_is_not_told_is_unknown_and_who_is_silent_is_down() {
        let health = |told: Result<State>, out_of_reach| seen(told, out_of_reach).0;
        assert_eq!(health(Ok(State::Waits), false), Health::Degraded);
        assert_eq!(health(Ok(State::Odd), false), Health::Unknown);
        let silent = || Err(Error::unavailable("refused"));
        assert_eq!(health(silent(), false), Health::Down);
        assert_eq!(health(silent(), true), Health::Unknown);
        let denied = Err(Error::new(ErrorKind::PermissionDenied, "no grant"));
        assert_eq!(health(denied, false), Health::Unknown);
    }
}
