//! Single topics with everything that can be read of them: two questions for all that were asked for.

use std::collections::HashMap;

use headgate_sdk::json::{self, Value, json};
use headgate_sdk::{Lookup, Place, Resource, ResourceKey, Result};
use kafka_protocol::messages::describe_configs_response::DescribeConfigsResult;
use kafka_protocol::messages::metadata_response::{MetadataResponsePartition, MetadataResponseTopic};

use super::moving::Moving;
use super::{Row, configs_of, metadata_of};
use crate::cluster::Brokers;
use crate::configs::{SOURCE_TOPIC, Wanted, effective, set_at};
use crate::wire::codes;

pub(crate) fn get(brokers: &mut Brokers, keys: &[&ResourceKey]) -> Result<Vec<Lookup>> {
    let names = || keys.iter().map(|key| key.id.as_str());
    let moving = Moving::now(brokers);
    let metadata = brokers.metadata(&metadata_of(names()))?;
    let configs = brokers.read(&configs_of(names(), &Wanted::Everything))?;
    let topics: HashMap<&str, &MetadataResponseTopic> =
        metadata.topics.iter().filter_map(|topic| Some((topic.name.as_ref()?.as_str(), topic))).collect();
    let configs: HashMap<&str, &DescribeConfigsResult> =
        configs.results.iter().map(|result| (result.resource_name.as_str(), result)).collect();
    let look_up = |key: &&ResourceKey| {
        if key.place != Place::Cluster {
            return Lookup::Absent;
        }
        let id = key.id.as_str();
        lookup(id, &moving, topics.get(id).copied(), configs.get(id).copied())
    };
    Ok(keys.iter().map(look_up).collect())
}

fn lookup(
    name: &str,
    moving: &Moving,
    topic: Option<&MetadataResponseTopic>,
    config: Option<&DescribeConfigsResult>,
) -> Lookup {
    let Some((topic, row)) = topic.and_then(|topic| Some((topic, Row::of(topic, moving)?))) else {
        return Lookup::Absent;
    };
    match row.code {
        codes::NONE => {}
        // No topic can have that name: `steps` says why.
        codes::UNKNOWN_TOPIC_OR_PARTITION | codes::INVALID_TOPIC => return Lookup::Absent,
        _ if row.partitions > 0 => {}
        code => return Lookup::Failed(codes::error(code, None, &format!("read topic {name}"))),
    }
    match config {
        Some(config) if config.error_code == codes::NONE => Lookup::Found(whole(topic, &row, config)),
        Some(config) if config.error_code == codes::UNKNOWN_TOPIC_OR_PARTITION => Lookup::Absent,
        Some(config) => {
            let what = format!("read the configuration of topic {name}");
            Lookup::Failed(codes::error(config.error_code, config.error_message.as_deref(), &what))
        }
        None => Lookup::Absent,
    }
}

fn whole(topic: &MetadataResponseTopic, row: &Row, config: &DescribeConfigsResult) -> Resource {
    let mut resource = row.resource(Some(set_at(&config.configs, SOURCE_TOPIC)), false);
    resource.effective = Some(json::text(&row.values(Some(effective(&config.configs)))));
    let mut partitions: Vec<&MetadataResponsePartition> = topic.partitions.iter().collect();
    partitions.sort_unstable_by_key(|partition| partition.partition_index);
    let assignment = partitions.into_iter().map(assignment).collect();
    resource.status = json::text(&row.status(Some(assignment)));
    resource
}

fn assignment(partition: &MetadataResponsePartition) -> Value {
    let ids =
        |brokers: &[kafka_protocol::messages::BrokerId]| brokers.iter().map(|id| id.0).collect::<Vec<_>>();
    json!({
        "partition": partition.partition_index,
        "leader": (partition.leader_id.0 >= 0).then_some(partition.leader_id.0),
        "replicas": ids(&partition.replica_nodes),
        "in_sync": ids(&partition.isr_nodes),
    })
}
