//! Quotas of clients: one for each user, client id, both together, or address, and for those that have none of their own.

use headgate_sdk::json::{self, Map, Value, json};
use headgate_sdk::{Place, Resource, ResourceKey};

use crate::types::QUOTA;

pub(crate) mod list;
pub(crate) mod write;

const USER: &str = "user";
const CLIENT_ID: &str = "client-id";
const IP: &str = "ip";

/// Stands for those that have no quota of their own.
const DEFAULT: &str = "<default>";

/// What can be limited.
pub(crate) struct Rate {
    /// Kafka's own key, and the field of `spec`.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    description: &'static str,
    /// The largest number; none where it may have a fraction.
    pub(crate) whole_max: Option<f64>,
    of_addresses: bool,
}

pub(crate) const RATES: [Rate; 5] = [
    Rate {
        name: "connection_creation_rate",
        title: "New connections",
        description: "A second, of an address",
        whole_max: Some(2_147_483_647.0),
        of_addresses: true,
    },
    Rate {
        name: "consumer_byte_rate",
        title: "Read bytes",
        description: "A second, on each broker",
        whole_max: Some(BYTES_MAX),
        of_addresses: false,
    },
    Rate {
        name: "controller_mutation_rate",
        title: "Changes",
        description: "Partitions made and deleted, a second",
        whole_max: None,
        of_addresses: false,
    },
    Rate {
        name: "producer_byte_rate",
        title: "Written bytes",
        description: "A second, on each broker",
        whole_max: Some(BYTES_MAX),
        of_addresses: false,
    },
    Rate {
        name: "request_percentage",
        title: "Request time",
        description: "Percent of one thread's time, on each broker; with several threads more than 100",
        whole_max: None,
        of_addresses: false,
    },
];

/// Numbers travel as doubles: whole ones are exact up to this.
const BYTES_MAX: f64 = 9_007_199_254_740_992.0;

pub(crate) fn rate(name: &str) -> Option<&'static Rate> {
    RATES.iter().find(|rate| rate.name == name)
}

/// Whom a quota limits: kinds and names; no name stands for all without a quota of their own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entity {
    parts: Vec<(String, Option<String>)>,
}

impl Entity {
    /// As a broker names it, in whichever order.
    pub(crate) fn of(mut parts: Vec<(String, Option<String>)>) -> Self {
        let rank =
            |kind: &str| [USER, CLIENT_ID, IP].iter().position(|known| *known == kind).unwrap_or(usize::MAX);
        parts.sort_by(|(a, _), (b, _)| rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)));
        Self { parts }
    }

    /// `user=alice,client-id=app`, `user=<default>`, `ip=10.0.0.1`; else what is wrong with it.
    pub(crate) fn parse(id: &str) -> Result<Self, String> {
        let mut parts: Vec<(String, Option<String>)> = Vec::new();
        for part in id.split(',') {
            let (kind, name) = part
                .split_once('=')
                .filter(|(kind, name)| !kind.is_empty() && !name.is_empty())
                .ok_or_else(|| format!("{part:?} is no KIND=NAME"))?;
            if parts.iter().any(|(known, _)| known == kind) {
                return Err(format!("it has two parts {kind}"));
            }
            parts.push((kind.to_owned(), (name != DEFAULT).then(|| unescaped(name))));
        }
        Ok(Self::of(parts))
    }

    pub(crate) fn id(&self) -> String {
        let part = |(kind, name): &(String, Option<String>)| {
            let name = name.as_deref().map_or_else(|| DEFAULT.to_owned(), escaped);
            format!("{kind}={name}")
        };
        self.parts.iter().map(part).collect::<Vec<_>>().join(",")
    }

    /// Whether it is one of the combinations that are known here.
    pub(crate) fn is_known(&self) -> bool {
        let kinds: Vec<&str> = self.parts.iter().map(|(kind, _)| kind.as_str()).collect();
        matches!(kinds.as_slice(), [USER | CLIENT_ID | IP] | [USER, CLIENT_ID])
    }

    pub(crate) fn takes(&self, rate: &Rate) -> bool {
        self.parts.iter().any(|(kind, _)| kind == IP) == rate.of_addresses
    }

    /// The fields that it can have, in order.
    pub(crate) fn rates(&self) -> Vec<&'static str> {
        RATES.iter().filter(|rate| self.takes(rate)).map(|rate| rate.name).collect()
    }

    pub(crate) fn parts(&self) -> &[(String, Option<String>)] {
        &self.parts
    }
}

