//! What lies in a topic's queues on one broker: asked for when a few topics are looked at.

use std::collections::BTreeMap;

use headgate_sdk::json::{self, Value, json};
use headgate_sdk::{Lookup, Place, log};

use crate::cluster::Servers;
use crate::wire::{Request, codes, loose};

/// A broker looks into a file for each queue: who reads back thousands of writes does not want that.
const TOPICS_MAX: usize = 50;

/// Puts the queues into the status of each topic that was found. What a broker does not tell leaves a gap.
pub(super) fn fill(servers: &mut Servers, lookups: &mut [Lookup]) {
    let mut found = Vec::new();
    for lookup in lookups.iter_mut() {
        if let Lookup::Found(topic) = lookup
            && let Place::Group(group) = &topic.key.place
            && let Ok(address) = servers.members.master(group)
        {
            found.push((address, topic));
        }
    }
    if found.len() > TOPICS_MAX {
        return;
    }
    let question = |(address, topic): &(String, &mut headgate_sdk::Resource)| {
        (address.clone(), Request::new(codes::TOPIC_STATS).field("topic", &topic.key.id))
    };
    let questions: Vec<(String, Request)> = found.iter().map(question).collect();
    for ((_, topic), answer) in found.into_iter().zip(servers.read_each(&questions)) {
        let what = format!("ask for the queues of topic {}", topic.key.id);
        let told = answer.map_err(Into::into).and_then(|answer| answer.checked(&what)?.json(&what));
        match told {
            Ok(told) => topic.status = json::text(&status(&told)),
            Err(error) => log::debug("not told", &[("because", &error.message)]),
        }
    }
}

fn status(told: &Value) -> Value {
    let mut queues: BTreeMap<i64, Value> = BTreeMap::new();
    let mut messages = 0;
    for (queue, offsets) in told.get("offsetTable").and_then(Value::as_object).into_iter().flatten() {
        let queue = loose::parse(queue.as_bytes()).unwrap_or_default();
        let number = |name: &str| offsets.get(name).and_then(Value::as_i64).unwrap_or_default();
        let id = queue.get("queueId").and_then(Value::as_i64).unwrap_or_default();
        let (min, max) = (number("minOffset").max(0), number("maxOffset").max(0));
        messages += (max - min).max(0);
        let written = Some(number("lastUpdateTimestamp")).filter(|time| *time > 0);
        queues.insert(id, json!({"queue": id, "min": min, "max": max, "written_at_ms": written}));
    }
    json!({"messages": messages, "queues": queues.into_values().collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_are_in_order_and_counted() {
        let body = br#"{"offsetTable":{{"brokerName":"a","queueId":2,"topic":"t"}:{"lastUpdateTimestamp":0,"maxOffset":0,"minOffset":0},
            {"brokerName":"a","queueId":0,"topic":"t"}:{"lastUpdateTimestamp":7,"maxOffset":9,"minOffset":4}},"topicPutTps":0.0}"#;
        let expected = json!({"messages": 5, "queues": [
            {"queue": 0, "min": 4, "max": 9, "written_at_ms": 7},
            {"queue": 2, "min": 0, "max": 0, "written_at_ms": null}
        ]});
        assert_eq!(status(&loose::parse(body).unwrap()), expected);
    }
}
