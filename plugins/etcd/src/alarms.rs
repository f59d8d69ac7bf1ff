//! Alarms: raised by a member for the whole cluster, which then takes no writes until somebody disarms them.
//!
//! Read from what each member says of itself: etcd's own question about alarms is an entry in its log, and without a quorum
//! it has no answer.

use std::collections::BTreeSet;

use headgate_sdk::json::{Map, Value, json};
use headgate_sdk::{Lookup, Resource, Result};

use crate::fields;
use crate::gateway::Gateway;
use crate::members::{self, Statuses, hex};
use crate::types::{self, ALARM};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Alarm {
    pub(crate) member: String,
    /// `NOSPACE`, `CORRUPT`.
    pub(crate) name: String,
}

/// `memberID:10276657743932975437 alarm:NOSPACE `; none for any other error that a member tells.
pub(crate) fn read(text: &str) -> Option<Alarm> {
    let field =
        |key: &str| text.split_whitespace().find_map(|part| part.strip_prefix(key)?.strip_prefix(':'));
    Some(Alarm { member: hex(field("memberID")?.parse().ok()?), name: field("alarm")?.to_owned() })
}

pub(crate) fn raised(statuses: &Statuses) -> BTreeSet<Alarm> {
    let errors = statuses.told.values().flat_map(|status| fields::texts(status, "/errors"));
    errors.filter_map(|text| read(&text)).collect()
}

pub(crate) fn list(gateway: &mut Gateway) -> Result<Vec<Resource>> {
    let (_, members) = members::of(gateway)?;
    let raised = raised(&members::statuses(gateway, &members)?);
    let mut found: Vec<Resource> = raised.iter().map(resource).collect();
    found.sort_unstable_by(|a, b| a.key.id.cmp(&b.key.id));
    Ok(found)
}

pub(crate) fn get(gateway: &mut Gateway, ids: &[String]) -> Result<Vec<Lookup>> {
    let found = list(gateway)?;
    let lookup = |id: &String| {
        let one = found.iter().find(|one| one.key.id == *id);
        one.map_or(Lookup::Absent, |one| Lookup::Found(one.clone()))
    };
    Ok(ids.iter().map(lookup).collect())
}

fn resource(alarm: &Alarm) -> Resource {
    let id = format!("{}:{}", alarm.member, alarm.name);
    let spec: Value = json!({"member": alarm.member, "alarm": alarm.name});
    types::resource(ALARM, &id, &spec, Map::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_is_told_from_other_errors() {
        let alarm = read("memberID:10276657743932975437  alarm:NOSPACE ").unwrap();
        assert_eq!((alarm.member.as_str(), alarm.name.as_str()), ("8e9e05c52164694d", "NOSPACE"));
        for other in ["", "etcdserver: no leader", "alarm:NOSPACE", "memberID:x alarm:NOSPACE"] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
