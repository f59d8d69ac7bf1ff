//! Where nodes are reached: an inside and an outside address for a node, the rule that picks between them, and nodes that a
//! person named.
//!
//! Backends advertise the addresses that they know of themselves, and those may mean nothing where the host stands. The rules
//! say what to dial instead. What a node is called, what its certificate must name and what a plugin sees stays the inside
//! address.

use serde::{Deserialize, Serialize};

use super::cluster::{Health, Node};
use super::source::Source;

/// Rules of one cluster: a thousand brokers behind one gateway need one rule with `*`.
pub const RULES_MAX: usize = 256;
/// Named nodes of one cluster: what no backend tells of is the exception.
pub const NAMED_NODES_MAX: usize = 64;

/// Which of the two addresses is dialled where a rule gives another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// As the backend says. The rules are kept, and not followed: the host stands beside the backend.
    Inside,
    #[default]
    Outside,
}

/// Patterns: `HOST:PORT`, `HOST` for all of its ports, and `*` in front for what the rest of the name may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressRule {
    /// As the backend advertises it.
    pub inside: String,
    /// As the host reaches it. Without a port, the port stays; a `*` stands for what the inside one stood for.
    pub outside: String,
}

/// The first rule that fits counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddressMap {
    #[serde(default)]
    pub prefer: Side,
    #[serde(default)]
    pub rules: Vec<AddressRule>,
}

/// A node that a person named: one more address to begin at, or a member that the backend does not tell of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NamedNode {
    /// Its address where the person gave no name.
    pub id: String,
    /// `HOST:PORT`
    pub address: String,
    #[serde(default)]
    pub roles: Vec<String>,
    pub added_by: String,
    pub added_at_ms: i64,
}

/// One address of a node, from both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Way {
    /// Of the listener or purpose.
    pub name: String,
    pub inside: String,
    /// Where a rule gives one.
    pub outside: Option<String>,
    /// Which of them is dialled.
    pub used: Side,
}

/// A node with who told of it, when, and how it is reached.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownNode {
    pub node: Node,
    /// `None`: never.
    pub seen_at_ms: Option<i64>,
    pub source: Source,
    pub ways: Vec<Way>,
}

/// What is wrong with one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFault {
    pub rule: usize,
    /// `inside` or `outside`.
    pub side: &'static str,
    pub message: String,
}

impl AddressMap {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What is dialled instead, where a rule says so.
    pub fn picked(&self, host: &str, port: u16) -> Option<(String, u16)> {
        match self.prefer {
            Side::Inside => None,
            Side::Outside => self.outside_of(host, port),
        }
    }

    fn outside_of(&self, host: &str, port: u16) -> Option<(String, u16)> {
        self.rules.iter().find_map(|rule| {
            let (pattern, own_port) = split(&rule.inside)?;
            let rest = rest_of(&pattern, host).filter(|_| own_port.is_none_or(|own| own == port))?;
            let (outside, other_port) = split(&rule.outside)?;
            let host = match outside.strip_prefix('*') {
                Some(end) => format!("{rest}{end}"),
                None => outside,
            };
            Some((host, other_port.unwrap_or(port)))
        })
    }

    fn way(&self, name: &str, address: &str) -> Way {
        let pair = split(address).and_then(|(host, port)| Some((host, port?)));
        let outside = pair.and_then(|(host, port)| self.outside_of(&host, port));
        let used = if outside.is_some() { self.prefer } else { Side::Inside };
        let outside = outside.map(|(host, port)| shown(&host, port));
        Way { name: name.to_owned(), inside: address.to_owned(), outside, used }
    }

    /// Everything that is wrong with the rules, in their order.
    pub fn faults(&self) -> Vec<RuleFault> {
        let mut faults = Vec::new();
        for (rule, AddressRule { inside, outside }) in self.rules.iter().enumerate() {
            let mut note = |side, message: &str| {
                faults.push(RuleFault { rule, side, message: message.to_owned() });
            };
            for (side, text) in [("inside", inside), ("outside", outside)] {
                if let Some(message) = fault_of(text) {
                    note(side, message);
                }
            }
            if outside.starts_with('*') && !inside.starts_with('*') {
                note(
                    "outside",
                    "begins with `*`, and its inside does not: nothing tells what the star stands for",
                );
            } else if inside.eq_ignore_ascii_case(outside) {
                note("outside", "is the inside address: the rule changes nothing; take it off");
            }
            let earlier = self.rules.iter().take(rule);
            if earlier.into_iter().any(|other| other.inside.eq_ignore_ascii_case(inside)) {
                note("inside", "stands in an earlier rule already, which counts; keep one of them");
            }
        }
        faults
    }
}

