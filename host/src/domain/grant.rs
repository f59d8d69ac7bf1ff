//! Grants: what a plugin's manifest asks for, what the operator decided, and whether a version asks for more than that.
//!
//! Invariant: a decision is about everything that was asked when it was made. What of it was not given was decided too, so
//! that the next version which asks for the same waits for nobody.

mod change;
mod network;

use serde::{Deserialize, Serialize};

use super::contract::Grant;
pub use change::{GrantChange, GrantError};
pub use network::{CONNECTION, NetworkGrant, port_range};

/// Which addresses a plugin may reach that the cluster told it, beyond those of the connection form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Advertised {
    /// None but the connection's own.
    None,
    /// Of the same class as an address of the connection: loopback, private or public. A public cluster cannot send the
    /// host to look at its private network, nor a private one send its credentials to the internet.
    #[default]
    SameClass,
    Any,
}

/// What the operator gives to one plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Given {
    pub network: Vec<NetworkGrant>,
    pub advertised: Advertised,
    /// Parts of WASI beyond those that are open to all: `http`.
    pub wasi: Vec<String>,
}

/// What of WASI is open to every plugin that imports it.
pub const WASI_OPEN: [&str; 3] = ["clocks", "random", "stdio"];

/// `wasi:http/outgoing-handler`, under the plugin's network grants. Nothing more of WASI can be given.
pub const WASI_HTTP: &str = "http";

impl Given {
    pub fn nothing() -> Self {
        Self { network: Vec::new(), advertised: Advertised::None, wasi: Vec::new() }
    }

    /// The addresses that people write into the connection form of each cluster, as far as they are asked for.
    pub fn connection(asked: &[Grant], advertised: Advertised) -> Self {
        let network = asked.iter().filter_map(NetworkGrant::of).filter(NetworkGrant::is_of_connection);
        Self { network: network.collect(), advertised, wasi: Vec::new() }
    }

    pub fn covers(&self, asked: &Grant) -> bool {
        match asked {
            Grant::Network { .. } => NetworkGrant::of(asked)
                .is_some_and(|asked| self.network.iter().any(|given| given.covers(&asked))),
            Grant::SecretsReveal => false,
            Grant::Wasi(name) => WASI_OPEN.contains(&name.as_str()) || self.wasi.contains(name),
        }
    }
}

/// What the operator decided for a kind: kept with the content that it was decided for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantDecision {
    pub kind: String,
    /// Counts the decisions of the kind.
    pub revision: u64,
    pub given: Given,
    /// What was asked for then.
    pub asked: Vec<Grant>,
    /// Of the component that asked.
    pub digest: String,
    pub version: String,
    /// `token:NAME`.
    pub by: String,
    pub at_ms: i64,
}

/// Where a kind's grants come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing<'a> {
    /// From the file beside the plugins, whatever a version asks for.
    File(&'a Given),
    Decided(&'a GrantDecision),
    /// Nobody decided anything: the connection's own addresses, and what needs more waits.
    Undecided,
    /// Nobody knows what was decided: nothing.
    Unknown,
}

/// The same, for who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GrantSource {
    /// The host carries the plugin.
    Builtin,
    /// `grants.yaml` beside the plugins.
    File,
    /// `headgate plugin grant`.
    Decision,
    /// Nobody decided anything: the addresses of the connection form.
    Default,
    /// The decisions could not be read yet: nothing.
    Unknown,
}

impl Standing<'_> {
    pub fn given(&self, asked: &[Grant]) -> Given {
        match self {
            Self::File(given) => (*given).clone(),
            Self::Decided(decision) => decision.given.clone(),
            // A plugin says by itself what a cluster advertises: that is no word of the operator's.
            Self::Undecided => Given::connection(asked, Advertised::None),
            Self::Unknown => Given::nothing(),
        }
    }

    /// What of it nobody has decided yet: a version that asks for any of it waits.
    pub fn more(&self, asked: &[Grant]) -> Vec<Grant> {
        let known = match self {
            Self::File(_) => return Vec::new(),
            Self::Decided(decision) => return decision.more(asked),
            Self::Undecided => Given::connection(asked, Advertised::None),
            Self::Unknown => Given::nothing(),
        };
        asked.iter().filter(|grant| !known.covers(grant)).cloned().collect()
    }

    pub fn source(&self) -> GrantSource {
        match self {
            Self::File(_) => GrantSource::File,
            Self::Decided(_) => GrantSource::Decision,
            Self::Undecided => GrantSource::Default,
            Self::Unknown => GrantSource::Unknown,
        }
    }
}

