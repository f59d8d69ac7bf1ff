//! A component joined to the host, twice: for calls that decide, and for sessions. Optional interfaces are found here.

use wasmtime::Store;
use wasmtime::component::{Component, InstancePre, Linker};

use super::bindings::exports::headgate::plugin::{
    config_strategy, manifest, metadata_types, operations, storage_driver,
};
use super::engine::GuestEngine;
use super::guest::Guest;
use super::imports;

pub(super) struct Linked {
    pure: InstancePre<Guest>,
    session: InstancePre<Guest>,
    manifest: manifest::GuestIndices,
    types: Option<metadata_types::GuestIndices>,
    strategy: Option<config_strategy::GuestIndices>,
    driver: Option<storage_driver::GuestIndices>,
    operations: Option<operations::GuestIndices>,
}

/// An instance's interfaces that decide.
pub(super) struct Deciding {
    pub(super) manifest: manifest::Guest,
    pub(super) types: Option<metadata_types::Guest>,
    pub(super) strategy: Option<config_strategy::Guest>,
    pub(super) operations: Option<operations::Guest>,
}

/// An instance's interfaces that talk.
#[derive(Clone)]
pub(super) struct Talking {
    pub(super) driver: storage_driver::Guest,
    pub(super) operations: Option<operations::Guest>,
}

/// Finds an optional export: absent, it is never called; present, its shape was checked.
macro_rules! indices {
    ($pre:expr, $module:ident, $name:literal) => {
        if exports($pre, $name) {
            Some(
                $module::GuestIndices::new($pre)
                    .map_err(|error| error.context(concat!("interface ", $name)))?,
            )
        } else {
            None
        }
    };
}

fn exports(pre: &InstancePre<Guest>, interface: &str) -> bool {
    let name = format!("headgate:plugin/{interface}@0.1.0");
    pre.component().get_export_index(None, &name).is_some()
}

impl Linked {
    pub(super) fn new(engine: &GuestEngine, component: &Component) -> wasmtime::Result<Self> {
        let mut pure = Linker::new(engine.wasm());
        imports::link_pure(&mut pure)?;
        // What talks to a backend is there for the linker, and ends whoever calls it while deciding.
        pure.define_unknown_imports_as_traps(component)?;
        let mut session = Linker::new(engine.wasm());
        imports::link_session(&mut session)?;
        let (pure, session) = (pure.instantiate_pre(component)?, session.instantiate_pre(component)?);
        Ok(Self {
            manifest: manifest::GuestIndices::new(&pure)?,
            types: indices!(&pure, metadata_types, "metadata-types"),
            strategy: indices!(&pure, config_strategy, "config-strategy"),
            driver: indices!(&session, storage_driver, "storage-driver"),
            operations: indices!(&session, operations, "operations"),
            pure,
            session,
        })
    }

    pub(super) async fn instantiate_pure(&self, store: &mut Store<Guest>) -> wasmtime::Result<Deciding> {
        let instance = self.pure.instantiate_async(&mut *store).await?;
        let types = self.types.as_ref().map(|indices| indices.load(&mut *store, &instance));
        let strategy = self.strategy.as_ref().map(|indices| indices.load(&mut *store, &instance));
        let operations = self.operations.as_ref().map(|indices| indices.load(&mut *store, &instance));
        Ok(Deciding {
            manifest: self.manifest.load(&mut *store, &instance)?,
            types: types.transpose()?,
            strategy: strategy.transpose()?,
            operations: operations.transpose()?,
        })
    }

    /// `None`: it has no driver.
    pub(super) async fn instantiate_session(
        &self,
        store: &mut Store<Guest>,
    ) -> wasmtime::Result<Option<Talking>> {
        let Some(indices) = &self.driver else { return Ok(None) };
        let instance = self.session.instantiate_async(&mut *store).await?;
        let driver = indices.load(&mut *store, &instance)?;
        let operations = self.operations.as_ref().map(|indices| indices.load(&mut *store, &instance));
        Ok(Some(Talking { driver, operations: operations.transpose()? }))
    }
}
