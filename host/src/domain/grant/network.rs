//! Hosts with ports, as they are asked for and given; and whether one holds the other.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::address::fits_host;
use crate::domain::contract::Grant;

/// Stands for a field of the connection form; a JSON Pointer and `}` follow.
pub const CONNECTION: &str = "${connection.";

/// A network grant in the operator's words: `HOST:PORTS`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkGrant {
    /// A name or address, `*.NAME`, `*`, or `${connection./FIELD}` for the addresses in that field of each cluster's form.
    pub host: String,
    /// `9092` or `9092-9099`.
    pub ports: String,
}

impl NetworkGrant {
    pub fn of(asked: &Grant) -> Option<Self> {
        match asked {
            Grant::Network { host, ports } => Some(Self { host: host.clone(), ports: ports.clone() }),
            Grant::SecretsReveal | Grant::Wasi(_) => None,
        }
    }

    pub fn is_of_connection(&self) -> bool {
        self.host.starts_with(CONNECTION)
    }

    /// Whether everything that `asked` reaches is reached by this one, too.
    pub fn covers(&self, asked: &Self) -> bool {
        let (Some(own), Some(other)) = (port_range(&self.ports), port_range(&asked.ports)) else {
            return false;
        };
        own.0 <= other.0 && other.1 <= own.1 && self.holds_host(asked)
    }

    /// Whether there may be an address that both reach: to give what can never be asked for is a mistake.
    pub fn meets(&self, asked: &Self) -> bool {
        let (Some(own), Some(other)) = (port_range(&self.ports), port_range(&asked.ports)) else {
            return false;
        };
        let ports_meet = own.0 <= other.1 && other.0 <= own.1;
        // What people write into a form may be any host.
        let is_open = self.is_of_connection() != asked.is_of_connection();
        ports_meet && (is_open || self.holds_host(asked) || asked.holds_host(self))
    }

    fn holds_host(&self, other: &Self) -> bool {
        let same = self.host.eq_ignore_ascii_case(&other.host);
        if self.is_of_connection() || (other.is_of_connection() && self.host != "*") {
            return same;
        }
        // A pattern in the place of a host: `*.a` holds `*.b.a`, and not `*`.
        same || fits_host(&self.host, &other.host)
    }

    /// For who decides.
    pub fn words(&self) -> String {
        let ports = if self.ports.contains('-') { "ports" } else { "port" };
        let ports = match port_range(&self.ports) {
            Some((1, u16::MAX)) => "any port".to_owned(),
            Some(_) | None => format!("{ports} {}", self.ports),
        };
        match self.host.strip_prefix(CONNECTION) {
            Some(rest) => {
                let field = rest.trim_end_matches('}').trim_start_matches('/');
                format!("the addresses in `{field}` of each cluster's connection, {ports}")
            }
            None if self.host == "*" => format!("any host, {ports}"),
            None => format!("{}, {ports}", self.host),
        }
    }
}

impl fmt::Display for NetworkGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, ports } = self;
        if host.contains(':') && !self.is_of_connection() {
            return write!(f, "[{host}]:{ports}");
        }
        write!(f, "{host}:{ports}")
    }
}

impl FromStr for NetworkGrant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| {
            let advice = "write HOST:PORTS, such as registry.svc:8848, *.svc:9092-9099 or ${connection./FIELD}:1-65535";
            format!("`{text}` {what}; {advice}")
        };
        let (host, ports) = text.rsplit_once(':').ok_or_else(|| wrong("names no ports"))?;
        if port_range(ports).is_none() {
            return Err(wrong("names no ports"));
        }
        let host = match host.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').ok_or_else(|| wrong("has a bracket too few"))?,
            None => host,
        };
        let grant = Self { host: host.to_owned(), ports: ports.to_owned() };
        match grant.fault() {
            Some(fault) => Err(wrong(fault)),
            None => Ok(grant),
        }
    }
}

