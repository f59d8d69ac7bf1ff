//! Brokers that a person named: one that calls no name server of the form says itself where it belongs.

use std::collections::BTreeMap;

use headgate_sdk::log;

use super::members::Told;
use super::{Effect, NAME_SERVER_TIMEOUT_MS, Servers};
use crate::wire::{Request, codes, properties};

impl Servers {
    /// Who does not answer is left out, as a name server leaves out who does not call it.
    pub(super) fn add_named(&mut self, told: &mut Told) {
        let is_told = |address: &String| {
            told.values().any(|(_, brokers)| brokers.values().any(|known| known == address))
        };
        let questions: Vec<(String, Request)> = self
            .settings
            .named_brokers
            .iter()
            .filter(|address| !is_told(address))
            .map(|address| (address.clone(), Request::new(codes::BROKER_CONFIG)))
            .collect();
        if questions.is_empty() {
            return;
        }
        let answers = self.ask_each_for(&questions, Effect::Read, NAME_SERVER_TIMEOUT_MS);
        for ((address, _), answer) in questions.into_iter().zip(answers) {
            let config = answer
                .map_err(|lost| lost.error)
                .and_then(|answer| answer.checked("ask a named broker who it is"));
            match config {
                Ok(answer) => add(told, &properties::read(&answer.body), address),
                Err(error) => log::warn(
                    "a named broker does not tell who it is",
                    &[("peer", &address), ("because", &error.message)],
                ),
            }
        }
    }
}

/// Never in the place of one that a name server tells of, nor in a group of another cluster.
fn add(told: &mut Told, config: &BTreeMap<String, String>, address: String) {
    let text = |key: &str| config.get(key).filter(|value| !value.is_empty()).cloned();
    let id = text("brokerId").and_then(|id| id.parse::<u64>().ok());
    let (Some(cluster), Some(name), Some(id)) = (text("brokerClusterName"), text("brokerName"), id) else {
        return log::warn("a named broker tells no name, number and cluster", &[("peer", &address)]);
    };
    let (of, brokers) = told.entry(name).or_insert_with(|| (cluster.clone(), BTreeMap::new()));
    if *of == cluster {
        brokers.entry(id).or_insert(address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_added_where_it_says_it_belongs_and_replaces_nobody() {
        let config = |name: &str, id: &str, cluster: &str| {
            let entry = |key: &str, value: &str| (key.to_owned(), value.to_owned());
            BTreeMap::from([
                entry("brokerName", name),
                entry("brokerId", id),
                entry("brokerClusterName", cluster),
            ])
        };
        let mut told =
            Told::from([("a".to_owned(), ("c".to_owned(), BTreeMap::from([(0, "h:1".to_owned())])))]);
        add(&mut told, &config("a", "0", "c"), "h:9".to_owned());
        add(&mut told, &config("a", "1", "other"), "h:8".to_owned());
        add(&mut told, &config("b", "x", "c"), "h:7".to_owned());
        add(&mut told, &config("a", "1", "c"), "h:2".to_owned());
        add(&mut told, &config("b", "0", "c"), "h:3".to_owned());
        let brokers = |name: &str| told[name].1.values().map(String::as_str).collect::<Vec<_>>();
        assert_eq!((brokers("a"), brokers("b"), told.len()), (vec!["h:1", "h:2"], vec!["h:3"], 2));
    }
}
