//! What a plugin may reach: asked by its manifest, given by the operator; a connection needs both.
//!
//! The rule for the network, in two layers. By name and port: the addresses of the cluster's connection form, and the
//! patterns that are asked and given. Then by resolved address, whatever the name was: link-local, multicast,
//! unspecified and metadata addresses are always refused, also inside of IPv6 forms of IPv4 addresses.
//! Nodes that a cluster advertises under other names are reached by the operator's rule, `Advertised`.

pub(super) mod address;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::address::{fits_host, split};
use crate::domain::contract::Grant;
use address::Class;

/// Which addresses a plugin may reach that the cluster told it, beyond those of the connection form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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

/// A network grant in the operator's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkGrant {
    pub host: String,
    pub ports: String,
}

impl NetworkGrant {
    /// As a manifest asks for it.
    pub(super) fn asked(grant: &Grant) -> Option<Self> {
        match grant {
            Grant::Network { host, ports } => Some(Self { host: host.clone(), ports: ports.clone() }),
            Grant::SecretsReveal | Grant::Wasi(_) => None,
        }
    }
}

/// What the operator gives to one plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Given {
    pub network: Vec<NetworkGrant>,
    pub advertised: Advertised,
}

impl Given {
    /// Built-in plugins reach the addresses of each cluster's connection, and what those clusters advertise.
    pub(super) fn builtin(asked: &[Grant]) -> Self {
        let connection = |grant: &Grant| match grant {
            Grant::Network { host, ports } if host.starts_with(CONNECTION) => {
                Some(NetworkGrant { host: host.clone(), ports: ports.clone() })
            }
            Grant::Network { .. } | Grant::SecretsReveal | Grant::Wasi(_) => None,
        };
        Self { network: asked.iter().filter_map(connection).collect(), advertised: Advertised::default() }
    }
}

/// Stands for a field of the connection form; a JSON Pointer and `}` follow.
const CONNECTION: &str = "${connection.";

/// What one session may reach.
#[derive(Clone, Debug, Default)]
pub(super) struct NetworkPolicy {
    asked: Vec<Rule>,
    given: Vec<Rule>,
    advertised: Advertised,
    /// What people wrote for the cluster beside its form: patterns, which count like an address of the form.
    written: Vec<(String, Option<u16>)>,
}

#[derive(Clone, Debug)]
enum Rule {
    /// An address of the form without a port stands for the grant's ports.
    Connection {
        addresses: Vec<(String, Option<u16>)>,
        ports: (u16, u16),
    },
    Pattern {
        host: String,
        ports: (u16, u16),
    },
}

/// What the name says, before it is resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    Denied,
    /// If its address is of a class of the connection's own addresses.
    IfSameClass,
    Granted,
}

impl NetworkPolicy {
    pub(super) fn new(asked: &[Grant], given: &Given, connection: &Value) -> Self {
        let asked = asked.iter().filter_map(|grant| match grant {
            Grant::Network { host, ports } => Rule::parse(host, ports, connection),
            Grant::SecretsReveal | Grant::Wasi(_) => None,
        });
        let rule = |grant: &NetworkGrant| Rule::parse(&grant.host, &grant.ports, connection);
        Self {
            asked: asked.collect(),
            given: given.network.iter().filter_map(rule).collect(),
            advertised: given.advertised,
            written: Vec::new(),
        }
    }

    /// The outside addresses of the cluster's rules and the nodes that a person named: whoever wrote them could as well have
    /// written them into the form. Their class says nothing of what the cluster may advertise.
    pub(super) fn and_written<'a>(mut self, addresses: impl Iterator<Item = &'a str>) -> Self {
        self.written.extend(addresses.filter_map(split));
        self
    }

    pub(super) fn by_name(&self, host: &str, port: u16) -> Verdict {
        let best = |rules: &[Rule]| {
            rules
                .iter()
                .map(|rule| rule.verdict(host, port, self.advertised, &self.written))
                .max()
                .unwrap_or(Verdict::Denied)
        };
        best(&self.asked).min(best(&self.given))
    }

    /// Hosts of the connection form, as far as they are asked and given.
    pub(super) fn connection_hosts(&self) -> Vec<String> {
        let addresses = self.asked.iter().filter_map(|rule| match rule {
            Rule::Connection { addresses, .. } => Some(addresses.iter().map(|(host, _)| host.clone())),
            Rule::Pattern { .. } => None,
        });
        addresses.flatten().collect()
    }

    /// What to tell the operator.
    pub(super) fn denial(&self, host: &str, port: u16) -> String {
        if self.given.is_empty() {
            return format!(
                "the plugin has no grant for the network, and wants to reach {host}:{port}; grant it in `grants.yaml` \
                 of the plugin directory"
            );
        }
        format!(
            "the plugin may not reach {host}:{port}: it is neither an address of the cluster's connection nor granted; \
             add it to the connection or to the plugin's grants"
        )
    }
}

