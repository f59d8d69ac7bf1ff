//! What an operator says with `headgate plugin grant`, and what comes of it.

use serde::{Deserialize, Serialize};

use super::{Advertised, Given, NetworkGrant};
use crate::domain::contract::Grant;

/// One of `all`, `none` and `revoke`, or what is added to what was given before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GrantChange {
    /// Gives all that the version asks for.
    pub all: bool,
    /// Lets the version in with nothing of what it asks for.
    pub none: bool,
    /// Takes back: what is named, or all where nothing is.
    pub revoke: bool,
    pub network: Vec<NetworkGrant>,
    /// Parts of WASI: `http`.
    pub wasi: Vec<String>,
    pub advertised: Option<Advertised>,
    /// The decision is for this content: refused where another one asks now.
    pub digest: Option<String>,
}

/// Why nothing was decided.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    #[error("say what is given: all, none, network, wasi or advertised; or revoke")]
    Nothing,
    #[error("only one of all, none and revoke can be meant, and only revoke goes with parts")]
    Both,
    #[error("`{0}` {1}; write a host or pattern and ports, such as *.registry.svc and 8848-8849")]
    Network(String, &'static str),
    #[error("the plugin does not ask for {0}: it asks for {1}")]
    NotAsked(String, String),
    #[error("{0} is not given: given is {1}")]
    NotGiven(String, String),
}

impl GrantChange {
    fn names_parts(&self) -> bool {
        !self.network.is_empty() || !self.wasi.is_empty()
    }

    /// What is given from now on; `before` is what was.
    pub fn decide(&self, asked: &[Grant], before: &Given) -> Result<Given, GrantError> {
        let whole = [self.all, self.none, self.revoke].iter().filter(|chosen| **chosen).count();
        if whole > 1 || ((self.all || self.none) && self.names_parts()) {
            return Err(GrantError::Both);
        }
        if whole == 0 && !self.names_parts() && self.advertised.is_none() {
            return Err(GrantError::Nothing);
        }
        for network in &self.network {
            if let Some(fault) = network.fault() {
                return Err(GrantError::Network(network.to_string(), fault));
            }
        }
        let given = match (self.revoke, self.none) {
            (true, _) if self.names_parts() => self.without(before)?,
            (true, _) | (_, true) => Given { advertised: Advertised::None, ..Given::nothing() },
            (false, false) => self.with(asked, before)?,
        };
        Ok(Given { advertised: self.advertised.unwrap_or(given.advertised), ..given })
    }

    fn with(&self, asked: &[Grant], before: &Given) -> Result<Given, GrantError> {
        let mut given = before.clone();
        let wanted: Vec<NetworkGrant> = asked.iter().filter_map(NetworkGrant::of).collect();
        let mut network = self.network.clone();
        let mut wasi = self.wasi.clone();
        if self.all {
            network.extend(wanted.iter().cloned());
            wasi.extend(asked.iter().filter_map(|grant| match grant {
                Grant::Wasi(name) => Some(name.clone()),
                Grant::Network { .. } | Grant::SecretsReveal => None,
            }));
        }
        for name in wasi {
            let grant = Grant::Wasi(name.clone());
            if !asked.contains(&grant) {
                return Err(GrantError::NotAsked(super::words(&grant), super::list_words(asked)));
            }
            if !given.covers(&grant) {
                given.wasi.push(name);
            }
        }
        for one in network {
            if !wanted.iter().any(|wanted| one.meets(wanted)) {
                return Err(GrantError::NotAsked(one.to_string(), super::list_words(asked)));
            }
            if !given.network.iter().any(|known| known.covers(&one)) {
                given.network.retain(|known| !one.covers(known));
                given.network.push(one);
            }
        }
        Ok(given)
    }

    fn without(&self, before: &Given) -> Result<Given, GrantError> {
        let mut given = before.clone();
        let told = || list(before);
        for one in &self.network {
            let count = given.network.len();
            given.network.retain(|known| known != one);
            if given.network.len() == count {
                return Err(GrantError::NotGiven(one.to_string(), told()));
            }
        }
        for name in &self.wasi {
            if !given.wasi.contains(name) {
                return Err(GrantError::NotGiven(format!("{name} of WASI"), told()));
            }
            given.wasi.retain(|known| known != name);
        }
        Ok(given)
    }
}

