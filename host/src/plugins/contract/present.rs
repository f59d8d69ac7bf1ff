//! The present version: its types are the host's own.

use std::sync::Arc;

use async_trait::async_trait;
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};

use super::{Answered, Contract, Deciding, Question, Talking, no_operations};
use crate::plugins::bindings::exports::headgate::plugin::{
    config_strategy, manifest, metadata_types, operations, storage_driver,
};
use crate::plugins::bindings::headgate::host::errors::Error;
use crate::plugins::bindings::headgate::plugin::types;
use crate::plugins::guest::Guest;
use crate::plugins::operations::Asked;

struct Exports {
    manifest: manifest::GuestIndices,
    types: Option<metadata_types::GuestIndices>,
    strategy: Option<config_strategy::GuestIndices>,
    driver: Option<storage_driver::GuestIndices>,
    operations: Option<operations::GuestIndices>,
}

pub(super) fn join(
    pure: &InstancePre<Guest>,
    session: &InstancePre<Guest>,
) -> wasmtime::Result<Box<dyn Contract>> {
    Ok(Box::new(Exports {
        manifest: manifest::GuestIndices::new(pure)?,
        types: optional!(pure, metadata_types, "metadata-types", "0.1.0"),
        strategy: optional!(pure, config_strategy, "config-strategy", "0.1.0"),
        driver: optional!(session, storage_driver, "storage-driver", "0.1.0"),
        operations: optional!(session, operations, "operations", "0.1.0"),
    }))
}

impl Contract for Exports {
    fn deciding(&self, store: &mut Store<Guest>, instance: &Instance) -> wasmtime::Result<Box<dyn Deciding>> {
        let types = self.types.as_ref().map(|indices| indices.load(&mut *store, instance));
        let strategy = self.strategy.as_ref().map(|indices| indices.load(&mut *store, instance));
        let operations = self.operations.as_ref().map(|indices| indices.load(&mut *store, instance));
        Ok(Box::new(Decides {
            manifest: self.manifest.load(&mut *store, instance)?,
            types: types.transpose()?,
            strategy: strategy.transpose()?,
            operations: operations.transpose()?,
        }))
    }

    fn talking(
        &self,
        store: &mut Store<Guest>,
        instance: &Instance,
    ) -> wasmtime::Result<Option<Arc<dyn Talking>>> {
        let Some(indices) = &self.driver else { return Ok(None) };
        let driver = indices.load(&mut *store, instance)?;
        let operations = self.operations.as_ref().map(|indices| indices.load(&mut *store, instance));
        Ok(Some(Arc::new(Talks { driver, operations: operations.transpose()? })))
    }
}

struct Decides {
    manifest: manifest::Guest,
    types: Option<metadata_types::Guest>,
    strategy: Option<config_strategy::Guest>,
    operations: Option<operations::Guest>,
}

#[async_trait]
impl Deciding for Decides {
    async fn describe(&self, store: &mut Store<Guest>) -> wasmtime::Result<manifest::Description> {
        self.manifest.call_describe(store).await
    }

    async fn list_types(
        &self,
        store: &mut Store<Guest>,
        facts: Option<String>,
    ) -> wasmtime::Result<Option<Vec<metadata_types::MetadataType>>> {
        let Some(types) = &self.types else { return Ok(None) };
        types.call_list_types(store, facts.as_ref()).await.map(Some)
    }

    async fn normalize(
        &self,
        store: &mut Store<Guest>,
        question: &Question,
    ) -> wasmtime::Result<Option<Vec<Result<String, Vec<config_strategy::Issue>>>>> {
        let Some(strategy) = &self.strategy else { return Ok(None) };
        let Question { metadata_type, specs, facts } = question;
        strategy.call_normalize(store, metadata_type, specs, facts).await.map(Some)
    }

    async fn validate(
        &self,
        store: &mut Store<Guest>,
        question: &Question,
    ) -> wasmtime::Result<Option<Vec<Vec<config_strategy::Issue>>>> {
        let Some(strategy) = &self.strategy else { return Ok(None) };
        let Question { metadata_type, specs, facts } = question;
        strategy.call_validate(store, metadata_type, specs, facts).await.map(Some)
    }

    async fn steps(
        &self,
        store: &mut Store<Guest>,
        changes: Vec<config_strategy::Change>,
        facts: String,
    ) -> wasmtime::Result<Option<Vec<Result<Vec<config_strategy::Step>, Error>>>> {
        let Some(strategy) = &self.strategy else { return Ok(None) };
        strategy.call_steps(store, &changes, &facts).await.map(Some)
    }

    async fn list_operations(
        &self,
        store: &mut Store<Guest>,
        facts: Option<String>,
    ) -> wasmtime::Result<Option<Vec<operations::Operation>>> {
        let Some(operations) = &self.operations else { return Ok(None) };
        operations.call_list_operations(store, facts.as_ref()).await.map(Some)
    }
}

struct Talks {
    driver: storage_driver::Guest,
    operations: Option<operations::Guest>,
}

#[async_trait]
impl Talking for Talks {
    async fn open(&self, store: &mut Store<Guest>, target: &storage_driver::Target) -> Answered<()> {
        self.driver.call_open(store, target).await
    }

    async fn probe(&self, store: &mut Store<Guest>) -> Answered<Vec<storage_driver::Check>> {
        self.driver.call_probe(store).await
    }

    async fn discover(&self, store: &mut Store<Guest>) -> Answered<storage_driver::Cluster> {
        self.driver.call_discover(store).await
    }

    async fn list_resources(
        &self,
        store: &mut Store<Guest>,
        query: storage_driver::Query,
    ) -> Answered<storage_driver::Page> {
        self.driver.call_list_resources(store, &query).await
    }

    async fn get_resources(
        &self,
        store: &mut Store<Guest>,
        keys: Vec<types::ResourceKey>,
    ) -> Answered<Vec<storage_driver::Lookup>> {
        self.driver.call_get_resources(store, &keys).await
    }

    async fn write_resources(
        &self,
        store: &mut Store<Guest>,
        writes: Vec<types::Write>,
        dry_run: bool,
    ) -> Answered<Vec<storage_driver::Outcome>> {
        self.driver.call_write_resources(store, &writes, dry_run).await
    }

    async fn close(&self, store: &mut Store<Guest>) -> wasmtime::Result<()> {
        self.driver.call_close(store).await
    }

    async fn preview(&self, store: &mut Store<Guest>, asked: &Asked) -> Answered<operations::Forecast> {
        let Some(operations) = &self.operations else { return Ok(Err(no_operations())) };
        let Asked { name, subject, input } = asked;
        operations.call_preview(store, name, subject, input).await
    }

    async fn run(&self, store: &mut Store<Guest>, asked: &Asked, id: &str) -> Answered<operations::Progress> {
        let Some(operations) = &self.operations else { return Ok(Err(no_operations())) };
        let Asked { name, subject, input } = asked;
        operations.call_run(store, name, subject, input, id).await
    }

    async fn poll(&self, store: &mut Store<Guest>, handle: &str) -> Answered<operations::Progress> {
        let Some(operations) = &self.operations else { return Ok(Err(no_operations())) };
        operations.call_poll(store, handle).await
    }

    async fn cancel(&self, store: &mut Store<Guest>, handle: &str) -> Answered<()> {
        let Some(operations) = &self.operations else { return Ok(Err(no_operations())) };
        operations.call_cancel(store, handle).await
    }
}
