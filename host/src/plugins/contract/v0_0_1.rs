//! 0.0.1, the trial: its resources have no incarnation, its health is never degraded, and its `write-resources` is not asked to
//! try a write alone.

use std::sync::Arc;

use async_trait::async_trait;
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};

use super::same::{Same, alike};
use super::{Answered, Contract, Deciding, Question, Talking};
use crate::plugins::bindings::exports::headgate::plugin as now;
use crate::plugins::bindings::headgate::host::errors::{Error, ErrorKind};
use crate::plugins::bindings::headgate::plugin::types as now_types;
use crate::plugins::guest::Guest;
use crate::plugins::imports;
use bindings::exports::headgate::plugin::{config_strategy, manifest, metadata_types, storage_driver};
use bindings::headgate::plugin::types;

mod bindings {
    //! Made of the frozen text; what the host lends is what it lends to the present version.

    wasmtime::component::bindgen!({
        path: "../wit/released/0.0.1",
        world: "headgate:plugin/driver",
        exports: { default: async },
        with: {
            "headgate:host/errors": crate::plugins::bindings::headgate::host::errors,
            "headgate:host/log": crate::plugins::bindings::headgate::host::log,
            "headgate:host/call": crate::plugins::bindings::headgate::host::call,
            "headgate:host/clock": crate::plugins::bindings::headgate::host::clock,
            "headgate:host/random": crate::plugins::bindings::headgate::host::random,
            "headgate:host/secrets": crate::plugins::bindings::headgate::host::secrets,
            "headgate:host/net": crate::plugins::bindings::headgate::host::net,
            "headgate:host/state": crate::plugins::bindings::headgate::host::state,
        },
    });
}

struct Exports {
    manifest: manifest::GuestIndices,
    types: Option<metadata_types::GuestIndices>,
    strategy: Option<config_strategy::GuestIndices>,
    driver: Option<storage_driver::GuestIndices>,
}

pub(super) fn join(
    pure: &InstancePre<Guest>,
    session: &InstancePre<Guest>,
) -> wasmtime::Result<Box<dyn Contract>> {
    Ok(Box::new(Exports {
        manifest: manifest::GuestIndices::new(pure)?,
        types: optional!(pure, metadata_types, "metadata-types", "0.0.1"),
        strategy: optional!(pure, config_strategy, "config-strategy", "0.0.1"),
        driver: optional!(session, storage_driver, "storage-driver", "0.0.1"),
    }))
}

impl Contract for Exports {
    fn deciding(&self, store: &mut Store<Guest>, instance: &Instance) -> wasmtime::Result<Box<dyn Deciding>> {
        let types = self.types.as_ref().map(|indices| indices.load(&mut *store, instance));
        let strategy = self.strategy.as_ref().map(|indices| indices.load(&mut *store, instance));
        Ok(Box::new(Decides {
            manifest: self.manifest.load(&mut *store, instance)?,
            types: types.transpose()?,
            strategy: strategy.transpose()?,
        }))
    }

    fn talking(
        &self,
        store: &mut Store<Guest>,
        instance: &Instance,
    ) -> wasmtime::Result<Option<Arc<dyn Talking>>> {
        let Some(indices) = &self.driver else { return Ok(None) };
        Ok(Some(Arc::new(Talks { driver: indices.load(store, instance)? })))
    }
}

struct Decides {
    manifest: manifest::Guest,
    types: Option<metadata_types::Guest>,
    strategy: Option<config_strategy::Guest>,
}

#[async_trait]
impl Deciding for Decides {
    async fn describe(&self, store: &mut Store<Guest>) -> wasmtime::Result<now::manifest::Description> {
        self.manifest.call_describe(store).await.map(Same::same)
    }

    async fn list_types(
        &self,
        store: &mut Store<Guest>,
        facts: Option<String>,
    ) -> wasmtime::Result<Option<Vec<now::metadata_types::MetadataType>>> {
        let Some(types) = &self.types else { return Ok(None) };
        Ok(Some(types.call_list_types(store, facts.as_ref()).await?.same()))
    }

