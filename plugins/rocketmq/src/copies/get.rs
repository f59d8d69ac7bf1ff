//! Single copies: each master that is concerned is asked once for all that it holds. RocketMQ can be asked for a single
//! consumer group, too, but makes it when it is not there.

use std::collections::{BTreeMap, BTreeSet};

use headgate_sdk::{Error, Lookup, ResourceKey, Result};

use super::table::Objects;
use super::{Dump, Kind, Object, dumps, stats};
use crate::cluster::Servers;
use crate::types;

pub(crate) fn get(servers: &mut Servers, kind: &'static Kind, keys: &[&ResourceKey]) -> Result<Vec<Lookup>> {
    servers.refresh()?;
    let groups = keys.iter().filter_map(|key| kind.group(&key.place).ok());
    let ids = keys.iter().map(|key| key.id.as_str()).collect();
    let dumps = present(servers, kind, groups, &ids);
    let look_up = |key: &&ResourceKey| {
        let group = match kind.group(&key.place) {
            Ok(group) => group,
            Err(error) => return Lookup::Failed(error),
        };
        match dumps.get(group) {
            Some(Ok(dump)) => match dump.objects.get(&key.id) {
                Some(object) => {
                    let internal = dump.is_internal(kind, servers, &key.id);
                    Lookup::Found(kind.resource(&key.id, group, kind.spec(object), internal))
                }
                None => Lookup::Absent,
            },
            Some(Err(error)) => Lookup::Failed(error.clone()),
            None => Lookup::Failed(Error::internal("the group was not asked")),
        }
    };
    let mut lookups: Vec<Lookup> = keys.iter().map(look_up).collect();
    if kind.metadata_type == types::TOPIC {
        stats::fill(servers, &mut lookups);
    }
    Ok(lookups)
}

/// What these groups hold now of the objects with these ids, by group; each is asked once.
pub(super) fn present<'a>(
    servers: &mut Servers,
    kind: &'static Kind,
    groups: impl Iterator<Item = &'a str>,
    ids: &BTreeSet<&str>,
) -> BTreeMap<String, Result<Dump<Object>>> {
    let mut present: BTreeMap<String, Result<Dump<Object>>> = BTreeMap::new();
    let (mut asked, mut addresses) = (Vec::new(), Vec::new());
    for group in groups {
        if asked.iter().any(|known| known == group) || present.contains_key(group) {
            continue;
        }
        match servers.members.master(group) {
            Ok(address) => {
                asked.push(group.to_owned());
                addresses.push(address);
            }
            Err(error) => drop(present.insert(group.to_owned(), Err(error))),
        }
    }
    present.extend(asked.into_iter().zip(dumps(servers, kind, &addresses, &Objects(ids))));
    present
}
