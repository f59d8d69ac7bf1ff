//! Which brokers belong to the cluster: groups by broker name, brokers by number, 0 the master.

use std::collections::{BTreeMap, BTreeSet};

use headgate_sdk::framed::Lost;
use headgate_sdk::json::{self, Value};
use headgate_sdk::{Error, Result, log, state};
use serde::{Deserialize, Serialize};

use super::{advice, named};
use crate::wire::Answer;

/// Who is gone for longer has left.
const REMEMBERED_MS: u64 = 24 * 60 * 60 * 1_000;

/// Where the host keeps them between sessions.
const STATE_KEY: &str = "members";

/// Times alone are not worth a write more often.
const SAVED_EVERY_MS: u64 = 60 * 60 * 1_000;

/// The number of a group's master.
pub(crate) const MASTER: u64 = 0;

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Group {
    /// When a name server told of it last; Unix time.
    seen_ms: u64,
    /// Address by number; as told last.
    pub(crate) brokers: BTreeMap<u64, String>,
    /// What was told before and is told no more: it is down, or left.
    pub(crate) gone: BTreeMap<u64, String>,
}

/// A name server's answer: cluster and brokers of each broker name.
pub(crate) type Told = BTreeMap<String, (String, BTreeMap<u64, String>)>;

/// Invariant: a group once seen stays for a day: a name server forgets a broker at the moment it dies, and a listing
/// without it would look complete.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Members {
    pub(crate) cluster: Option<String>,
    pub(crate) groups: BTreeMap<String, Group>,
}

impl Members {
    /// As an earlier session saw them; nobody where the form names another cluster now.
    pub(super) fn restore(wanted: Option<&str>) -> Self {
        let kept = match state::get(STATE_KEY) {
            Ok(kept) => kept.and_then(|kept| serde_json::from_slice::<Self>(&kept).ok()),
            Err(error) => {
                log::debug("members are not remembered", &[("because", &error.message)]);
                None
            }
        };
        let same = |kept: &Self| wanted.is_none_or(|wanted| kept.cluster.as_deref() == Some(wanted));
        kept.filter(same).unwrap_or_default()
    }

    /// For a later session, where something changed since `before`.
    pub(super) fn save(&self, before: &Self) {
        if !self.differs(before) {
            return;
        }
        if let Err(error) = state::set(STATE_KEY, json::text(self).as_bytes()) {
            log::debug("members are not remembered", &[("because", &error.message)]);
        }
    }

    fn differs(&self, before: &Self) -> bool {
        let same = |(name, group): (&String, &Group)| {
            before.groups.get(name).is_some_and(|was| {
                (&was.brokers, &was.gone) == (&group.brokers, &group.gone)
                    && group.seen_ms.saturating_sub(was.seen_ms) < SAVED_EVERY_MS
            })
        };
        self.groups.len() != before.groups.len() || !self.groups.iter().all(same)
    }

    pub(super) fn learn(&mut self, told: Told, wanted: Option<&str>, now_ms: u64) -> Result<()> {
        let clusters: BTreeSet<&str> = told.values().map(|(cluster, _)| cluster.as_str()).collect();
        let known = self.cluster.as_deref().filter(|known| wanted.is_none_or(|wanted| wanted == *known));
        let cluster = match (known, wanted) {
            // All of its brokers may be down. Where others answer instead, it is another cluster.
            (Some(name), _) if clusters.contains(name) || clusters.is_empty() || wanted.is_some() => {
                name.to_owned()
            }
            (_, Some(name)) if clusters.contains(name) => name.to_owned(),
            (_, Some(name)) => return Err(unknown_cluster(name, &clusters)),
            (_, None) => only(&clusters)?.to_owned(),
        };
        if self.cluster.as_ref() != Some(&cluster) {
            self.groups.clear();
        }
        for group in self.groups.values_mut() {
            let brokers = std::mem::take(&mut group.brokers);
            group.gone.extend(brokers);
        }
        for (name, (of, brokers)) in told {
            if of == cluster {
                let group = self.groups.entry(name).or_default();
                group.gone.retain(|id, _| !brokers.contains_key(id));
                group.brokers = brokers;
                group.seen_ms = now_ms;
            }
        }
        let left =
            |group: &Group| group.brokers.is_empty() && now_ms.saturating_sub(group.seen_ms) > REMEMBERED_MS;
        self.groups.retain(|_, group| !left(group));
        self.cluster = Some(cluster);
        Ok(())
    }

