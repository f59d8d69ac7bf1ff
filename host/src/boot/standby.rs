//! The host that stands by: it answers what can be read, follows the plugins, and takes over when the active one ends.

use std::sync::Arc;

use axum::Router;
use tokio::sync::watch;

use super::active::Active;
use super::idle::Idle;
use super::{Base, TRY_EVERY, may_pass, plugins, say_once};
use crate::api::{self, ApiState};
use crate::app::App;
use crate::domain::host::ActiveHost;
use crate::plugins::driver::Kinds;
use crate::plugins::registry::Registry;
use crate::store::{Store, StoreError};
use crate::telemetry::Metrics;

pub(super) struct Standby {
    store: Store,
    router: Router,
    active: watch::Sender<Option<ActiveHost>>,
    close: watch::Sender<bool>,
}

impl Standby {
    pub(super) async fn begin(base: &Base) -> anyhow::Result<Self> {
        let store = Store::stand_by(base.options(), Arc::clone(&base.clock)).await?;
        let metrics = Metrics::default();
        let registry = Arc::new(plugins::load(base, &store, &metrics, true).await?);
        let kinds: Arc<dyn Kinds> = Arc::<Registry>::clone(&registry);
        let (active, told) = watch::channel(store.active_host().await?);
        say_who(told.borrow().as_ref());
        let engine = Arc::new(Idle { kinds: Arc::clone(&kinds), active: told.clone() });
        let (clock, log) = (Arc::clone(&base.clock), base.log.clone());
        let app = Arc::new(App::new(store.clone(), kinds, registry, engine, clock, log));
        let (close, closing) = watch::channel(false);
        let state = ApiState::new(app, metrics, closing).with_role(api::Role::StandsBy(told));
        Ok(Self { store, router: api::router(state, base.guard()), active, close })
    }

    pub(super) fn router(&self) -> Router {
        self.router.clone()
    }

    pub(super) fn close_streams(&self) {
        self.close.send_replace(true);
    }

    /// Waits for the database, and begins as any host does that starts; until then this one answers as before.
    pub(super) async fn take_over(&self, base: &Base) -> anyhow::Result<Active> {
        let mut told = String::new();
        loop {
            tokio::time::sleep(TRY_EVERY).await;
            match self.try_to_take_over(base).await {
                Ok(Some(active)) => return Ok(active),
                Ok(None) => {}
                Err(error) if may_pass(&error) => say_once(&mut told, &error),
                Err(error) => return Err(error),
            }
        }
    }

    /// `None`: the other host still has it.
    async fn try_to_take_over(&self, base: &Base) -> anyhow::Result<Option<Active>> {
        match Store::take_over(base.options(), Arc::clone(&base.clock)).await {
            Ok(store) => {
                tracing::info!("the database is free: this host takes over");
                Active::begin(base, store).await.map(Some)
            }
            Err(StoreError::Locked { .. }) => {
                self.look().await?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Who is active now, and whether what it writes is still understood here.
    async fn look(&self) -> anyhow::Result<()> {
        self.store.check_schema().await?;
        let now = self.store.active_host().await?;
        let same = |one: &Option<ActiveHost>, other: &Option<ActiveHost>| {
            one.as_ref().map(|one| &one.host) == other.as_ref().map(|other| &other.host)
        };
        if !same(&self.active.borrow(), &now) {
            say_who(now.as_ref());
        }
        self.active.send_replace(now);
        Ok(())
    }

    pub(super) async fn close(self, base: &Base) {
        // Nobody has to wait a minute to learn that it serves nothing any more.
        if let Err(error) = self.store.save_plugin_host(&base.own.host, &[]).await {
            tracing::debug!(%error, "the other hosts are not told that this one ended");
        }
        self.store.close().await;
    }
}

fn say_who(active: Option<&ActiveHost>) {
    match active {
        Some(ActiveHost { host, url, .. }) => {
            tracing::info!(host, url, "another host is active; this one stands by");
        }
        None => tracing::info!("another host is active, and has not said which; this one stands by"),
    }
}
