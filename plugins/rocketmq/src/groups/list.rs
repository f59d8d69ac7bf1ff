//! Pages of groups: every master names those that it has a configuration of, all asked at once.

use std::collections::{BTreeMap, BTreeSet};

use headgate_sdk::json::{Map, json};
use headgate_sdk::{Error, Failure, Page, Place, Query, Result};

use super::resource;
use crate::cluster::Servers;
use crate::copies::{GROUP_CONFIG, dumps};
use crate::types::CONSUMER_GROUP;

/// The listing that is being paged through.
#[derive(Default)]
pub(crate) struct Sweep {
    groups: Listed,
}

/// The brokers of each group.
type Listed = BTreeMap<String, BTreeSet<String>>;

impl Sweep {
    pub(crate) fn page(&mut self, servers: &mut Servers, query: &Query, limit: usize) -> Result<Page> {
        if query.place != Place::Cluster {
            return Err(Error::invalid_argument("consumer groups live on the cluster, not on a broker"));
        }
        let mut failures = Vec::new();
        if query.cursor.is_none() || self.groups.is_empty() {
            (self.groups, failures) = listing(servers)?;
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

/// All groups, and the brokers that could not be asked: without them the listing is not complete.
fn listing(servers: &mut Servers) -> Result<(Listed, Vec<Failure>)> {
    servers.refresh()?;
    let (mut asked, mut addresses, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    let failure = |broker: String, error| Failure {
        metadata_type: CONSUMER_GROUP.to_owned(),
        id: None,
        place: Place::Group(broker),
        error,
    };
    for (broker, master) in servers.members.readers() {
        match master {
            Ok(address) => {
                asked.push(broker);
                addresses.push(address);
            }
            Err(error) => failures.push(failure(broker, error)),
        }
    }
    let mut groups = Listed::new();
    for (broker, dump) in asked.into_iter().zip(dumps(servers, &GROUP_CONFIG, &addresses, |_, _| Some(()))) {
        match dump {
            Ok(dump) => {
                for id in dump.objects.into_keys() {
                    groups.entry(id).or_default().insert(broker.clone());
                }
            }
            Err(error) => failures.push(failure(broker, error)),
        }
    }
    Ok((groups, failures))
}
