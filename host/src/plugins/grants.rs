//! What a plugin may reach: asked by its manifest, given by the operator; a connection needs both.
//!
//! The rule for the network, in two layers. By name and port: the addresses of the cluster's connection form, and the
//! patterns that are asked and given. Then by resolved address, whatever the name was: link-local, multicast,
//! unspecified and metadata addresses are always refused, also inside of IPv6 forms of IPv4 addresses.
//! Nodes that a cluster advertises under other names are reached by the operator's rule, `Advertised`.

pub(super) mod address;

use serde_json::Value;

use crate::domain::address::{fits_host, split};
use crate::domain::contract::Grant;
pub use crate::domain::grant::{Advertised, Given, NetworkGrant};
use crate::domain::grant::{CONNECTION, WASI_HTTP, port_range};
use address::Class;

/// Built-in plugins reach the addresses of each cluster's connection, and what those clusters advertise.
pub(super) fn builtin(asked: &[Grant]) -> Given {
    Given::connection(asked, Advertised::default())
}

/// What one session may reach.
#[derive(Clone, Debug, Default)]
pub(super) struct NetworkPolicy {
    asked: Vec<Rule>,
    given: Vec<Rule>,
    advertised: Advertised,
    /// What people wrote for the cluster beside its form: patterns, which count like an address of the form.
    written: Vec<(String, Option<u16>)>,
    /// As commands name it.
    kind: String,
    wasi_http: WasiHttp,
}

