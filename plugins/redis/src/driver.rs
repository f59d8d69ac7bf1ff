//! One session with one cluster: sends each question to the type that it concerns.

use headgate_sdk::{
    Check, Cluster, Error, Lookup, Outcome, Page, Query, ResourceKey, Result, StorageDriver, Target, Write,
};

use crate::servers::Servers;
use crate::settings::Settings;
use crate::types::{CONFIG, KEYSPACE, USER, read_only, unknown_type};
use crate::{configs, discover, keyspaces, users};

/// The plugin, bound to one cluster.
pub struct Redis {
    servers: Servers,
}

impl StorageDriver for Redis {
    fn open(target: &Target) -> Result<Self> {
        let settings = Settings::parse(&target.connection)?.beginning_at(&target.nodes);
        Ok(Self { servers: Servers::new(settings) })
    }

    fn probe(&mut self) -> Result<Vec<Check>> {
        discover::probe(&mut self.servers)
    }

    fn discover(&mut self) -> Result<Cluster> {
        discover::discover(&mut self.servers)
    }

    fn list_resources(&mut self, query: &Query) -> Result<Page> {
        match query.metadata_type.as_str() {
            CONFIG => configs::list(&mut self.servers, query),
            USER => users::list(&mut self.servers, query),
            KEYSPACE => keyspaces::list(&mut self.servers, query),
            other => Err(unknown_type(other)),
        }
    }

    fn get_resources(&mut self, keys: &[ResourceKey]) -> Result<Vec<Lookup>> {
        let of = |name: &str| keys.iter().filter(|key| key.metadata_type == name).collect::<Vec<_>>();
        let mut configs = configs::get(&mut self.servers, &of(CONFIG))?.into_iter();
        let mut users = users::get(&mut self.servers, &of(USER))?.into_iter();
        let mut keyspaces = keyspaces::get(&mut self.servers, &of(KEYSPACE))?.into_iter();
        let answer = |key: &ResourceKey| {
            let found = match key.metadata_type.as_str() {
                CONFIG => configs.next(),
                USER => users.next(),
                KEYSPACE => keyspaces.next(),
                other => Some(Lookup::Failed(unknown_type(other))),
            };
            found.unwrap_or_else(|| Lookup::Failed(Error::internal("no answer was found")))
        };
        Ok(keys.iter().map(answer).collect())
    }

    fn write_resources(&mut self, writes: &[Write], dry_run: bool) -> Result<Vec<Outcome>> {
        let of =
            |name: &str| writes.iter().filter(|write| write.key.metadata_type == name).collect::<Vec<_>>();
        let (configs, users) = (of(CONFIG), of(USER));
        let seen = if configs.is_empty() && users.is_empty() { None } else { Some(self.servers.refresh()?) };
        let mut configs = configs::write(&mut self.servers, seen.as_ref(), &configs, dry_run).into_iter();
        let mut users = users::write(&mut self.servers, seen.as_ref(), &users, dry_run).into_iter();
        let outcome = |write: &Write| {
            let outcome = match write.key.metadata_type.as_str() {
                CONFIG => configs.next(),
                USER => users.next(),
                KEYSPACE => Some(Outcome::Failed(read_only())),
                other => Some(Outcome::Failed(unknown_type(other))),
            };
            outcome.unwrap_or_else(|| Outcome::Unknown(Error::internal("no outcome was found")))
        };
        Ok(writes.iter().map(outcome).collect())
    }
}
