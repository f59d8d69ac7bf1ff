//! Single groups with everything: members and their partitions, committed and end offsets, lag. Five questions at most to a
//! broker, however many groups are asked for.

use std::collections::{BTreeMap, BTreeSet};

use headgate_sdk::json::{Map, Value, json};
use headgate_sdk::{Error, Lookup, Place, Resource, ResourceKey, Result};
use kafka_protocol::messages::MetadataRequest;

use super::describe::{Described, Member, coordinators, describe};
use super::offsets::{committed, ends};
use super::resource;
use crate::cluster::Brokers;
use crate::log_offsets::{Offsets, Partition};
use crate::types::CONSUMER_GROUP;

pub(crate) fn get(brokers: &mut Brokers, keys: &[&ResourceKey]) -> Result<Vec<Lookup>> {
    brokers.metadata(&MetadataRequest::default().with_topics(Some(Vec::new())))?;
    let ids: BTreeSet<&str> = keys.iter().map(|key| key.id.as_str()).filter(|id| !id.is_empty()).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let nodes = coordinators(brokers, &ids)?;
    let mut groups: BTreeMap<i32, Vec<String>> = BTreeMap::new();
    for (id, node) in &nodes {
        if let Ok(node) = node {
            groups.entry(*node).or_default().push(id.clone());
        }
    }
    let described = describe(brokers, &groups);
    let there = |id: &String| matches!(described.get(id), Some(Ok(Some(_))));
    groups.values_mut().for_each(|ids| ids.retain(there));
    groups.retain(|_, ids| !ids.is_empty());
    let committed = committed(brokers, &groups);
    let assigned = described.values().flatten().flatten().flat_map(Described::partitions);
    let read = committed.values().flatten().flatten().flat_map(|offsets| offsets.keys().cloned());
    let wanted: BTreeSet<Partition> = assigned.chain(read).collect();
    let ends = ends(brokers, &wanted)?;
    let look_up = |key: &&ResourceKey| {
        if key.place != Place::Cluster {
            return Lookup::Absent;
        }
        match (nodes.get(&key.id), described.get(&key.id), committed.get(&key.id)) {
            (Some(Err(error)), _, _) | (_, Some(Err(error)), _) | (_, _, Some(Err(error))) => {
                Lookup::Failed(error.clone())
            }
            (Some(Ok(node)), Some(Ok(Some(group))), offsets) => {
                let offsets = offsets.and_then(|offsets| offsets.as_ref().ok()).and_then(Option::as_ref);
                Lookup::Found(whole(&key.id, *node, group, offsets.unwrap_or(&Offsets::new()), &ends))
            }
            (_, Some(Ok(None)), _) => Lookup::Absent,
            (_, None, _) | (None, _, _) => {
                Lookup::Failed(Error::protocol(format_args!("no broker told of group {}", key.id)))
            }
        }
    };
    Ok(keys.iter().map(look_up).collect())
}

fn whole(id: &str, coordinator: i32, group: &Described, committed: &Offsets, ends: &Offsets) -> Resource {
    let mut partitions: BTreeSet<Partition> = group.partitions().collect();
    partitions.extend(committed.keys().cloned());
    let lag_of = |one: &Partition| Some((ends.get(one)? - committed.get(one)?).max(0));
    let offsets: Vec<Value> = partitions
        .iter()
        .map(|one| {
            json!({
                "topic": one.0,
                "partition": one.1,
                "committed": committed.get(one),
                "end": ends.get(one),
                "lag": lag_of(one),
            })
        })
        .collect();
    // A sum of some would look like the sum of all.
    let lags: Option<Vec<i64>> = partitions.iter().map(lag_of).collect();
    let lag = lags.filter(|lags| !lags.is_empty()).map(|lags| lags.iter().sum::<i64>());
    let mut status = Map::new();
    let mut put = |name: &str, value: Value| drop(status.insert(name.to_owned(), value));
    put("state", json!(group.state));
    put("type", json!(group.generation));
    put("protocol_type", json!(group.protocol_type));
    put("assignor", json!(group.assignor));
    put("coordinator", json!(coordinator));
    put("members", group.members.iter().map(member).collect());
    put("offsets", offsets.into());
    put("lag", json!(lag));
    resource(CONSUMER_GROUP, id, status)
}

fn member(member: &Member) -> Value {
    let topic = |(name, partitions): (&String, &Vec<i32>)| json!({"topic": name, "partitions": partitions});
    json!({
        "id": member.id,
        "instance": member.instance,
        "client_id": member.client_id,
        "host": member.host,
        "assignment": member.partitions.iter().map(topic).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lag_is_known_for_all_partitions_or_not_at_all() {
        let group = Described {
            state: "Stable".to_owned(),
            generation: "consumer",
            protocol_type: "consumer".to_owned(),
            assignor: "uniform".to_owned(),
            members: Vec::new(),
        };
        let offsets = |pairs: &[(i32, i64)]| -> Offsets {
            pairs.iter().map(|(partition, offset)| (("t".to_owned(), *partition), *offset)).collect()
        };
        let lag = |ends: &[(i32, i64)]| {
            let found = whole("g", 1, &group, &offsets(&[(0, 5), (1, 7)]), &offsets(ends));
            serde_json::from_str::<Value>(&found.status).unwrap()["lag"].clone()
        };
        assert_eq!(lag(&[(0, 9), (1, 7)]), json!(4));
        assert_eq!(
            lag(&[(0, 9), (1, 6)]),
            json!(4),
            "an end that is older than the commit is no negative lag"
        );
        assert_eq!(lag(&[(0, 9)]), Value::Null);
        let found = whole("g", 1, &group, &offsets(&[]), &offsets(&[]));
        assert_eq!(serde_json::from_str::<Value>(&found.status).unwrap()["lag"], Value::Null);
    }
}
