//! The host that acts: its reconciler, its API, and how it stops acting when it lost the database.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::live::Live;
use super::{Base, owner, plugins};
use crate::api::{self, ApiState};
use crate::app::App;
use crate::pipelines::sync::{Sync, Timing};
use crate::plugins::driver::Kinds;
use crate::plugins::registry::Registry;
use crate::reconcile::{self, Reconciler, Settings};
use crate::store::{LOSS_NOTICED, Store, StoreError};
use crate::telemetry::Metrics;

/// After this a host that did not end as it should acts no more: it noticed, and its calls to clusters were cut.
const STOOD_DOWN: Duration = Duration::from_secs(7);

const _: () = assert!(LOSS_NOTICED.as_secs() < STOOD_DOWN.as_secs());

pub(super) struct Active {
    store: Store,
    reconciler: Reconciler,
    following: JoinHandle<()>,
    router: Router,
    close: watch::Sender<bool>,
}

impl Active {
    /// The store is closed where this fails.
    pub(super) async fn begin(base: &Base, store: Store) -> anyhow::Result<Self> {
        let begun = Self::begin_with(base, store.clone()).await;
        if begun.is_err() {
            store.close().await;
        }
        begun
    }

    async fn begin_with(base: &Base, store: Store) -> anyhow::Result<Self> {
        for lost in store.unreadable_secrets() {
            tracing::error!(
                cluster = lost.cluster,
                secrets = ?lost.names,
                "the sealing key does not open these secrets: put the key file back, or set them again"
            );
        }
        let metrics = Metrics::default();
        let registry = tokio::select! {
            loaded = load(base, &store, &metrics) => Arc::new(loaded?),
            () = store.lost() => return Err(StoreError::Lost.into()),
        };
        let kinds: Arc<dyn Kinds> = Arc::<Registry>::clone(&registry);
        let settings = Settings::default();
        // Back-off begins at the interval: the one that the reconciler keeps.
        let timing = Timing { interval: settings.interval, ..Timing::default() };
        let clock = || Arc::clone(&base.clock);
        let sync = Sync::new(store.clone(), Arc::clone(&kinds), clock(), timing);
        let punctuality = metrics.register(reconcile::Metrics::register);
        let reconciler = Reconciler::start(sync.clone(), store.clone(), clock(), settings, punctuality);
        let following = plugins::follow(registry.changes(), store.clone(), reconciler.clone());
        let engine = Arc::new(Live { sync, reconciler: reconciler.clone() });
        let app = Arc::new(App::new(store.clone(), kinds, registry, engine, clock(), base.log.clone()));
        let (close, closing) = watch::channel(false);
        let router = api::router(ApiState::new(Arc::clone(&app), metrics, closing), base.guard());
        let active = Self { store, reconciler, following, router, close };
        match owner::ensure(&app, &base.config.token_file()).await {
            Ok(()) => Ok(active),
            Err(error) => {
                active.cut().await;
                Err(error)
            }
        }
    }

    pub(super) fn router(&self) -> Router {
        self.router.clone()
    }

    pub(super) fn close_streams(&self) {
        self.close.send_replace(true);
    }

    /// Ends when another host may act on the database.
    pub(super) async fn lost(&self) {
        self.store.lost().await;
        tracing::error!(
            "the claim to the database is lost: this host stops acting at once, another one may act"
        );
    }

    /// At once, without a word: what it says would not be heard any more.
    pub(super) async fn cut(self) {
        let Self { store, reconciler, following, router, .. } = self;
        following.abort();
        reconciler.cut().await;
        // With it go the plugins, which write down what becomes of them.
        drop((router, reconciler));
        store.close().await;
    }

    /// Batches in flight end first.
    pub(super) async fn close(self) {
        self.following.abort();
        self.reconciler.shutdown().await;
        if let Err(error) = self.store.withdraw().await {
            tracing::debug!(%error, "hosts that stand by are not told that this one ended");
        }
        self.store.close().await;
    }
}

/// The plugins, while the host before this one certainly ends.
async fn load(base: &Base, store: &Store, metrics: &Metrics) -> anyhow::Result<Registry> {
    let (loaded, followed) = tokio::join!(plugins::load(base, store, metrics, false), follow_on(base, store));
    followed?;
    loaded
}

/// Says that this host is active, and waits until the one before it certainly is not.
async fn follow_on(base: &Base, store: &Store) -> Result<(), StoreError> {
    let before = store.active_host().await?.filter(|before| before.host != base.own.host);
    store.announce(&base.own).await?;
    if let Some(before) = before {
        tracing::info!(
            host = before.host,
            url = before.url,
            "the host that was active did not say that it ended: this one waits until that is certain"
        );
        tokio::time::sleep(STOOD_DOWN).await;
    }
    Ok(())
}
