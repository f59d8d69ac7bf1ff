//! A component joined to the host, twice: for calls that decide, and for sessions. Optional interfaces are found here.

use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Engine, Store};

use super::bindings::exports::headgate::plugin::{
    config_strategy, manifest, metadata_types, operations, storage_driver,
};
use super::guest::Guest;
use super::imports;
use super::imports::wasi;
use super::limits::{Limits, POOL_COMPONENT_BYTES_MAX};

pub(super) struct Linked {
    interpreted: bool,
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
    /// Of a component of so many bytes.
    pub(super) fn new(component: &Component, bytes: usize) -> wasmtime::Result<Self> {
        let mut pure = Linker::new(component.engine());
        imports::link_pure(&mut pure)?;
        wasi::link(&mut pure, component, true)?;
        let mut session = Linker::new(component.engine());
        imports::link_session(&mut session)?;
        let uses_wasi = wasi::link(&mut session, component, false)?;
        let (pure, session) = (pure.instantiate_pre(component)?, session.instantiate_pre(component)?);
        Ok(Self {
            interpreted: uses_wasi || bytes > POOL_COMPONENT_BYTES_MAX,
            manifest: manifest::GuestIndices::new(&pure)?,
            types: indices!(&pure, metadata_types, "metadata-types"),
            strategy: indices!(&pure, config_strategy, "config-strategy"),
            driver: indices!(&session, storage_driver, "storage-driver"),
            operations: indices!(&session, operations, "operations"),
            pure,
            session,
        })
    }

    pub(super) fn engine(&self) -> &Engine {
        self.pure.engine()
    }

    /// Whether it brings an interpreter with it.
    pub(super) fn is_interpreted(&self) -> bool {
        self.interpreted
    }

    /// Its own of these.
    pub(super) fn limits(&self, limits: &Limits) -> Limits {
        if self.interpreted { limits.interpreted() } else { limits.clone() }
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
