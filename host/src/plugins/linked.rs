//! A component joined to the host, twice: for calls that decide, and for sessions.

use std::sync::Arc;

use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Engine, Store};

use super::contract::{Contract, Deciding, Talking, Version};
use super::guest::Guest;
use super::imports;
use super::imports::wasi;
use super::limits::{Limits, POOL_COMPONENT_BYTES_MAX};

pub(super) struct Linked {
    interpreted: bool,
    pure: InstancePre<Guest>,
    session: InstancePre<Guest>,
    contract: Box<dyn Contract>,
}

impl Linked {
    /// Of a component of so many bytes, built for this version of the contract.
    pub(super) fn new(component: &Component, bytes: usize, version: &Version) -> wasmtime::Result<Self> {
        let mut pure = Linker::new(component.engine());
        imports::link_pure(&mut pure)?;
        wasi::link(&mut pure, component, true)?;
        let mut session = Linker::new(component.engine());
        imports::link_session(&mut session)?;
        let uses_wasi = wasi::link(&mut session, component, false)?;
        let (pure, session) = (pure.instantiate_pre(component)?, session.instantiate_pre(component)?);
        Ok(Self {
            interpreted: uses_wasi || bytes > POOL_COMPONENT_BYTES_MAX,
            contract: (version.join)(&pure, &session)?,
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

    pub(super) async fn instantiate_pure(
        &self,
        store: &mut Store<Guest>,
    ) -> wasmtime::Result<Box<dyn Deciding>> {
        let instance = self.pure.instantiate_async(&mut *store).await?;
        self.contract.deciding(store, &instance)
    }

    /// `None`: it has no driver.
    pub(super) async fn instantiate_session(
        &self,
        store: &mut Store<Guest>,
    ) -> wasmtime::Result<Option<Arc<dyn Talking>>> {
        let instance = self.session.instantiate_async(&mut *store).await?;
        self.contract.talking(store, &instance)
    }
}
