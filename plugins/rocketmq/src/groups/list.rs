//! Pages of groups: every master names those that it has a configuration of, all asked at once.

use std::collections::{BTreeMap, BTreeSet};

use headgate_sdk::json::{Map, json};
use headgate_sdk::{Error, Page, Place, Query, Result};

use super::resource;
use crate::cluster::Servers;
use crate::copies::{GROUP_CONFIG, Names, dumps};
use crate::known::{Known, Seen};
use crate::types::CONSUMER_GROUP;

/// The listing that is being paged through.
#[derive(Default)]
pub(crate) struct Sweep {
    groups: Seen,
    known: Known,
}

impl Sweep {
    pub(crate) fn page(&mut self, servers: &mut Servers, query: &Query, limit: usize) -> Result<Page> {
        if query.place != Place::Cluster {
            return Err(Error::invalid_argument("consumer groups live on the cluster, not on a broker"));
        }
        let mut failures = Vec::new();
        if query.cursor.is_none() || self.groups.is_empty() {
            let (groups, silent) = listing(servers)?;
            failures = self.known.failures(CONSUMER_GROUP, groups.clone(), &silent);
            self.groups = groups;
        }
        let after = |id: &&String| query.cursor.as_ref().is_none_or(|cursor| *id > cursor);
        let mut rest = self.groups.iter().filter(|(id, _)| after(id));
        let page: Vec<(&String, &BTreeSet<String>)> = rest.by_ref().take(limit).collect();
        let next = page.last().map(|(id, _)| (*id).clone()).filter(|_| rest.next().is_some());
        let listed = |(id, brokers): &(&String, &BTreeSet<String>)| {
            resource(id, Map::from_iter([("brokers".to_owned(), json!(brokers))]))
        };
        let resources = page.iter().map(listed).collect();
        if next.is_none() {
            self.groups.clear();
        }
        Ok(Page { resources, failures, next, version: None, extra: None })
    }
}

/// All groups, and why a broker could not be asked.
fn listing(servers: &mut Servers) -> Result<(Seen, BTreeMap<String, Error>)> {
    servers.refresh()?;
    let (mut asked, mut addresses, mut silent) = (Vec::new(), Vec::new(), BTreeMap::new());
    for (broker, reader) in servers.members.readers() {
        match reader {
            Ok(address) => {
                asked.push(broker);
                addresses.push(address);
            }
            Err(error) => drop(silent.insert(broker, error)),
        }
    }
    let mut groups = Seen::new();
    for (broker, dump) in asked.into_iter().zip(dumps(servers, &GROUP_CONFIG, &addresses, &Names)) {
        match dump {
            Ok(dump) => {
                for id in dump.objects.into_keys() {
                    groups.entry(id).or_default().insert(broker.clone());
                }
            }
            Err(error) => drop(silent.insert(broker, error)),
        }
    }
    Ok((groups, silent))
}
