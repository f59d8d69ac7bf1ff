//! The cluster as it is: its members, who leads, and what is wrong with each.

use headgate_sdk::address;
use headgate_sdk::json::{self, Value, json};
use headgate_sdk::{Check, Cluster, ErrorKind, Health, Node, Place, Result};

use crate::alarms;
use crate::fields;
use crate::gateway::Gateway;
use crate::manifest::{FOLLOWER, LEADER, LEARNER};
use crate::members::{self, Member, Statuses};

pub(crate) fn discover(gateway: &mut Gateway) -> Result<Cluster> {
    let (identity, members) = members::of(gateway)?;
    let statuses = members::statuses(gateway, &members)?;
    let leader = statuses.leader();
    let nodes: Vec<Node> = members.iter().map(|member| node(member, &statuses, leader.as_deref())).collect();
    let version = oldest(nodes.iter().filter_map(|node| node.version.as_deref()));
    let facts = json::text(&json!({"nodes": nodes.len(), "version": version}));
    Ok(Cluster { identity, version, facts, nodes, relations: Some(Vec::new()) })
}

/// Nothing that the members would have to agree on.
pub(crate) fn probe(gateway: &mut Gateway) -> Result<Vec<Check>> {
    let (_, members) = members::of(gateway)?;
    let statuses = members::statuses(gateway, &members)?;
    let check = |name: &str, place, (health, message)| Check {
        name: name.to_owned(),
        place,
        health,
        latency_us: None,
        message,
    };
    let of_each = members.iter().map(|member| {
        let told = health(member, statuses.of(member), statuses.out_of_reach);
        check("status", Place::Node(member.id.clone()), told)
    });
    let raised: Vec<String> =
        alarms::raised(&statuses).iter().map(|alarm| format!("{} of {}", alarm.name, alarm.member)).collect();
    let told = match raised.is_empty() {
        true => (Health::Up, None),
        false => (Health::Degraded, Some(format!("alarms are raised: {}", raised.join(", ")))),
    };
    Ok(of_each.chain([check("alarms", Place::Cluster, told)]).collect())
}

fn node(member: &Member, statuses: &Statuses, leader: Option<&str>) -> Node {
    let told = statuses.of(member);
    let (health, problem) = health(member, told.clone(), statuses.out_of_reach);
    let role = match &told {
        _ if member.learner => Some(LEARNER),
        // Of who is silent the others may still say that it leads.
        Ok(_) if leader == Some(member.id.as_str()) => Some(LEADER),
        Ok(status) if leads_none(status) => None,
        Ok(_) => Some(FOLLOWER),
        Err(_) => None,
    };
    let address = |address| ("client".to_owned(), address::shown(address));
    Node {
        id: member.id.clone(),
        roles: role.map(str::to_owned).into_iter().collect(),
        group: None,
        rank: if role == Some(LEADER) { 0 } else { 1 },
        addresses: member.addresses().iter().map(address).collect(),
        version: told.ok().and_then(|status| fields::text(status, "/version")).map(str::to_owned),
        rack: None,
        health,
        facts: json::text(&json!({"name": member.name, "learner": member.learner, "problem": problem})),
    }
}

fn leads_none(status: &Value) -> bool {
    fields::number(status, "/leader").is_none_or(|leader| leader == 0)
}

fn health(member: &Member, told: Result<&Value>, out_of_reach: bool) -> (Health, Option<String>) {
    let status = match told {
        Ok(status) => status,
        Err(error) => {
            let is_silent =
                matches!(error.kind, ErrorKind::Unavailable | ErrorKind::Timeout) && !out_of_reach;
            return (if is_silent { Health::Down } else { Health::Unknown }, Some(error.message));
        }
    };
    let mut problems: Vec<String> = Vec::new();
    for error in fields::texts(status, "/errors") {
        match alarms::read(&error) {
            Some(alarm) if alarm.member == member.id => {
                problems.push(format!("it raised the alarm {}", alarm.name));
            }
            // Told by each member, and shown at the one that raised it.
            Some(_) => {}
            None => problems.push(error),
        }
    }
    if problems.is_empty() && leads_none(status) {
        problems.push("it knows of no leader".to_owned());
    }
    match problems.is_empty() {
        true => (Health::Up, None),
        false => (Health::Degraded, Some(problems.join("; "))),
    }
}

/// What the whole cluster can is what its oldest member can.
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

    fn member(id: &str) -> Member {
        let client_urls = vec!["http://a:2379".to_owned()];
        Member {
            id: id.to_owned(),
            name: Some("a".to_owned()),
            peer_urls: Vec::new(),
            client_urls,
            learner: false,
        }
    }

    fn seen(told: Result<Value>, out_of_reach: bool) -> Health {
        health(&member("11"), told.as_ref().map_err(Clone::clone), out_of_reach).0
    }

    #[test]
    fn an_alarm_degrades_the_member_that_raised_it() {
        let status = |errors: Value| Ok(json!({"leader": "17", "errors": errors}));
        assert_eq!(seen(status(json!([])), false), Health::Up);
        assert_eq!(seen(status(json!(["memberID:17 alarm:NOSPACE "])), false), Health::Degraded);
        assert_eq!(seen(status(json!(["memberID:18 alarm:NOSPACE "])), false), Health::Up);
        assert_eq!(seen(status(json!(["etcdserver: no leader"])), false), Health::Degraded);
        assert_eq!(seen(Ok(json!({})), false), Health::Degraded, "no leader is told");
    }

    #[test]
    fn who_is_silent_is_down_where_others_are_reached() {
        let silent = || Err(Error::unavailable("refused"));
        assert_eq!((seen(silent(), false), seen(silent(), true)), (Health::Down, Health::Unknown));
        let denied = Err(Error::new(ErrorKind::PermissionDenied, "no grant"));
        assert_eq!(seen(denied, false), Health::Unknown);
    }

    #[test]
    fn the_oldest_version_is_the_least_number() {
        assert_eq!(oldest(["3.10.0", "3.6.16"].into_iter()).as_deref(), Some("3.6.16"));
    }
}