    /// The name and the master's address of each group; where there is none, why.
    pub(crate) fn masters(&self) -> Vec<(String, Result<String>)> {
        self.groups.keys().map(|name| (name.clone(), self.master(name))).collect()
    }

    /// As `masters`, and the first slave of a group that has no master: for who is connected, and never for what is
    /// configured. That is some seconds old on a slave: it would pass for a change that nobody made, or for the proof that a
    /// write was lost.
    pub(crate) fn readers(&self) -> Vec<(String, Result<String>)> {
        let reader = |(name, group): (&String, &Group)| {
            let slave = || group.brokers.values().next().cloned();
            (name.clone(), self.master(name).or_else(|error| slave().ok_or(error)))
        };
        self.groups.iter().map(reader).collect()
    }

    /// The slaves among the readers, as nodes.
    pub(crate) fn stand_ins(&self) -> Vec<String> {
        let slave = |(name, group): (&String, &Group)| {
            let first = group.brokers.keys().next().filter(|id| **id != MASTER)?;
            Some(format!("{name}:{first}"))
        };
        self.groups.iter().filter_map(slave).collect()
    }

    pub(crate) fn master(&self, name: &str) -> Result<String> {
        let Some(group) = self.groups.get(name) else {
            let known: Vec<&str> = self.groups.keys().map(String::as_str).collect();
            let message = format!(
                "the name servers know no broker {name}, only {}: it is down, or never was",
                known.join(", ")
            );
            return Err(Error::unavailable(message).code("NO_SUCH_GROUP"));
        };
        group.brokers.get(&MASTER).cloned().ok_or_else(|| no_master(name, group))
    }
}

fn no_master(name: &str, group: &Group) -> Error {
    let slaves: Vec<String> = group.brokers.keys().map(ToString::to_string).collect();
    let message = match slaves.as_slice() {
        [] => format!("the name servers know no broker {name} any more: it is down, or left"),
        slaves => {
            format!(
                "broker {name} has no master, only slave {}: its configuration is its master's",
                slaves.join(", ")
            )
        }
    };
    Error::unavailable(message).code("NO_MASTER")
}

fn only<'a>(clusters: &BTreeSet<&'a str>) -> Result<&'a str> {
    let mut names = clusters.iter().copied();
    match (names.next(), names.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => {
            let message = "the name servers know no broker yet: a broker calls within 30 seconds of their start; \
                           is this address in the brokers' `namesrvAddr`?";
            Err(Error::unavailable(message).code("NO_BROKER"))
        }
        (Some(_), Some(_)) => {
            let message =
                format!("the name servers serve the clusters {}: set `cluster` to one", listed(clusters));
            Err(Error::invalid_argument(message).code("SEVERAL_CLUSTERS"))
        }
    }
}

fn unknown_cluster(name: &str, clusters: &BTreeSet<&str>) -> Error {
    let error = if clusters.is_empty() {
        Error::unavailable(format_args!("the name servers know no broker, and so no cluster {name} yet"))
    } else {
        let known = listed(clusters);
        Error::not_found(format_args!(
            "the name servers know no cluster {name}: set `cluster` to one of {known}"
        ))
    };
    error.code("NO_SUCH_CLUSTER")
}

fn listed(clusters: &BTreeSet<&str>) -> String {
    clusters.iter().copied().collect::<Vec<_>>().join(", ")
}

pub(super) fn told(answer: Result<Answer, Lost>, address: &str) -> Result<Told> {
    let what = format!("ask name server {address} for the brokers");
    let answer = answer.map_err(|lost| advice::first_exchange(named(lost.error, address)))?;
    let table = answer.checked(&what)?.json(&what)?;
    let table = table.get("brokerAddrTable").and_then(Value::as_object);
    let table = table.ok_or_else(|| {
        advice::first_exchange(Error::protocol(format_args!("{what}: the answer holds no `brokerAddrTable`")))
    })?;
    Ok(table.iter().map(|(name, broker)| (name.clone(), brokers(broker))).collect())
}