/// Whether `wasi:http` leads anywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum WasiHttp {
    #[default]
    NotAsked,
    NotGiven,
    Lent,
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
        let asks_wasi_http = asked.contains(&Grant::Wasi(WASI_HTTP.to_owned()));
        let asked = asked.iter().filter_map(|grant| match grant {
            Grant::Network { host, ports } => Rule::parse(host, ports, connection),
            Grant::SecretsReveal | Grant::Wasi(_) => None,
        });
        let wasi_http = match given.wasi.iter().any(|name| name == WASI_HTTP) {
            _ if !asks_wasi_http => WasiHttp::NotAsked,
            true => WasiHttp::Lent,
            false => WasiHttp::NotGiven,
        };
        let rule = |grant: &NetworkGrant| Rule::parse(&grant.host, &grant.ports, connection);
        Self {
            asked: asked.collect(),
            given: given.network.iter().filter_map(rule).collect(),
            advertised: given.advertised,
            written: Vec::new(),
            kind: "KIND".to_owned(),
            wasi_http,
        }
    }

    pub(super) fn of_kind(self, kind: &str) -> Self {
        Self { kind: kind.to_owned(), ..self }
    }

    /// The outside addresses of the cluster's rules and the nodes that a person named: whoever wrote them could as well have
    /// written them into the form. Their class says nothing of what the cluster may advertise.
    pub(super) fn and_written<'a>(mut self, addresses: impl Iterator<Item = &'a str>) -> Self {
        self.written.extend(addresses.filter_map(split));
        self
    }

    pub(super) fn by_name(&self, host: &str, port: u16) -> Verdict {
        let best = |rules: &[Rule]| self.best(rules, host, port, self.advertised);
        best(&self.asked).min(best(&self.given))
    }

    fn best(&self, rules: &[Rule], host: &str, port: u16, advertised: Advertised) -> Verdict {
        let verdicts = rules.iter().map(|rule| rule.verdict(host, port, advertised, &self.written));
        verdicts.max().unwrap_or(Verdict::Denied)
    }

    /// Hosts of the connection form, as far as they are asked and given.
    pub(super) fn connection_hosts(&self) -> Vec<String> {
        let addresses = self.asked.iter().filter_map(|rule| match rule {
            Rule::Connection { addresses, .. } => Some(addresses.iter().map(|(host, _)| host.clone())),
            Rule::Pattern { .. } => None,
        });
        addresses.flatten().collect()
    }

    /// An error says what stands against it.
    pub(super) fn lends_wasi_http(&self) -> Result<(), String> {
        let (what, kind) = ("it called wasi:http/outgoing-handler#handle", &self.kind);
        match self.wasi_http {
            WasiHttp::Lent => Ok(()),
            WasiHttp::NotAsked => Err(format!(
                "{what}, which is closed to plugins whose manifest does not ask for `{WASI_HTTP}` of WASI; use `http` of \
                 the contract, or ask for it"
            )),
            WasiHttp::NotGiven => Err(format!(
                "{what}, which it asks for and was not given; `headgate plugin grant {kind} --wasi {WASI_HTTP}` gives it"
            )),
        }
    }

    /// What to tell the operator: the rule that stands against it, and what would let it through.
    pub(super) fn denial(&self, host: &str, port: u16) -> String {
        let denied = |rules: &[Rule]| self.best(rules, host, port, Advertised::Any) == Verdict::Denied;
        let is_named = self.best(&self.asked, host, port, Advertised::None) == Verdict::Granted;
        let (what, kind) = (format!("the plugin may not reach {host}:{port}"), &self.kind);
        if denied(&self.asked) {
            return format!("{what}: its manifest does not ask for it, which is for its author to correct");
        }
        if is_named || denied(&self.given) {
            let address = NetworkGrant { host: host.to_owned(), ports: port.to_string() };
            return format!(
                "{what}: it asks for it and was not given it; `headgate plugin grant {kind} --network {address}` gives it"
            );
        }
        format!(
            "{what}: it is no address of the cluster's connection; add it there, or let the plugin follow what its \
             clusters advertise: `headgate plugin grant {kind} --advertised same-class`"
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
        let policy = NetworkPolicy::new(&asked(), &builtin(&asked()), &connection);
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
        let policy = NetworkPolicy::new(&asked(), &builtin(&asked()), &connection).and_written(written());
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
        let told = none.of_kind("toy").denial("a", 1);
        assert!(told.ends_with("`headgate plugin grant toy --network a:1` gives it"), "{told}");
        let network = vec![NetworkGrant { host: "*".to_owned(), ports: "1-65535".to_owned() }];
        let given = Given { network, ..Given::nothing() };
        let wide = NetworkPolicy::new(&asked(), &given, &connection);
        assert_eq!(wide.by_name("a", 1), Verdict::Granted);
        assert_eq!(wide.by_name("x.kafka.svc", 9093), Verdict::Granted);
        assert_eq!(wide.by_name("kafka.svc", 9093), Verdict::Denied);
        assert_eq!(wide.by_name("x.kafka.svc", 22), Verdict::Denied);
    }

    #[test]
    fn http_of_wasi_is_lent_where_it_is_asked_for_and_given() {
        let http = Grant::Wasi("http".to_owned());
        let given = Given { wasi: vec!["http".to_owned()], ..Given::nothing() };
        let lent = |asked: &[Grant], given: &Given| {
            NetworkPolicy::new(asked, given, &Value::Null).of_kind("toy").lends_wasi_http()
        };
        assert_eq!(lent(std::slice::from_ref(&http), &given), Ok(()));
        let told = lent(&[http], &Given::nothing()).unwrap_err();
        assert!(told.ends_with("`headgate plugin grant toy --wasi http` gives it"), "{told}");
        let told = lent(&[], &given).unwrap_err();
        assert!(told.contains("whose manifest does not ask for `http` of WASI"), "{told}");
    }

    #[test]
    fn a_refusal_names_the_rule_and_what_would_change_it() {
        let connection = json!({"bootstrap": ["a:1"]});
        let given = Given::connection(&asked(), Advertised::None);
        let policy = NetworkPolicy::new(&asked(), &given, &connection).of_kind("toy");
        assert_eq!(policy.by_name("b", 1), Verdict::Denied);
        let told = policy.denial("b", 1);
        assert!(told.contains("`headgate plugin grant toy --advertised same-class`"), "{told}");
        let pattern = NetworkPolicy::new(&asked()[1..], &given, &connection);
        assert!(pattern.denial("b", 1).contains("its manifest does not ask for it"));
        let told = pattern.denial("x.kafka.svc", 9092);
        assert!(told.contains("it asks for it and was not given it"), "{told}");
    }
}