impl NetworkGrant {
    /// What is wrong with it, where anything is: a grant that can never fit is not kept.
    pub fn fault(&self) -> Option<&'static str> {
        if port_range(&self.ports).is_none() {
            return Some("names no ports");
        }
        if let Some(rest) = self.host.strip_prefix(CONNECTION) {
            let is_field = rest.starts_with('/') && rest.ends_with('}');
            return (!is_field).then_some("names no field of the connection form");
        }
        let is_odd = |letter: char| letter.is_whitespace() || "/@,;={}$[]".contains(letter);
        if self.host.is_empty() || self.host.contains(is_odd) {
            return Some("names no host");
        }
        self.host.chars().skip(1).any(|letter| letter == '*').then_some("has a `*` that is not in front")
    }
}

/// First and last.
pub fn port_range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let range: (u16, u16) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (range.0 <= range.1).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(text: &str) -> NetworkGrant {
        text.parse().unwrap()
    }

    #[test]
    fn a_grant_holds_what_reaches_no_further() {
        let cases = [
            ("a.b:80", "A.B:80", true),
            ("a.b:1-100", "a.b:80", true),
            ("a.b:80", "a.b:80-81", false),
            ("*.b:80", "a.b:80", true),
            ("*.b:80", "*.a.b:80", true),
            ("*.a.b:80", "*.b:80", false),
            ("*.b:80", "b:80", false),
            ("*:1-65535", "*.b:80", true),
            ("*.b:80", "*:80", false),
            ("*:1-65535", "${connection./x}:1-65535", true),
            ("${connection./x}:1-65535", "${connection./x}:80", true),
            ("${connection./x}:1-65535", "${connection./y}:80", false),
            ("${connection./x}:1-65535", "a.b:80", false),
            ("*.b:80", "${connection./x}:80", false),
        ];
        for (own, asked, expected) in cases {
            assert_eq!(grant(own).covers(&grant(asked)), expected, "{own} holds {asked}");
        }
    }

    #[test]
    fn what_can_never_be_asked_for_meets_nothing() {
        for (own, asked, expected) in [
            ("a.b:80", "*.b:1-100", true),
            ("*.b:1-100", "a.b:80", true),
            ("a.c:80", "*.b:1-100", false),
            ("a.b:101", "*.b:1-100", false),
            // The operator may narrow the form's addresses to one.
            ("a.b:80", "${connection./x}:1-65535", true),
            ("${connection./x}:80", "${connection./y}:80", false),
        ] {
            assert_eq!(grant(own).meets(&grant(asked)), expected, "{own} meets {asked}");
        }
    }

    #[test]
    fn it_reads_and_writes_itself_and_says_what_is_wrong() {
        for text in ["a.b:80", "*.b:9092-9099", "[::1]:443", "${connection./x}:1-65535", "10.0.0.1:1"] {
            assert_eq!(grant(text).to_string(), text);
        }
        for (text, part) in [
            ("a.b", "names no ports"),
            ("a.b:http", "names no ports"),
            ("a.b:9-1", "names no ports"),
            (":80", "names no host"),
            ("https://a.b:80", "names no host"),
            ("a.*.b:80", "`*` that is not in front"),
            ("${connection.x}:80", "names no field"),
            ("[::1:80", "a bracket too few"),
        ] {
            let error = text.parse::<NetworkGrant>().unwrap_err();
            assert!(error.contains(part) && error.contains("write HOST:PORTS"), "{text}: {error}");
        }
    }

    #[test]
    fn an_operator_reads_it_in_words() {
        for (text, words) in [
            (
                "${connection./addresses}:1-65535",
                "the addresses in `addresses` of each cluster's connection, any port",
            ),
            ("*:443", "any host, port 443"),
            ("*.b:1-9", "*.b, ports 1-9"),
        ] {
            assert_eq!(grant(text).words(), words);
        }
    }
}
