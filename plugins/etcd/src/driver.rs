//! One session with one cluster: sends each question to the type that it concerns.

use headgate_sdk::{
    Check, Cluster, Error, Failure, Lookup, Outcome, Page, Place, Query, ResourceKey, Result, StorageDriver,
    Target, Write,
};

use crate::access::{Access, ROLES, USERS};
use crate::gateway::Gateway;
use crate::settings::Settings;
use crate::types::{ALARM, LEASE, MEMBER, ROLE, USER, refusal, unknown_type};
use crate::{alarms, discover, leases, members};

/// A page that the host asks for without a limit.
const PAGE_ROWS_MAX: usize = 1_000;

/// The plugin, bound to one cluster.
pub struct Etcd {
    gateway: Gateway,
}

impl StorageDriver for Etcd {
    fn open(target: &Target) -> Result<Self> {
        Ok(Self { gateway: Gateway::new(Settings::parse(&target.connection)?.beginning_at(&target.nodes)) })
    }

    fn probe(&mut self) -> Result<Vec<Check>> {
        discover::probe(&mut self.gateway)
    }

    fn discover(&mut self) -> Result<Cluster> {
        discover::discover(&mut self.gateway)
    }

    fn list_resources(&mut self, query: &Query) -> Result<Page> {
        if query.place != Place::Cluster {
            return Err(Error::invalid_argument("what etcd holds is the cluster's, not one member's"));
        }
        let all = match query.metadata_type.as_str() {
            MEMBER => members::list(&mut self.gateway),
            ALARM => alarms::list(&mut self.gateway),
            LEASE => leases::list(&mut self.gateway),
            USER => return self.list_access(&USERS, query),
            ROLE => return self.list_access(&ROLES, query),
            other => Err(unknown_type(other)),
        };
        let (resources, next) = page(all?, query, |one| &one.key.id);
        Ok(Page { resources, failures: Vec::new(), next, version: None, extra: None })
    }

    fn get_resources(&mut self, keys: &[ResourceKey]) -> Result<Vec<Lookup>> {
        // Of one type almost always: then all are asked for at once.
        let mut found = Vec::with_capacity(keys.len());
        for same in keys.chunk_by(|a, b| a.metadata_type == b.metadata_type) {
            let ids: Vec<String> = same.iter().map(|key| key.id.clone()).collect();
            let metadata_type = same.first().map(|key| key.metadata_type.as_str()).unwrap_or_default();
            let each = match metadata_type {
                MEMBER => members::get(&mut self.gateway, &ids),
                ALARM => alarms::get(&mut self.gateway, &ids),
                LEASE => leases::get(&mut self.gateway, &ids),
                USER => USERS.get(&mut self.gateway, &ids),
                ROLE => ROLES.get(&mut self.gateway, &ids),
                other => Err(unknown_type(other)),
            };
            found.extend(
                each.unwrap_or_else(|error| ids.iter().map(|_| Lookup::Failed(error.clone())).collect()),
            );
        }
        Ok(found)
    }

    fn write_resources(&mut self, writes: &[Write], _: bool) -> Result<Vec<Outcome>> {
        Ok(writes.iter().map(|write| Outcome::Failed(refusal(&write.key.metadata_type))).collect())
    }
}

impl Etcd {
    /// Each is a question of its own, so only those of the page are asked for.
    fn list_access(&mut self, access: &Access, query: &Query) -> Result<Page> {
        let (names, next) = page(access.names(&mut self.gateway)?, query, |name| name);
        let mut page = Page { resources: Vec::new(), failures: Vec::new(), next, version: None, extra: None };
        for (name, found) in names.iter().zip(access.get(&mut self.gateway, &names)?) {
            match found {
                Lookup::Found(one) => page.resources.push(one),
                // It went away meanwhile.
                Lookup::Absent => {}
                Lookup::Failed(error) => page.failures.push(Failure {
                    metadata_type: query.metadata_type.clone(),
                    id: Some(name.clone()),
                    place: Place::Cluster,
                    error,
                }),
            }
        }
        Ok(page)
    }
}

/// A few thousand at most are ever listed: who asks for less at a time has them read anew for each page.
fn page<T>(mut all: Vec<T>, query: &Query, id: fn(&T) -> &String) -> (Vec<T>, Option<String>) {
    let limit = match query.limit as usize {
        0 => PAGE_ROWS_MAX,
        limit => limit.min(PAGE_ROWS_MAX),
    };
    all.retain(|one| query.cursor.as_ref().is_none_or(|after| id(one) > after));
    let is_last = all.len() <= limit;
    all.truncate(limit);
    let next = all.last().filter(|_| !is_last).map(|one| id(one).clone());
    (all, next)
}