    async fn normalize(
        &self,
        store: &mut Store<Guest>,
        question: &Question,
    ) -> wasmtime::Result<Option<Vec<Result<String, Vec<now::config_strategy::Issue>>>>> {
        let Some(strategy) = &self.strategy else { return Ok(None) };
        let Question { metadata_type, specs, facts } = question;
        Ok(Some(strategy.call_normalize(store, metadata_type, specs, facts).await?.same()))
    }

    async fn validate(
        &self,
        store: &mut Store<Guest>,
        question: &Question,
    ) -> wasmtime::Result<Option<Vec<Vec<now::config_strategy::Issue>>>> {
        let Some(strategy) = &self.strategy else { return Ok(None) };
        let Question { metadata_type, specs, facts } = question;
        Ok(Some(strategy.call_validate(store, metadata_type, specs, facts).await?.same()))
    }

    async fn steps(
        &self,
        store: &mut Store<Guest>,
        changes: Vec<now::config_strategy::Change>,
        facts: String,
    ) -> wasmtime::Result<Option<Vec<Result<Vec<now::config_strategy::Step>, Error>>>> {
        let Some(strategy) = &self.strategy else { return Ok(None) };
        let changes: Vec<config_strategy::Change> = changes.same();
        Ok(Some(strategy.call_steps(store, &changes, &facts).await?.same()))
    }
}

struct Talks {
    driver: storage_driver::Guest,
}

#[async_trait]
impl Talking for Talks {
    async fn open(&self, store: &mut Store<Guest>, target: &now::storage_driver::Target) -> Answered<()> {
        self.driver.call_open(store, &target.clone().same()).await
    }

    async fn probe(&self, store: &mut Store<Guest>) -> Answered<Vec<now::storage_driver::Check>> {
        Ok(self.driver.call_probe(store).await?.map(Same::same))
    }

    async fn discover(&self, store: &mut Store<Guest>) -> Answered<now::storage_driver::Cluster> {
        Ok(self.driver.call_discover(store).await?.map(Same::same))
    }

    async fn list_resources(
        &self,
        store: &mut Store<Guest>,
        query: now::storage_driver::Query,
    ) -> Answered<now::storage_driver::Page> {
        Ok(self.driver.call_list_resources(store, &query.same()).await?.map(Same::same))
    }

    async fn get_resources(
        &self,
        store: &mut Store<Guest>,
        keys: Vec<now_types::ResourceKey>,
    ) -> Answered<Vec<now::storage_driver::Lookup>> {
        let keys: Vec<types::ResourceKey> = keys.same();
        Ok(self.driver.call_get_resources(store, &keys).await?.map(Same::same))
    }

    async fn write_resources(
        &self,
        store: &mut Store<Guest>,
        writes: Vec<now_types::Write>,
        dry_run: bool,
    ) -> Answered<Vec<now::storage_driver::Outcome>> {
        if dry_run {
            let text =
                "the plugin was built for the contract 0.0.1, which cannot try a write without doing it";
            return Ok(Err(imports::error(ErrorKind::Unsupported, text)));
        }
        let writes: Vec<types::Write> = writes.same();
        Ok(self.driver.call_write_resources(store, &writes).await?.map(Same::same))
    }

    async fn close(&self, store: &mut Store<Guest>) -> wasmtime::Result<()> {
        self.driver.call_close(store).await
    }
}

impl Same<now_types::Resource> for types::Resource {
    fn same(self) -> now_types::Resource {
        let Self { key, revision, spec, effective, status, internal, partial, extra } = self;
        let key = key.same();
        now_types::Resource {
            key,
            revision,
            incarnation: None,
            spec,
            effective,
            status,
            internal,
            partial,
            extra,
        }
    }
}

