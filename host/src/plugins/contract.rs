//! The versions of the contract that this host speaks, behind one door: whichever a component was built for, its instances are
//! asked and answer in the present one's types.
//!
//! A released version's module is made of its frozen text in `wit/released`; what it lacks, and what stands in its place, is
//! said there and nowhere else.

use std::sync::Arc;

use async_trait::async_trait;
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};

use super::bindings::exports::headgate::plugin::{
    config_strategy, manifest, metadata_types, operations, storage_driver,
};
use super::bindings::headgate::host::errors::{Error, ErrorKind};
use super::bindings::headgate::plugin::types;
use super::guest::Guest;
use super::imports;
use super::operations::Asked;

/// Finds an optional export: absent, it is never called; present, its shape was checked.
macro_rules! optional {
    ($pre:expr, $module:ident, $name:literal, $version:literal) => {
        if $pre
            .component()
            .get_export_index(None, concat!("headgate:plugin/", $name, "@", $version))
            .is_some()
        {
            let indices = $module::GuestIndices::new($pre);
            Some(indices.map_err(|error| error.context(concat!("interface ", $name)))?)
        } else {
            None
        }
    };
}

mod present;
mod same;
#[cfg(test)]
mod tests;
mod v0_0_1;

/// One version, of whose components this host takes any.
pub(super) struct Version {
    /// `0.1` stands for all that differ in the last number alone; below it every version is one of its own.
    pub(super) track: &'static str,
    /// Of a component joined for calls that decide, and for sessions. Fails where an interface has another shape.
    pub(super) join: Join,
}

type Join = fn(&InstancePre<Guest>, &InstancePre<Guest>) -> wasmtime::Result<Box<dyn Contract>>;

/// The present one first.
pub(super) const VERSIONS: [Version; 2] = [
    Version { track: "0.1", join: present::join },
    // The trial that shows that a frozen version goes on; it goes when the first real one comes.
    Version { track: "0.0.1", join: v0_0_1::join },
];

/// `0.1.7` and `0.1` are of the track `0.1`; prereleases are not.
pub(super) fn is_of_track(version: &str, track: &str) -> bool {
    let rest = version.strip_prefix(track);
    rest.is_some_and(|rest| rest.is_empty() || (rest.starts_with('.') && !rest.contains('-')))
}

/// A component of one version, whose instances are taken into use.
pub(super) trait Contract: Send + Sync {
    fn deciding(&self, store: &mut Store<Guest>, instance: &Instance) -> wasmtime::Result<Box<dyn Deciding>>;

    /// `None`: it has no driver.
    fn talking(
        &self,
        store: &mut Store<Guest>,
        instance: &Instance,
    ) -> wasmtime::Result<Option<Arc<dyn Talking>>>;
}

/// What `normalize` and `validate` are asked.
pub(super) struct Question {
    pub(super) metadata_type: String,
    pub(super) specs: Vec<String>,
    pub(super) facts: String,
}

/// An instance's interfaces that decide. `None`: it does not have the one that would answer.
#[async_trait]
pub(super) trait Deciding: Send + Sync {
    async fn describe(&self, store: &mut Store<Guest>) -> wasmtime::Result<manifest::Description>;

    async fn list_types(
        &self,
        store: &mut Store<Guest>,
        facts: Option<String>,
    ) -> wasmtime::Result<Option<Vec<metadata_types::MetadataType>>>;

    async fn normalize(
        &self,
        store: &mut Store<Guest>,
        question: &Question,
    ) -> wasmtime::Result<Option<Vec<Result<String, Vec<config_strategy::Issue>>>>>;

    async fn validate(
        &self,
        store: &mut Store<Guest>,
        question: &Question,
    ) -> wasmtime::Result<Option<Vec<Vec<config_strategy::Issue>>>>;

    async fn steps(
        &self,
        store: &mut Store<Guest>,
        changes: Vec<config_strategy::Change>,
        facts: String,
    ) -> wasmtime::Result<Option<Vec<Result<Vec<config_strategy::Step>, Error>>>>;

    async fn list_operations(
        &self,
        _store: &mut Store<Guest>,
        _facts: Option<String>,
    ) -> wasmtime::Result<Option<Vec<operations::Operation>>> {
        Ok(None)
    }
}

/// What a guest that talks to its backend ends with: an answer, the contract's error, or a trap.
pub(super) type Answered<T> = wasmtime::Result<Result<T, Error>>;

/// An instance's interfaces that talk.
#[async_trait]
pub(super) trait Talking: Send + Sync {
    async fn open(&self, store: &mut Store<Guest>, target: &storage_driver::Target) -> Answered<()>;

    async fn probe(&self, store: &mut Store<Guest>) -> Answered<Vec<storage_driver::Check>>;

    async fn discover(&self, store: &mut Store<Guest>) -> Answered<storage_driver::Cluster>;

    async fn list_resources(
        &self,
        store: &mut Store<Guest>,
        query: storage_driver::Query,
    ) -> Answered<storage_driver::Page>;

    async fn get_resources(
        &self,
        store: &mut Store<Guest>,
        keys: Vec<types::ResourceKey>,
    ) -> Answered<Vec<storage_driver::Lookup>>;

    async fn write_resources(
        &self,
        store: &mut Store<Guest>,
        writes: Vec<types::Write>,
        dry_run: bool,
    ) -> Answered<Vec<storage_driver::Outcome>>;

    async fn close(&self, store: &mut Store<Guest>) -> wasmtime::Result<()>;

    async fn preview(&self, _store: &mut Store<Guest>, _asked: &Asked) -> Answered<operations::Forecast> {
        Ok(Err(no_operations()))
    }

    async fn run(
        &self,
        _store: &mut Store<Guest>,
        _asked: &Asked,
        _id: &str,
    ) -> Answered<operations::Progress> {
        Ok(Err(no_operations()))
    }

    async fn poll(&self, _store: &mut Store<Guest>, _handle: &str) -> Answered<operations::Progress> {
        Ok(Err(no_operations()))
    }

    async fn cancel(&self, _store: &mut Store<Guest>, _handle: &str) -> Answered<()> {
        Ok(Err(no_operations()))
    }
}

/// A plugin that declares no action can still be asked for one, by a name from another version of it.
fn no_operations() -> Error {
    imports::error(ErrorKind::Unsupported, "the plugin has no operations")
}
