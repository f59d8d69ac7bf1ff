//! Single groups with everything: two questions to each master for each group, all in flight together.
//!
//! Whether a group is there is seen from the brokers' lists: asked for by its name, it would be made.

use std::collections::{BTreeMap, BTreeSet};

use headgate_sdk::{Error, Lookup, Place, ResourceKey, Result};

use super::merge::Merged;
use crate::cluster::Servers;
use crate::copies::{Dump, GROUP_CONFIG, NamesAmong, dumps};
use crate::wire::{Request, codes};

/// Masters by name, with what they hold, and why where that cannot be read.
type Brokers = BTreeMap<String, Result<(String, Dump<()>)>>;

pub(crate) fn get(servers: &mut Servers, keys: &[&ResourceKey]) -> Result<Vec<Lookup>> {
    servers.refresh()?;
    let brokers = brokers(servers, &keys.iter().map(|key| key.id.as_str()).collect());
    let mut questions: Vec<(String, Request)> = Vec::new();
    for key in keys {
        for (_, address) in holders(&brokers, &key.id) {
            let about = |code| Request::new(code).field("consumerGroup", &key.id);
            questions.push((address.to_owned(), about(codes::CONSUMER_CONNECTIONS)));
            questions.push((address.to_owned(), about(codes::CONSUME_STATS)));
        }
    }
    let mut answers = servers.read_each(&questions).into_iter();
    let look_up = |key: &&ResourceKey| {
        let mut merged = Merged::of(servers.members.stand_ins());
        for (broker, _) in holders(&brokers, &key.id) {
            let (Some(connections), Some(stats)) = (answers.next(), answers.next()) else { break };
            merged.add(broker, connections, stats);
        }
        let mut unreachable =
            brokers.iter().filter_map(|(name, told)| Some((name, told.as_ref().err()?))).peekable();
        match (merged.is_empty(), unreachable.peek()) {
            _ if key.place != Place::Cluster => Lookup::Absent,
            (true, None) => Lookup::Absent,
            (true, Some((_, error))) => Lookup::Failed((*error).clone()),
            (false, _) => {
                unreachable.for_each(|(name, _)| merged.miss(name));
                Lookup::Found(merged.resource(&key.id))
            }
        }
    };
    Ok(keys.iter().map(look_up).collect())
}

fn brokers(servers: &mut Servers, ids: &BTreeSet<&str>) -> Brokers {
    let (mut brokers, mut asked, mut addresses) = (Brokers::new(), Vec::new(), Vec::new());
    for (name, master) in servers.members.readers() {
        match master {
            Ok(address) => {
                asked.push(name);
                addresses.push(address);
            }
            Err(error) => drop(brokers.insert(name, Err(error))),
        }
    }
    let told = dumps(servers, &GROUP_CONFIG, &addresses, &NamesAmong(ids.clone()));
    for ((name, address), dump) in asked.into_iter().zip(addresses).zip(told) {
        brokers.insert(name, dump.map(|dump| (address, dump)).map_err(|error: Error| error));
    }
    brokers
}

/// Name and address of the masters that have a configuration of the group.
fn holders<'a>(brokers: &'a Brokers, id: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    brokers.iter().filter_map(move |(name, told)| {
        let (address, dump) = told.as_ref().ok()?;
        dump.objects.contains_key(id).then_some((name.as_str(), address.as_str()))
    })
}
