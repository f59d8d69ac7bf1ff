//! What the masters tell of the clients that are connected to them, brought together.

use std::collections::{BTreeMap, BTreeSet};

use headgate_sdk::Resource;
use headgate_sdk::json::{Map, Value, json};

use super::{Role, resource};
use crate::known::Seen;

/// Every client library keeps a producer in this group for what it sends itself.
const INNER_PRODUCERS: &str = "CLIENT_INNER_PRODUCER";

/// Brokers that told nothing, and slaves that told what they know in place of their master.
pub(super) struct Gaps {
    pub(super) silent: Vec<String>,
    pub(super) slaves: Vec<String>,
}

/// By role and client id.
#[derive(Debug, Default)]
pub(super) struct Merged {
    clients: BTreeMap<(Role, String), Client>,
}

#[derive(Debug, Default)]
struct Client {
    groups: BTreeSet<String>,
    brokers: BTreeSet<String>,
    address: String,
    language: Option<String>,
    version: Option<String>,
    connections: Vec<Value>,
}

impl Merged {
    /// The answer about all producers of a broker.
    pub(super) fn producers(&mut self, broker: &str, told: &Value) {
        for (group, clients) in told.get("data").and_then(Value::as_object).into_iter().flatten() {
            for client in clients.as_array().into_iter().flatten() {
                self.add(Role::Producer, broker, group, client, "remoteIP");
            }
        }
    }

    /// The answer about the consumers of one group.
    pub(super) fn consumers(&mut self, broker: &str, group: &str, told: &Value) {
        for client in told.get("connectionSet").and_then(Value::as_array).into_iter().flatten() {
            self.add(Role::Consumer, broker, group, client, "clientAddr");
        }
    }

    fn add(&mut self, role: Role, broker: &str, group: &str, told: &Value, address: &str) {
        let text = |name: &str| told.get(name).and_then(Value::as_str).map(str::to_owned);
        let Some(id) = text("clientId").filter(|id| !id.is_empty()) else { return };
        let address = text(address).unwrap_or_default();
        // Java writes an address that it did not look up with a slash in front.
        let address = address.trim_start_matches('/');
        let client = self.clients.entry((role, id)).or_default();
        client.groups.insert(group.to_owned());
        client.brokers.insert(broker.to_owned());
        address.rsplit_once(':').map_or(address, |(host, _)| host).clone_into(&mut client.address);
        client.language = client.language.take().or_else(|| text("language"));
        client.version =
            client.version.take().or_else(|| told.get("version").and_then(Value::as_i64).map(release));
        let at = told.get("lastUpdateTimestamp").and_then(Value::as_i64);
        client.connections.push(match at {
            Some(at) => json!({"broker": broker, "group": group, "address": address, "last_update_ms": at}),
            None => json!({"broker": broker, "group": group, "address": address}),
        });
    }

    pub(super) fn seen(&self) -> Seen {
        self.clients.iter().map(|((role, id), client)| (role.id(id), client.brokers.clone())).collect()
    }

    /// In order of their ids; with what changes all the time, and the gaps in it, where those are given.
    pub(super) fn resources(&self, gaps: Option<&Gaps>) -> BTreeMap<String, Resource> {
        let shown = |((role, id), client): (&(Role, String), &Client)| {
            let mut status = Map::new();
            let mut put = |name: &str, value: Value| drop(status.insert(name.to_owned(), value));
            put("role", role.name().into());
            put("client_id", id.as_str().into());
            put("groups", json!(client.shown_groups()));
            put("address", client.address.as_str().into());
            put("language", json!(client.language));
            put("version", json!(client.version));
            put("brokers", json!(client.brokers));
            if let Some(gaps) = gaps {
                put("connections", json!(client.connections));
                let lists = [("unreachable", &gaps.silent), ("slaves", &gaps.slaves)];
                let named = lists.into_iter().filter(|(_, list)| !list.is_empty());
                named.for_each(|(name, list)| put(name, json!(list)));
            }
            let id = role.id(id);
            (id.clone(), resource(id, status, client.is_internal()))
        };
        self.clients.iter().map(shown).collect()
    }
}