/// The nodes that there are: those that were found, then those that only a person named. One that both told of stands once.
pub fn known_nodes(found: Vec<(Node, i64)>, named: &[NamedNode], map: &AddressMap) -> Vec<KnownNode> {
    let ways = |node: &Node| -> Vec<Way> {
        node.addresses.iter().map(|(name, address)| map.way(name, address)).collect()
    };
    let mut known: Vec<KnownNode> = found
        .into_iter()
        .map(|(node, seen_at_ms)| {
            let ways = ways(&node);
            KnownNode { node, seen_at_ms: Some(seen_at_ms), source: Source::Found, ways }
        })
        .collect();
    for one in named {
        if let Some(same) = known.iter_mut().find(|known| known.is(one)) {
            same.source = Source::Both;
            continue;
        }
        let node = one.as_node();
        let ways = ways(&node);
        known.push(KnownNode { node, seen_at_ms: None, source: Source::Hand, ways });
    }
    known
}

impl KnownNode {
    /// Whether a person meant this node: by its id, or by one of its addresses.
    pub fn is(&self, named: &NamedNode) -> bool {
        let is_address = |way: &Way| {
            same_address(&way.inside, &named.address)
                || way.outside.as_ref().is_some_and(|outside| same_address(outside, &named.address))
        };
        self.node.id == named.id || self.ways.iter().any(is_address)
    }
}

impl NamedNode {
    fn as_node(&self) -> Node {
        Node {
            id: self.id.clone(),
            roles: self.roles.clone(),
            group: None,
            rank: 0,
            addresses: vec![("named".to_owned(), self.address.clone())],
            version: None,
            rack: None,
            health: Health::Unknown,
            facts: serde_json::json!({}),
        }
    }
}

/// `host`, `host:1`, `[::1]:1`, `::1`.
pub fn split(text: &str) -> Option<(String, Option<u16>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        let port = port.strip_prefix(':').map(str::parse).transpose().ok()?;
        return Some((host.to_owned(), port));
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => Some((host.to_owned(), Some(port.parse().ok()?))),
        None if text.is_empty() => None,
        Some(_) | None => Some((text.to_owned(), None)),
    }
}

/// `HOST:PORT`, with the port.
pub fn is_address(text: &str) -> bool {
    fault_of(text).is_none() && !text.starts_with('*') && split(text).is_some_and(|(_, port)| port.is_some())
}

pub fn same_address(one: &str, other: &str) -> bool {
    match (split(one), split(other)) {
        (Some((host, port)), Some((other, same))) => host.eq_ignore_ascii_case(&other) && port == same,
        _ => false,
    }
}

/// Whether a host fits a pattern, in which a `*` in front stands for at least one letter.
pub fn fits_host(pattern: &str, host: &str) -> bool {
    rest_of(pattern, host).is_some()
}

/// What the `*` of the pattern stands for; nothing where it has none.
fn rest_of<'h>(pattern: &str, host: &'h str) -> Option<&'h str> {
    let Some(end) = pattern.strip_prefix('*') else {
        return pattern.eq_ignore_ascii_case(host).then_some("");
    };
    let (rest, tail) = host.split_at_checked(host.len().checked_sub(end.len())?)?;
    (!rest.is_empty() && tail.eq_ignore_ascii_case(end)).then_some(rest)
}

fn fault_of(text: &str) -> Option<&'static str> {
    if text.contains("://") {
        return Some("is a URL; write HOST:PORT, without what stands before and behind it");
    }
    let is_odd = |letter: char| letter.is_whitespace() || "/@,;=".contains(letter);
    let Some((host, port)) = split(text).filter(|_| !text.contains(is_odd)) else {
        return Some("is no address; write HOST:PORT, or HOST for all of its ports");
    };
    let is_host = !host.is_empty() && !host.chars().skip(1).any(|letter| letter == '*');
    if is_host && port != Some(0) {
        None
    } else {
        Some("is no address; write HOST:PORT, with `*` only in front")
    }
}