impl Rule {
    fn parse(host: &str, ports: &str, connection: &Value) -> Option<Self> {
        let ports = port_range(ports)?;
        match host.strip_prefix(CONNECTION) {
            Some(rest) => {
                let field = connection.pointer(rest.strip_suffix('}')?)?;
                Some(Self::Connection { addresses: addresses(field), ports })
            }
            None => Some(Self::Pattern { host: host.to_ascii_lowercase(), ports }),
        }
    }

    fn verdict(
        &self,
        host: &str,
        port: u16,
        advertised: Advertised,
        written: &[(String, Option<u16>)],
    ) -> Verdict {
        match self {
            Self::Connection { addresses, ports } => {
                if !(ports.0..=ports.1).contains(&port) {
                    return Verdict::Denied;
                }
                let fits = |own: &Option<u16>| own.is_none_or(|own| own == port);
                if addresses.iter().any(|(name, own)| name.eq_ignore_ascii_case(host) && fits(own)) {
                    return Verdict::Granted;
                }
                if written.iter().any(|(pattern, own)| fits_host(pattern, host) && fits(own)) {
                    return Verdict::Granted;
                }
                match advertised {
                    Advertised::None => Verdict::Denied,
                    Advertised::SameClass => Verdict::IfSameClass,
                    Advertised::Any => Verdict::Granted,
                }
            }
            Self::Pattern { host: pattern, ports } => {
                if (ports.0..=ports.1).contains(&port) && fits_host(pattern, host) {
                    Verdict::Granted
                } else {
                    Verdict::Denied
                }
            }
        }
    }
}

fn port_range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let range: (u16, u16) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (range.0 <= range.1).then_some(range)
}

/// `HOST:PORT,…`, parted by commas or semicolons, or an array of them.
fn addresses(field: &Value) -> Vec<(String, Option<u16>)> {
    let texts: Vec<&str> = match field {
        Value::String(text) => text.split([',', ';']).collect(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    };
    texts.iter().filter_map(|text| split(text.trim())).collect()
}

/// Whether an advertised address may be reached from a connection with these addresses.
pub(super) fn same_class(own: &[std::net::IpAddr], advertised: std::net::IpAddr) -> bool {
    own.contains(&advertised) || own.iter().any(|own| Class::of(*own) == Class::of(advertised))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked() -> Vec<Grant> {
        let network =
            |host: &str, ports: &str| Grant::Network { host: host.to_owned(), ports: ports.to_owned() };
        vec![network("${connection./bootstrap}", "1-65535"), network("*.kafka.svc", "9092-9094")]
    }

    #[test]
    fn a_builtin_plugin_reaches_its_connection_and_what_that_advertises() {
        let connection = json!({"bootstrap": "a, b.c:19092 ,[::1]:7"});
        let policy = NetworkPolicy::new(&asked(), &Given::builtin(&asked()), &connection);
        for (host, port) in [("a", 9092), ("B.c", 19092), ("::1", 7)] {
            assert_eq!(policy.by_name(host, port), Verdict::Granted, "{host}:{port}");
        }
        // Named without a port: all ports of the grant.
        assert_eq!(policy.by_name("a", 1), Verdict::Granted);
        assert_eq!(policy.by_name("b.c", 1), Verdict::IfSameClass);
        // Asked for by pattern, not given by default: no better than any advertised address.
        assert_eq!(policy.by_name("x.kafka.svc", 9092), Verdict::IfSameClass);
    }

    #[test]
    fn what_people_wrote_beside_the_form_counts_like_it_within_the_same_grant() {
        let connection = json!({"bootstrap": "a:1"});
        let written = || ["gw:19092", "*.example.com", "10.0.0.9:7"].into_iter();
        let policy =
            NetworkPolicy::new(&asked(), &Given::builtin(&asked()), &connection).and_written(written());
        for (host, port) in [("GW", 19092), ("b-1.example.com", 5), ("10.0.0.9", 7)] {
            assert_eq!(policy.by_name(host, port), Verdict::Granted, "{host}:{port}");
        }
        assert_eq!(policy.by_name("gw", 1), Verdict::IfSameClass);
        assert_eq!(policy.connection_hosts(), ["a"]);
        let none = NetworkPolicy::new(&asked(), &Given::default(), &connection).and_written(written());
        assert_eq!(none.by_name("gw", 19092), Verdict::Denied, "the plugin has no grant");
    }

    #[test]
    fn a_connection_needs_both_the_manifest_and_the_operator() {
        let connection = json!({"bootstrap": ["a:1"]});
        let none = NetworkPolicy::new(&asked(), &Given::default(), &connection);
        assert_eq!(none.by_name("a", 1), Verdict::Denied);
        assert!(none.denial("a", 1).contains("grants.yaml"));
        let network = vec![NetworkGrant { host: "*".to_owned(), ports: "1-65535".to_owned() }];
        let wide =
            NetworkPolicy::new(&asked(), &Given { network, advertised: Advertised::None }, &connection);
        assert_eq!(wide.by_name("a", 1), Verdict::Granted);
        assert_eq!(wide.by_name("x.kafka.svc", 9093), Verdict::Granted);
        assert_eq!(wide.by_name("kafka.svc", 9093), Verdict::Denied);
        assert_eq!(wide.by_name("x.kafka.svc", 22), Verdict::Denied);
    }
}
