//! What the masters tell of one group, brought together: a member is connected to all of them, a queue lies on one.

use std::collections::{BTreeMap, BTreeSet};

use headgate_sdk::framed::Lost;
use headgate_sdk::json::{Map, Value, json};
use headgate_sdk::{Resource, Result, log};

use super::resource;
use crate::wire::{Answer, codes, loose};

#[derive(Default)]
pub(super) struct Merged {
    brokers: BTreeSet<String>,
    unreachable: BTreeSet<String>,
    /// Nodes that answered for their master, with offsets that are some seconds old, or none.
    slaves: Vec<String>,
    /// By client id.
    members: BTreeMap<String, Value>,
    /// By topic and filter: a group whose members differ in it is an error of theirs that should be seen.
    subscriptions: BTreeSet<(String, String, String)>,
    /// By topic, broker and number of the queue.
    offsets: BTreeMap<(String, String, i64), Value>,
    lag: i64,
    consume_type: Option<String>,
    message_model: Option<String>,
}

impl Merged {
    /// Some of it told by these slaves.
    pub(super) fn of(slaves: Vec<String>) -> Self {
        Self { slaves, ..Self::default() }
    }

    pub(super) fn add(
        &mut self,
        broker: &str,
        connections: Result<Answer, Lost>,
        stats: Result<Answer, Lost>,
    ) {
        self.brokers.insert(broker.to_owned());
        let connected = match connections {
            Ok(answer) if answer.code == codes::CONSUMER_NOT_ONLINE => Ok(None),
            answer => read(answer, "ask for the members of a group").map(Some),
        };
        let stats = read(stats, "ask for the offsets of a group");
        match (connected, stats) {
            (Ok(connected), Ok(stats)) => {
                connected.iter().for_each(|connected| self.connected(connected));
                self.consumed(&stats);
            }
            (Err(error), _) | (_, Err(error)) => {
                log::debug("not told", &[("broker", broker), ("because", &error.message)]);
                self.miss(broker);
            }
        }
    }

    pub(super) fn miss(&mut self, broker: &str) {
        self.unreachable.insert(broker.to_owned());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.brokers.is_empty()
    }

    fn connected(&mut self, told: &Value) {
        let text = |name: &str| told.get(name).and_then(Value::as_str).map(str::to_owned);
        self.consume_type =
            self.consume_type.take().or_else(|| text("consumeType").map(|kind| consume_type(&kind)));
        self.message_model =
            self.message_model.take().or_else(|| text("messageModel").map(|text| text.to_lowercase()));
        for member in told.get("connectionSet").and_then(Value::as_array).into_iter().flatten() {
            let of = |name: &str| member.get(name).cloned().unwrap_or_default();
            let id = member.get("clientId").and_then(Value::as_str).unwrap_or_default().to_owned();
            let shown = json!({
                "client_id": id,
                "address": of("clientAddr"),
                "language": of("language"),
                "version": of("version"),
            });
            self.members.insert(id, shown);
        }
        for subscription in told.get("subscriptionTable").and_then(Value::as_object).into_iter().flatten() {
            let (topic, subscription) = subscription;
            let of =
                |name: &str| subscription.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            self.subscriptions.insert((topic.clone(), of("expressionType"), of("subString")));
        }
    }

    fn consumed(&mut self, stats: &Value) {
        for (queue, told) in stats.get("offsetTable").and_then(Value::as_object).into_iter().flatten() {
            let queue = loose::parse(queue.as_bytes()).unwrap_or_default();
            let text = |name: &str| queue.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let number = |name: &str| told.get(name).and_then(Value::as_i64);
            let (committed, end) = (number("consumerOffset"), number("brokerOffset"));
            // Nothing committed yet is -1: all of the queue is still to come, but how much of it is kept is not told.
            let lag = committed.zip(end).map(|(committed, end)| (end - committed.max(0)).max(0));
            self.lag += lag.unwrap_or_default();
            let id = queue.get("queueId").and_then(Value::as_i64).unwrap_or_default();
            let (topic, broker) = (text("topic"), text("brokerName"));
            let shown = json!({
                "topic": topic,
                "broker": broker,
                "queue": id,
                "committed": committed,
                "end": end,
                "lag": lag,
                "consumed_until_ms": number("lastTimestamp").filter(|time| *time > 0),
            });
            self.offsets.insert((topic, broker, id), shown);
        }
    }