impl GrantDecision {
    fn more(&self, asked: &[Grant]) -> Vec<Grant> {
        let seen = Given {
            network: self.asked.iter().filter_map(NetworkGrant::of).collect(),
            advertised: Advertised::None,
            wasi: Vec::new(),
        };
        let is_known =
            |grant: &&Grant| self.given.covers(grant) || self.asked.contains(grant) || seen.covers(grant);
        asked.iter().filter(|grant| !is_known(grant)).cloned().collect()
    }
}

/// In words, for who decides.
pub fn words(grant: &Grant) -> String {
    match grant {
        Grant::Network { host, ports } => NetworkGrant { host: host.clone(), ports: ports.clone() }.words(),
        Grant::SecretsReveal => "secrets in the clear".to_owned(),
        Grant::Wasi(name) => format!("{name} of WASI"),
    }
}

/// In one line.
pub fn list_words(grants: &[Grant]) -> String {
    let all: Vec<String> = grants.iter().map(words).collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(host: &str, ports: &str) -> Grant {
        Grant::Network { host: host.to_owned(), ports: ports.to_owned() }
    }

    fn decision(asked: &[Grant], given: &[Grant]) -> GrantDecision {
        let network = given.iter().filter_map(NetworkGrant::of).collect();
        GrantDecision {
            kind: "toy".to_owned(),
            revision: 1,
            given: Given { network, ..Given::nothing() },
            asked: asked.to_vec(),
            digest: "a".to_owned(),
            version: "1.0.0".to_owned(),
            by: "token:ann".to_owned(),
            at_ms: 0,
        }
    }

    fn form() -> Grant {
        network("${connection./addresses}", "1-65535")
    }

    #[test]
    fn who_asks_for_the_form_s_addresses_alone_waits_for_nobody_and_reaches_nothing_else() {
        let asked = [form(), Grant::Wasi("clocks".to_owned())];
        assert_eq!(Standing::Undecided.more(&asked), []);
        let given = Standing::Undecided.given(&asked);
        assert_eq!(given.network, [NetworkGrant::of(&form()).unwrap()]);
        assert_eq!(given.advertised, Advertised::None);
    }

    #[test]
    fn who_asks_for_more_than_the_form_waits_with_exactly_that() {
        let pattern = network("*.registry.svc", "8848");
        let http = Grant::Wasi("http".to_owned());
        let asked = [form(), pattern.clone(), http.clone()];
        assert_eq!(Standing::Undecided.more(&asked), [pattern, http]);
    }

    #[test]
    fn a_version_that_asks_for_no_more_than_was_decided_inherits_it() {
        let (wide, part) = (network("*.a.svc", "1-100"), network("x.a.svc", "80"));
        let decided = decision(&[form(), wide.clone()], &[form()]);
        let standing = Standing::Decided(&decided);
        // What was asked and not given was decided as well.
        assert_eq!(standing.more(&[wide, part]), []);
        assert_eq!(standing.given(&[]), decided.given);
        for more in [network("*", "80"), network("x.a.svc", "80-101"), network("a.svc", "80")] {
            assert_eq!(standing.more(&[form(), more.clone()]), [more]);
        }
        // Another field of the form is another question, once there is a decision.
        let other = network("${connection./registry}", "1-65535");
        assert_eq!(standing.more(std::slice::from_ref(&other)), [other]);
    }

    #[test]
    fn a_file_is_a_decision_for_whatever_is_asked_and_what_nobody_knows_gives_nothing() {
        let given = Given { network: vec![NetworkGrant::of(&form()).unwrap()], ..Given::default() };
        let standing = Standing::File(&given);
        assert_eq!((standing.more(&[network("*", "1")]), standing.given(&[])), (Vec::new(), given.clone()));
        assert_eq!(Standing::Unknown.more(&[form()]), [form()]);
        assert_eq!(Standing::Unknown.given(&[form()]), Given::nothing());
        assert_eq!(Standing::Unknown.more(&[Grant::Wasi("random".to_owned())]), []);
    }
}
