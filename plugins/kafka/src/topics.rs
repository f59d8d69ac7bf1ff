//! Topics: what Metadata tells of each, and what a page or a look-up makes of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use headgate_sdk::json::{self, Map, Value};
use headgate_sdk::{Place, Resource, ResourceKey};
use kafka_protocol::messages::TopicName;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::{MetadataResponsePartition, MetadataResponseTopic};
use kafka_protocol::messages::{DescribeConfigsRequest, MetadataRequest};
use serde::Serialize;

use self::moving::Moving;
use crate::cluster::text;
use crate::configs::{RESOURCE_TOPIC, Wanted};
use crate::topic_keys;
use crate::types::TOPIC;

pub(crate) mod get;
pub(crate) mod list;
mod moving;
pub(crate) mod write;

/// What counts of a topic, small enough to keep fifty thousand of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// As Kafka prints it; none before topics had ids.
    pub(crate) incarnation: Option<String>,
    pub(crate) internal: bool,
    pub(crate) partitions: usize,
    pub(crate) replication_factor: usize,
    pub(crate) under_replicated: usize,
    pub(crate) leaderless: usize,
    pub(crate) code: i16,
}

impl Row {
    /// None for an answer without a name.
    fn of(topic: &MetadataResponseTopic, moving: &Moving) -> Option<Self> {
        let name = topic.name.as_ref()?.to_string();
        let partitions = &topic.partitions;
        let replicas = |one: &MetadataResponsePartition| moving.replicas(&name, one);
        Some(Self {
            incarnation: (!topic.topic_id.is_nil()).then(|| id_text(topic.topic_id.as_bytes())),
            internal: topic.is_internal,
            partitions: partitions.len(),
            replication_factor: partitions.iter().map(replicas).max().unwrap_or_default(),
            under_replicated: partitions.iter().filter(|one| one.isr_nodes.len() < replicas(one)).count(),
            leaderless: partitions.iter().filter(|one| one.leader_id.0 < 0).count(),
            code: topic.error_code,
            name,
        })
    }

    /// `config` is none where it was not asked for.
    fn resource(&self, config: Option<Map<String, Value>>, partial: bool) -> Resource {
        let config = config.filter(|config| !config.is_empty()).map(normal);
        Resource {
            key: ResourceKey {
                metadata_type: TOPIC.to_owned(),
                id: self.name.clone(),
                place: Place::Cluster,
            },
            revision: None,
            incarnation: self.incarnation.clone(),
            spec: json::text(&self.values(config)),
            effective: None,
            status: json::text(&self.status(None)),
            internal: self.internal,
            partial,
            extra: None,
        }
    }

    fn values(&self, config: Option<Map<String, Value>>) -> Values {
        Values { partitions: self.partitions, replication_factor: self.replication_factor, config }
    }

    fn status(&self, assignment: Option<Vec<Value>>) -> Status {
        Status {
            partitions: self.partitions,
            replication_factor: self.replication_factor,
            under_replicated: self.under_replicated,
            leaderless: self.leaderless,
            assignment,
        }
    }
}

/// A topic's `spec` and `effective`. Written as structures: building a JSON tree for each topic costs more than the rest.
#[derive(Serialize)]
struct Values {
    partitions: usize,
    replication_factor: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<Map<String, Value>>,
}

#[derive(Serialize)]
struct Status {
    partitions: usize,
    replication_factor: usize,
    under_replicated: usize,
    leaderless: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    assignment: Option<Vec<Value>>,
}

/// As a wish is written: the broker says `1.0` where a wish says `1`.
fn normal(mut config: Map<String, Value>) -> Map<String, Value> {
    for (key, value) in &mut config {
        if let Value::String(text) = value {
            *text = topic_keys::normal(key, text);
        }
    }
    config
}

/// Sixteen bytes in URL-safe base64, as Kafka's tools print ids.
fn id_text(id: &[u8; 16]) -> String {
    URL_SAFE_NO_PAD.encode(id)
}

fn id_bytes(text: &str) -> Option<[u8; 16]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

fn topic_name(name: &str) -> TopicName {
    TopicName(text(name))
}

/// Metadata of these topics, which are not made by asking.
pub(crate) fn metadata_of<'a>(names: impl Iterator<Item = &'a str>) -> MetadataRequest {
    let topics =
        names.map(|name| MetadataRequestTopic::default().with_name(Some(topic_name(name)))).collect();
    MetadataRequest::default().with_topics(Some(topics)).with_allow_auto_topic_creation(false)
}

fn configs_of<'a>(names: impl Iterator<Item = &'a str>, wanted: &Wanted) -> DescribeConfigsRequest {
    let resources = names.map(|name| wanted.resource(RESOURCE_TOPIC, name)).collect();
    DescribeConfigsRequest::default().with_resources(resources)
}

#[cfg(test)]
mod tests {
    use headgate_sdk::json::json;

    use super::*;

    #[test]
    fn what_is_seen_is_written_as_a_wish_is() {
        let seen = json!({"min.cleanable.dirty.ratio": "1.0", "retention.ms": "5"});
        let Value::Object(seen) = seen else { panic!("not an object") };
        let wish = json!({"min.cleanable.dirty.ratio": "1", "retention.ms": "5"});
        assert_eq!(Value::Object(normal(seen)), wish);
    }

    #[test]
    fn ids_are_written_as_kafka_writes_them() {
        let id = id_bytes("g4BE08w4v1bxGq6RzXNJWA").unwrap();
        assert_eq!(id_text(&id), "g4BE08w4v1bxGq6RzXNJWA");
        assert_eq!(id_bytes("short"), None);
    }
}