fn brokers(broker: &Value) -> (String, BTreeMap<u64, String>) {
    let cluster = broker.get("cluster").and_then(Value::as_str).unwrap_or_default().to_owned();
    let addresses = broker.get("brokerAddrs").and_then(Value::as_object);
    let address = |(id, address): (&String, &Value)| Some((id.parse().ok()?, address.as_str()?.to_owned()));
    (cluster, addresses.into_iter().flatten().filter_map(address).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(brokers: &[(&str, &str, &str)]) -> Told {
        let broker = |(name, cluster, address): &(&str, &str, &str)| {
            (name.to_string(), (cluster.to_string(), BTreeMap::from([(MASTER, address.to_string())])))
        };
        brokers.iter().map(broker).collect()
    }

    #[test]
    fn an_answer_with_bare_numbers_is_read() {
        let body =
            br#"{"brokerAddrTable":{"a":{"brokerAddrs":{0:"h:1",1:"h:2"},"brokerName":"a","cluster":"c"}}}"#;
        let answer = Answer { code: 0, body: body.to_vec(), ..Answer::default() };
        let told = told(Ok(answer), "ns:1").unwrap();
        assert_eq!(
            told["a"],
            ("c".to_owned(), BTreeMap::from([(0, "h:1".to_owned()), (1, "h:2".to_owned())]))
        );
    }

    #[test]
    fn the_only_cluster_needs_no_name_and_several_do() {
        let mut members = Members::default();
        assert_eq!(members.learn(Told::new(), None, 5).unwrap_err().code.as_deref(), Some("NO_BROKER"));
        let two = answer(&[("a", "c1", "h:1"), ("b", "c2", "h:2")]);
        let error = members.learn(two.clone(), None, 5).unwrap_err();
        assert!(error.message.contains("c1, c2: set `cluster`"), "{}", error.message);
        let error = members.learn(two.clone(), Some("c3"), 5).unwrap_err();
        assert!(error.message.contains("one of c1, c2"), "{}", error.message);
        members.learn(two, Some("c2"), 5).unwrap();
        assert_eq!(members.groups.keys().collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn a_broker_that_is_told_no_more_is_down_and_not_forgotten() {
        let mut members = Members::default();
        members.learn(answer(&[("a", "c", "h:1"), ("b", "c", "h:2")]), None, 5).unwrap();
        members.learn(answer(&[("a", "c", "h:1")]), None, 5).unwrap();
        assert_eq!(members.master("a"), Ok("h:1".to_owned()));
        assert_eq!(members.master("b").unwrap_err().code.as_deref(), Some("NO_MASTER"));
        assert_eq!(members.groups["b"].gone.len(), 1);
        members.learn(Told::new(), None, 5).unwrap();
        assert!(members.masters().iter().all(|(_, master)| master.is_err()));
        members.learn(answer(&[("b", "c", "h:3")]), None, 5).unwrap();
        assert_eq!((members.master("b"), members.groups["b"].gone.len()), (Ok("h:3".to_owned()), 0));
        members.learn(Told::new(), None, 6 + REMEMBERED_MS).unwrap();
        assert_eq!(members.groups.len(), 0, "after a day it has left");
    }

    #[test]
    fn a_slave_stands_in_for_reading_while_there_is_no_master() {
        let pair = |brokers: &[(u64, &str)]| {
            let brokers = brokers.iter().map(|(id, address)| (*id, address.to_string())).collect();
            Told::from([("a".to_owned(), ("c".to_owned(), brokers))])
        };
        let mut members = Members::default();
        members.learn(pair(&[(0, "h:1"), (1, "h:2")]), None, 5).unwrap();
        assert_eq!(
            (members.readers(), members.stand_ins()),
            (vec![("a".to_owned(), Ok("h:1".to_owned()))], vec![])
        );
        members.learn(pair(&[(1, "h:2")]), None, 5).unwrap();
        assert_eq!(members.readers(), [("a".to_owned(), Ok("h:2".to_owned()))]);
        assert_eq!(members.stand_ins(), ["a:1"]);
        assert!(members.master("a").is_err(), "nothing is written to it");
        members.learn(Told::new(), None, 5).unwrap();
        assert!(members.readers()[0].1.is_err() && members.stand_ins().is_empty());
    }

    #[test]
    fn another_cluster_under_the_same_address_is_not_taken_for_this_one() {
        let mut members = Members::default();
        members.learn(answer(&[("a", "c", "h:1")]), None, 5).unwrap();
        members.learn(answer(&[("b", "d", "h:1")]), None, 5).unwrap();
        assert_eq!(members.cluster.as_deref(), Some("d"));
        assert_eq!(members.groups.keys().collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn a_later_session_remembers_who_is_down() {
        let mut members = Members::default();
        members.learn(answer(&[("a", "c", "h:1")]), None, 5).unwrap();
        members.save(&Members::default());
        assert_eq!(Members::restore(None), members);
        assert_eq!(Members::restore(Some("c")), members);
        assert_eq!(Members::restore(Some("d")), Members::default());
        assert!(!members.differs(&members.clone()));
    }
}
