//! One session with one ensemble: sends each question to the type that it concerns.

use headgate_sdk::{
    Check, Cluster, Error, Lookup, Outcome, Page, Place, Query, Resource, ResourceKey, Result, StorageDriver,
    Target, Write,
};

use crate::ensemble::Ensemble;
use crate::settings::Settings;
use crate::types::{QUOTA, ZNODE, refusal, unknown_type};
use crate::{discover, quotas, znodes};

/// A page that the host asks for without a limit.
const PAGE_ROWS_MAX: usize = 1_000;

/// The plugin, bound to one ensemble.
pub struct ZooKeeper {
    ensemble: Ensemble,
}

impl StorageDriver for ZooKeeper {
    fn open(target: &Target) -> Result<Self> {
        let settings = Settings::parse(&target.connection)?.with_nodes(&target.nodes);
        Ok(Self { ensemble: Ensemble::new(settings) })
    }

    fn probe(&mut self) -> Result<Vec<Check>> {
        Ok(discover::probe(&self.ensemble))
    }

    fn discover(&mut self) -> Result<Cluster> {
        discover::discover(&mut self.ensemble)
    }

    fn list_resources(&mut self, query: &Query) -> Result<Page> {
        if query.place != Place::Cluster {
            return Err(Error::invalid_argument("znodes live on the ensemble, not on one of its servers"));
        }
        let all = match query.metadata_type.as_str() {
            ZNODE => znodes::list(&mut self.ensemble),
            QUOTA => quotas::list(&mut self.ensemble),
            other => Err(unknown_type(other)),
        };
        Ok(page(all?, query))
    }

    fn get_resources(&mut self, keys: &[ResourceKey]) -> Result<Vec<Lookup>> {
        let one = |key: &ResourceKey| {
            let path = [key.id.clone()];
            let found = match key.metadata_type.as_str() {
                ZNODE => znodes::get(&mut self.ensemble, &path),
                QUOTA => quotas::get(&mut self.ensemble, &path),
                other => Err(unknown_type(other)),
            };
            let found = found.map(|mut found| found.pop().unwrap_or(Lookup::Absent));
            found.unwrap_or_else(Lookup::Failed)
        };
        Ok(keys.iter().map(one).collect())
    }

    fn write_resources(&mut self, writes: &[Write], _: bool) -> Result<Vec<Outcome>> {
        Ok(writes.iter().map(|write| Outcome::Failed(refusal(&write.key.metadata_type))).collect())
    }

    fn close(self) {
        self.ensemble.close();
    }
}

/// A thousand at most are ever listed: who asks for less at a time has them read anew for each page.
fn page(mut resources: Vec<Resource>, query: &Query) -> Page {
    let limit = match query.limit as usize {
        0 => PAGE_ROWS_MAX,
        limit => limit.min(PAGE_ROWS_MAX),
    };
    resources.retain(|one| query.cursor.as_ref().is_none_or(|after| one.key.id > *after));
    let is_last = resources.len() <= limit;
    resources.truncate(limit);
    let next = resources.last().filter(|_| !is_last).map(|one| one.key.id.clone());
    Page { resources, failures: Vec::new(), next, version: None, extra: None }
}