impl Client {
    fn is_internal(&self) -> bool {
        self.groups.iter().all(|group| group == INNER_PRODUCERS)
    }

    fn shown_groups(&self) -> Vec<&str> {
        let groups = self.groups.iter().map(String::as_str);
        groups.filter(|group| *group != INNER_PRODUCERS || self.is_internal()).collect()
    }
}

/// RocketMQ counts a snapshot and a release for each of its numbers: 513 is 5.5.0. What is out of that row stays a number.
fn release(ordinal: i64) -> String {
    const V4_0_0: i64 = 213;
    /// The last that the list names.
    const V5_9_9: i64 = 611;
    if !(V4_0_0..=V5_9_9).contains(&ordinal) {
        return ordinal.to_string();
    }
    let number = (ordinal + 588) / 2;
    format!("{}.{}.{}", number / 100, number / 10 % 10, number % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(resource: &Resource) -> Value {
        serde_json::from_str(&resource.status).unwrap()
    }

    fn merged() -> Merged {
        let consumer = |port: u16| {
            json!({"connectionSet": [{"clientAddr": format!("192.0.2.2:{port}"), "clientId": "192.0.2.2@app",
                "language": "JAVA", "version": 513}]})
        };
        let producer = |group: &str, id: &str, at: u64| {
            json!({"data": {group: [{"clientId": id, "language": "GO", "lastUpdateTimestamp": at,
                "remoteIP": "/192.0.2.3:7", "version": 407}]}})
        };
        let mut merged = Merged::default();
        merged.consumers("a", "pay", &consumer(1));
        merged.consumers("b", "pay", &consumer(2));
        merged.consumers("b", "bill", &consumer(2));
        merged.producers("a", &producer("orders", "192.0.2.2@app", 5));
        merged.producers("b", &producer(INNER_PRODUCERS, "192.0.2.2@app", 5));
        merged.producers("b", &producer(INNER_PRODUCERS, "192.0.2.3@own", 5));
        merged
    }

    #[test]
    fn a_client_is_one_for_its_role_whatever_it_is_connected_to() {
        let found = merged().resources(None);
        let ids: Vec<&str> = found.keys().map(String::as_str).collect();
        assert_eq!(ids, ["consumer:192.0.2.2@app", "producer:192.0.2.2@app", "producer:192.0.2.3@own"]);
        let consumer = status(&found[ids[0]]);
        let expected = json!({"role": "consumer", "client_id": "192.0.2.2@app", "groups": ["bill", "pay"],
            "address": "192.0.2.2", "language": "JAVA", "version": "5.5.0", "brokers": ["a", "b"]});
        assert_eq!(consumer, expected, "nothing of it changes while the client stays");
        let internal: Vec<bool> = found.values().map(|one| one.internal).collect();
        assert_eq!(internal, [false, false, true]);
    }

    #[test]
    fn what_changes_all_the_time_is_told_of_one() {
        let found = merged().resources(Some(&Gaps { silent: vec!["c".to_owned()], slaves: Vec::new() }));
        let producer = status(&found["producer:192.0.2.2@app"]);
        let connection =
            json!({"broker": "a", "group": "orders", "address": "192.0.2.3:7", "last_update_ms": 5});
        assert_eq!((&producer["connections"][0], &producer["unreachable"]), (&connection, &json!(["c"])));
        assert_eq!(
            producer["groups"],
            json!(["orders"]),
            "what its library keeps for itself is no group of it"
        );
        assert_eq!(status(&found["consumer:192.0.2.2@app"])["connections"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn an_ordinal_is_a_release() {
        let releases = [407, 489, 512, 513].map(release);
        assert_eq!(releases, ["4.9.7", "5.3.8", "5.5.0", "5.5.0"]);
        assert_eq!((release(0), release(9_999)), ("0".to_owned(), "9999".to_owned()));
    }
}