impl Same<now::storage_driver::Health> for storage_driver::Health {
    fn same(self) -> now::storage_driver::Health {
        match self {
            Self::Up => now::storage_driver::Health::Up,
            Self::Down => now::storage_driver::Health::Down,
            Self::Unknown => now::storage_driver::Health::Unknown,
        }
    }
}

// What this host asks with.
alike! {
    now_types::Place => types::Place { |Cluster |Group(name) |Node(id) }
    now_types::ResourceKey => types::ResourceKey { metadata_type, id, place }
    now_types::Edit => types::Edit { path, value }
    now_types::Action => types::Action { |Create(spec) |Edit(edits) |Replace(spec) |Delete |Run(operation) }
    now_types::Write => types::Write { key, action, revision, incarnation, extra }
    now::config_strategy::Change => config_strategy::Change {
        key, before, after, status, effective, revision, incarnation, extra
    }
    now::storage_driver::NamedNode => storage_driver::NamedNode { id, roles, address }
    now::storage_driver::Target => storage_driver::Target { id, name, connection, nodes }
    now::storage_driver::Query => storage_driver::Query {
        metadata_type, place, brief, fields, since, cursor, limit, extra
    }
}

// What it is answered.
alike! {
    types::Place => now_types::Place { |Cluster |Group(name) |Node(id) }
    types::ResourceKey => now_types::ResourceKey { metadata_type, id, place }
    types::Scope => now_types::Scope { |Cluster |Group |Node }
    types::Edit => now_types::Edit { path, value }
    types::Action => now_types::Action { |Create(spec) |Edit(edits) |Replace(spec) |Delete |Run(operation) }
    types::Write => now_types::Write { key, action, revision, incarnation, extra }
    manifest::Role => now::manifest::Role { name, title, count_min, count_max }
    manifest::Network => now::manifest::Network { host, ports }
    manifest::Grant => now::manifest::Grant { |Network(network) |SecretsReveal |Wasi(name) }
    manifest::Description => now::manifest::Description {
        kind, title, version, vendor, documentation, connection, roles, grouped, relations, grants, protocols, extra
    }
    metadata_types::Verbs => now::metadata_types::Verbs { create, update, delete }
    metadata_types::Granularity => now::metadata_types::Granularity { |None |PerKey |Whole }
    metadata_types::Divergence => now::metadata_types::Divergence { |Single |Forbidden |Allowed }
    metadata_types::EditRule => now::metadata_types::EditRule {
        |Free |GrowOnly |Immutable |Recreate |WriteOnly |ReadOnly |Other
    }
    metadata_types::Field => now::metadata_types::Field {
        path, default, edits, divergence, restart, unordered, since, until, extra
    }
    metadata_types::MetadataType => now::metadata_types::MetadataType {
        name, plural, title, scope, roles, identity, tells_defaults, verbs, granularity, divergence, spec, status, fields,
        after, since, until, extra
    }
    config_strategy::Severity => now::config_strategy::Severity { |Error |Warning }
    config_strategy::Issue => now::config_strategy::Issue { severity, path, message }
    config_strategy::Step => now::config_strategy::Step { write, summary, destructive, undo, restart, extra }
    storage_driver::Node => now::storage_driver::Node {
        id, roles, group, rank, addresses, version, rack, health, facts
    }
    storage_driver::Relation => now::storage_driver::Relation { name, kind, addresses }
    storage_driver::Cluster => now::storage_driver::Cluster { identity, version, facts, nodes, relations }
    storage_driver::Check => now::storage_driver::Check { name, place, health, latency_us, message }
    storage_driver::Failure => now::storage_driver::Failure { metadata_type, id, place, error }
    storage_driver::Page => now::storage_driver::Page { resources, failures, next, version, extra }
    storage_driver::Written => now::storage_driver::Written { id, revision, incarnation }
    storage_driver::Outcome => now::storage_driver::Outcome {
        |Done(written) |Accepted(promised) |Started(handle) |Failed(error) |Unknown(error)
    }
    storage_driver::Lookup => now::storage_driver::Lookup { |Found(resource) |Absent |Failed(error) }
}