/// `HOST:PORT`
pub fn shown(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(rules: &[(&str, &str)]) -> AddressMap {
        let rule = |(inside, outside): &(&str, &str)| AddressRule {
            inside: (*inside).to_owned(),
            outside: (*outside).to_owned(),
        };
        AddressMap { prefer: Side::Outside, rules: rules.iter().map(rule).collect() }
    }

    fn node(id: &str, address: &str) -> (Node, i64) {
        let named = NamedNode { id: id.to_owned(), ..named(id, address) };
        (Node { health: Health::Up, ..named.as_node() }, 7)
    }

    fn named(id: &str, address: &str) -> NamedNode {
        NamedNode {
            id: id.to_owned(),
            address: address.to_owned(),
            roles: Vec::new(),
            added_by: "token:owner".to_owned(),
            added_at_ms: 1,
        }
    }

    #[test]
    fn the_first_rule_that_fits_says_where_to_go() {
        let map = map(&[
            ("broker-1:9092", "gw.example.com:19092"),
            ("*.kafka.svc:9092", "*.example.com"),
            ("*.kafka.svc", "gw.example.com:1"),
            ("fd00::1", "[::1]:7"),
        ]);
        let picked = |host: &str, port| map.picked(host, port).map(|(host, port)| shown(&host, port));
        for (host, port, expected) in [
            ("Broker-1", 9092, Some("gw.example.com:19092")),
            ("broker-1", 9093, None),
            ("b-2.Kafka.svc", 9092, Some("b-2.example.com:9092")),
            ("b-2.kafka.svc", 9093, Some("gw.example.com:1")),
            (".kafka.svc", 9092, None),
            ("kafka.svc", 9092, None),
            ("fd00::1", 9, Some("[::1]:7")),
            ("ü", 9092, None),
        ] {
            assert_eq!(picked(host, port).as_deref(), expected, "{host}:{port}");
        }
        let inside = AddressMap { prefer: Side::Inside, ..map.clone() };
        assert_eq!(inside.picked("broker-1", 9092), None, "the rules are kept and not followed");
        assert_eq!(inside.way("a", "broker-1:9092").used, Side::Inside);
    }

    #[test]
    fn what_is_wrong_with_a_rule_is_said_where_it_stands() {
        let wrong = map(&[
            ("a:1", "b:2"),
            ("A:1", "c:2"),
            ("http://a:1", "b"),
            ("a:0", "x:99999"),
            ("a*b", "c"),
            ("d:1", "*.e"),
            ("f:1", "f:1"),
            ("", "a b"),
            ("*.g", "*.h"),
        ]);
        let found: Vec<_> = wrong.faults().iter().map(|fault| (fault.rule, fault.side)).collect();
        let expected = [
            (1, "inside"),
            (2, "inside"),
            (3, "inside"),
            (3, "outside"),
            (4, "inside"),
            (5, "outside"),
            (6, "outside"),
            (7, "inside"),
            (7, "outside"),
        ];
        assert_eq!(found, expected, "{:#?}", wrong.faults());
        assert!(["a:1", "[::1]:1"].into_iter().all(is_address));
        assert!(!["a", "*:1", "a:0", "::1", "a:1/x"].into_iter().any(is_address));
    }

    #[test]
    fn a_named_node_that_is_found_stands_once() {
        let map = map(&[("in:1", "OUT:9")]);
        let found = vec![node("1", "in:1"), node("2", "in:2"), node("3", "in:3")];
        let by_hand =
            [named("a", "out:9"), named("b", "IN:2"), named("3", "elsewhere:1"), named("spare", "in:4")];
        let known = known_nodes(found, &by_hand, &map);
        let seen: Vec<_> =
            known.iter().map(|one| (one.node.id.as_str(), one.source, one.seen_at_ms)).collect();
        let expected = [
            ("1", Source::Both, Some(7)),
            ("2", Source::Both, Some(7)),
            ("3", Source::Both, Some(7)),
            ("spare", Source::Hand, None),
        ];
        assert_eq!(seen, expected);
        let way = &known[0].ways[0];
        assert_eq!(
            (way.inside.as_str(), way.outside.as_deref(), way.used),
            ("in:1", Some("OUT:9"), Side::Outside)
        );
        assert_eq!((known[1].ways[0].outside.as_deref(), known[1].ways[0].used), (None, Side::Inside));
    }
}