/// `,` parts the parts, and `<` begins what is no name.
fn escaped(name: &str) -> String {
    name.replace('%', "%25").replace(',', "%2C").replace('<', "%3C")
}

fn unescaped(name: &str) -> String {
    name.replace("%3C", "<").replace("%2C", ",").replace("%25", "%")
}

/// As a wish is written: whole numbers without a point.
pub(crate) fn number(value: f64) -> Value {
    // Every whole number of this size is an `i64`, and keeps its value.
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and within the bounds")]
    let whole = (value.fract() == 0.0 && value.abs() <= BYTES_MAX).then_some(value as i64);
    whole.map_or_else(|| json!(value), Value::from)
}

fn resource(entity: &Entity, values: &[(String, f64)]) -> Resource {
    let (mut spec, mut others) = (Map::new(), Map::new());
    for (name, value) in values {
        let place = if rate(name).is_some() { &mut spec } else { &mut others };
        place.insert(name.clone(), number(*value));
    }
    let status = if others.is_empty() { json!({}) } else { json!({ OTHERS: others }) };
    Resource {
        key: ResourceKey { metadata_type: QUOTA.to_owned(), id: entity.id(), place: Place::Cluster },
        revision: None,
        incarnation: None,
        spec: json::text(&spec),
        effective: None,
        status: json::text(&status),
        internal: false,
        partial: false,
        extra: None,
    }
}

/// In `status`: what a newer broker limits.
pub(crate) const OTHERS: &str = "others";

pub(crate) fn status_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            OTHERS: {"type": "object", "title": "Limits of a newer Kafka than this plugin knows"}
        }
    })
}

pub(crate) fn spec_schema() -> Value {
    let property = |rate: &Rate| {
        let schema = json!({
            "type": ["number", "null"], "exclusiveMinimum": 0,
            "title": rate.title, "description": rate.description
        });
        (rate.name.to_owned(), schema)
    };
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "description": "The name of a quota is whom it limits: user=alice, client-id=app, user=alice,client-id=app, \
            ip=10.0.0.1; <default> for a name is all without a quota of their own (in a name , is %2C, < is %3C, % is %25)",
        "properties": RATES.iter().map(property).collect::<Map<String, Value>>()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: &str, parts: &[(&str, Option<&str>)]) {
        let parts = parts.iter().map(|(kind, name)| ((*kind).to_owned(), name.map(str::to_owned))).collect();
        let entity = Entity::of(parts);
        assert_eq!(entity.id(), id);
        assert_eq!(Entity::parse(id).unwrap(), entity);
    }

    #[test]
    fn an_id_says_whom_it_limits() {
        check("user=alice,client-id=app", &[("client-id", Some("app")), ("user", Some("alice"))]);
        check("user=<default>", &[("user", None)]);
        check("user=%3Cdefault>", &[("user", Some("<default>"))]);
        check("user=CN=a%2CO=100%25", &[("user", Some("CN=a,O=100%"))]);
        check("client-id=%252C", &[("client-id", Some("%2C"))]);
        assert_eq!(Entity::parse("client-id=a,user=b").unwrap().id(), "user=b,client-id=a");
        assert_eq!(Entity::parse("alice").unwrap_err(), "\"alice\" is no KIND=NAME");
        assert_eq!(Entity::parse("user=a,user=b").unwrap_err(), "it has two parts user");
    }

    #[test]
    fn addresses_are_limited_by_connections_and_nothing_else() {
        let rates = |id| Entity::parse(id).unwrap().rates();
        assert_eq!(rates("ip=10.0.0.1"), ["connection_creation_rate"]);
        assert_eq!(rates("user=a,client-id=b").len(), 4);
        assert!(!Entity::parse("user=a,ip=10.0.0.1").unwrap().is_known());
        assert!(!Entity::parse("team=a").unwrap().is_known());
    }

    #[test]
    fn what_a_newer_broker_limits_is_shown_apart() {
        let values = [("producer_byte_rate".to_owned(), 1_048_576.0), ("disk_rate".to_owned(), 0.5)];
        let found = resource(&Entity::parse("user=a").unwrap(), &values);
        assert_eq!(found.spec, r#"{"producer_byte_rate":1048576}"#);
        assert_eq!(found.status, r#"{"others":{"disk_rate":0.5}}"#);
    }
}