    pub(super) fn resource(self, id: &str) -> Resource {
        let subscription = |(topic, kind, filter): &(String, String, String)| json!({"topic": topic, "filter_type": kind, "filter": filter});
        // A sum of some would look like the sum of all.
        let is_known = self.unreachable.is_empty() && self.slaves.is_empty() && !self.offsets.is_empty();
        let lag = is_known.then_some(self.lag);
        let mut status = Map::new();
        let mut put = |name: &str, value: Value| drop(status.insert(name.to_owned(), value));
        put("brokers", json!(self.brokers));
        put("state", json!(if self.members.is_empty() { "offline" } else { "online" }));
        put("consume_type", json!(self.consume_type));
        put("message_model", json!(self.message_model));
        put("members", self.members.into_values().collect());
        put("subscriptions", self.subscriptions.iter().map(subscription).collect());
        put("offsets", self.offsets.into_values().collect());
        put("lag", json!(lag));
        if !self.unreachable.is_empty() {
            put("unreachable", json!(self.unreachable));
        }
        if !self.slaves.is_empty() {
            put("slaves", json!(self.slaves));
        }
        resource(id, status)
    }
}

fn read(answer: Result<Answer, Lost>, what: &str) -> Result<Value> {
    answer?.checked(what)?.json(what)
}

/// Pushing is what RocketMQ calls consuming passively.
fn consume_type(told: &str) -> String {
    match told {
        "CONSUME_PASSIVELY" => "push".to_owned(),
        "CONSUME_ACTIVELY" => "pull".to_owned(),
        "CONSUME_POP" => "pop".to_owned(),
        other => other.to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use headgate_sdk::Error;

    use super::*;

    fn answer(code: i32, body: &str) -> Answer {
        Answer { code, body: body.as_bytes().to_vec(), ..Answer::default() }
    }

    const CONNECTED: &str = r#"{"connectionSet":[{"clientAddr":"h:1","clientId":"c1","language":"JAVA","version":513}],
        "consumeType":"CONSUME_PASSIVELY","messageModel":"CLUSTERING","subscriptionTable":{"orders":
        {"expressionType":"TAG","subString":"*","topic":"orders"}}}"#;

    fn stats(broker: &str, committed: i64, end: i64) -> String {
        format!(
            r#"{{"consumeTps":0.0,"offsetTable":{{{{"brokerName":"{broker}","queueId":2,"topic":"orders"}}:{{"brokerOffset":{end},"consumerOffset":{committed},"lastTimestamp":5}}}}}}"#
        )
    }

    fn status(merged: Merged) -> Value {
        serde_json::from_str(&merged.resource("g").status).unwrap()
    }

    #[test]
    fn the_masters_answers_are_one() {
        let mut merged = Merged::default();
        merged.add("a", Ok(answer(0, CONNECTED)), Ok(answer(0, &stats("a", 7, 9))));
        merged.add("b", Ok(answer(206, "")), Ok(answer(0, &stats("b", -1, 3))));
        let status = status(merged);
        assert_eq!(
            (&status["state"], &status["lag"], &status["consume_type"]),
            (&json!("online"), &json!(5), &json!("push"))
        );
        assert_eq!(status["members"].as_array().unwrap().len(), 1);
        assert_eq!(status["offsets"][0]["broker"], "a");
        assert_eq!(
            status["subscriptions"],
            json!([{"topic": "orders", "filter_type": "TAG", "filter": "*"}])
        );
    }

    #[test]
    fn what_a_slave_told_leaves_the_lag_open() {
        let mut merged = Merged::of(vec!["a:1".to_owned()]);
        merged.add("a", Ok(answer(0, CONNECTED)), Ok(answer(0, &stats("a", 7, 9))));
        let status = status(merged);
        assert_eq!(
            (&status["state"], &status["lag"], &status["slaves"]),
            (&json!("online"), &Value::Null, &json!(["a:1"]))
        );
    }

    #[test]
    fn what_one_broker_did_not_tell_leaves_the_lag_open() {
        let mut merged = Merged::default();
        merged.add("a", Ok(answer(206, "")), Ok(answer(0, &stats("a", 7, 9))));
        merged.add("b", Ok(answer(206, "")), Err(Lost { sent: true, error: Error::unavailable("gone") }));
        let status = status(merged);
        assert_eq!(
            (&status["state"], &status["lag"], &status["unreachable"]),
            (&json!("offline"), &Value::Null, &json!(["b"]))
        );
    }
}