fn list(given: &Given) -> String {
    let wasi = given.wasi.iter().map(|name| format!("{name} of WASI"));
    let all: Vec<String> = given.network.iter().map(ToString::to_string).chain(wasi).collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Vec<Grant> {
        let network =
            |host: &str, ports: &str| Grant::Network { host: host.to_owned(), ports: ports.to_owned() };
        let http = Grant::Wasi("http".to_owned());
        vec![network("${connection./x}", "1-65535"), network("*.svc", "80-90"), http]
    }

    fn networks(texts: &[&str]) -> Vec<NetworkGrant> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn all_is_what_is_asked_and_is_added_to_what_was_given() {
        let before = Given { network: networks(&["a.svc:80", "old.example:1"]), ..Given::nothing() };
        let change = GrantChange { all: true, ..GrantChange::default() };
        let given = change.decide(&asked(), &before).unwrap();
        // What the pattern holds is not listed beside it.
        assert_eq!(given.network, networks(&["old.example:1", "${connection./x}:1-65535", "*.svc:80-90"]));
        assert_eq!(given.wasi, ["http"]);
        let back = GrantChange { revoke: true, wasi: vec!["http".to_owned()], ..GrantChange::default() };
        let less = back.decide(&asked(), &given).unwrap();
        assert_eq!((less.network, less.wasi.len()), (given.network, 0));
    }

    #[test]
    fn a_part_is_given_and_taken_back_by_its_name() {
        let change = GrantChange { network: networks(&["a.svc:80"]), ..GrantChange::default() };
        let before = Given { network: networks(&["${connection./x}:1-65535"]), ..Given::nothing() };
        let given = change.decide(&asked(), &before).unwrap();
        assert_eq!(given.network, networks(&["${connection./x}:1-65535", "a.svc:80"]));
        let back = GrantChange { revoke: true, ..change.clone() };
        assert_eq!(back.decide(&asked(), &given).unwrap(), before);
        let error = back.decide(&asked(), &before).unwrap_err().to_string();
        assert_eq!(error, "a.svc:80 is not given: given is ${connection./x}:1-65535");
        let all = GrantChange { revoke: true, ..GrantChange::default() };
        assert_eq!(all.decide(&asked(), &given).unwrap(), Given::nothing());
    }

    #[test]
    fn nothing_and_contradictions_and_mistakes_are_refused() {
        let none = GrantChange::default();
        assert_eq!(none.decide(&asked(), &Given::nothing()), Err(GrantError::Nothing));
        for change in [
            GrantChange { all: true, none: true, ..GrantChange::default() },
            GrantChange { all: true, revoke: true, ..GrantChange::default() },
            GrantChange { none: true, network: networks(&["a.svc:80"]), ..GrantChange::default() },
        ] {
            assert_eq!(change.decide(&asked(), &Given::nothing()), Err(GrantError::Both), "{change:?}");
        }
        for (change, part) in [
            (
                GrantChange { network: networks(&["a.other:80"]), ..none.clone() },
                "does not ask for a.other:80: it asks",
            ),
            (GrantChange { network: networks(&["a.svc:91"]), ..none.clone() }, "does not ask for"),
            (
                GrantChange {
                    network: vec![NetworkGrant { host: "a b".to_owned(), ports: "1".to_owned() }],
                    ..none
                },
                "names no host",
            ),
        ] {
            let asked = &asked()[1..];
            let error = change.decide(asked, &Given::nothing()).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn the_rule_for_advertised_nodes_is_changed_alone() {
        let before = Given { network: networks(&["${connection./x}:1-65535"]), ..Given::nothing() };
        let change = GrantChange { advertised: Some(Advertised::Any), ..GrantChange::default() };
        let given = change.decide(&asked(), &before).unwrap();
        assert_eq!((given.network, given.advertised), (before.network, Advertised::Any));
    }
}
