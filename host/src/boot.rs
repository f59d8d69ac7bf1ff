//! The composition root: configuration, store, plugins, sync, reconciler, API; and the way back when it is stopped.

mod live;
mod owner;
mod plugins;

use std::fs::{self, DirBuilder};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::api::listen::Listener;
use crate::api::{self, ApiState, HostGuard};
use crate::app::App;
use crate::clock::{SharedClock, SystemClock};
use crate::config::ServeConfig;
use crate::pipelines::sync::{Sync, Timing};
use crate::plugins::driver::Kinds;
use crate::plugins::registry::Registry;
use crate::reconcile::{self, Reconciler, Settings};
use crate::store::{Options, SealingKey, Store};
use crate::telemetry::{Log, LogFormat, Metrics};

use live::Live;

/// Runs the host until it is told to stop. The first line of standard output says where it listens, once it answers.
pub async fn serve(config: ServeConfig) -> anyhow::Result<()> {
    let format: LogFormat = std::env::var("HEADGATE_LOG_FORMAT").unwrap_or_default().parse()?;
    let log = Log::start(std::env::var("HEADGATE_LOG").ok().as_deref(), format)?;
    config.check()?;
    make_private(&config.data)?;
    // Before anything is opened: a port that is taken is the likeliest reason not to start.
    let listener = Listener::open(&config)?;
    let clock: SharedClock = Arc::new(SystemClock);
    let metrics = Metrics::default();
    let store = open_store(&config, Arc::clone(&clock)).await?;
    let registry = Arc::new(plugins::load(&config, &store, &clock, &metrics).await?);
    let kinds: Arc<dyn Kinds> = Arc::<Registry>::clone(&registry);
    let settings = Settings::default();
    // Back-off begins at the interval: the one that the reconciler keeps.
    let timing = Timing { interval: settings.interval, ..Timing::default() };
    let sync = Sync::new(store.clone(), Arc::clone(&kinds), Arc::clone(&clock), timing);
    let punctuality = metrics.register(reconcile::Metrics::register);
    let reconciler =
        Reconciler::start(sync.clone(), store.clone(), Arc::clone(&clock), settings, punctuality);
    plugins::follow(registry.changes(), store.clone(), reconciler.clone());
    let engine = Arc::new(Live { sync, reconciler: reconciler.clone() });
    let app = Arc::new(App::new(store.clone(), kinds, registry, engine, clock, log));
    owner::ensure(&app, &config.token_file()).await?;

    let (close, closing) = watch::channel(false);
    let guard = HostGuard(config.guards_host().then(|| config.allowed_hosts.clone()));
    let router = api::router(ApiState::new(app, metrics, closing), guard);
    let stopped = stop_signal()?;
    let url = listener.url();
    tell_command_line(&config, &url);
    writeln!(std::io::stdout(), "listening on {url}")?;
    listener
        .serve(router, async move {
            stopped.await;
            tracing::info!("stopping: requests and batches in flight end first");
            close.send_replace(true);
        })
        .await
        .context("the listener failed")?;
    reconciler.shutdown().await;
    store.close().await;
    tracing::info!("stopped");
    Ok(())
}

async fn open_store(config: &ServeConfig, clock: SharedClock) -> anyhow::Result<Store> {
    let key = SealingKey::load_or_create(&config.key_file())?;
    let store = Store::open(Options { url: config.database_url(), key }, clock).await?;
    for lost in store.unreadable_secrets() {
        tracing::error!(
            cluster = lost.cluster,
            secrets = ?lost.names,
            "the sealing key does not open these secrets: put the key file back, or set them again"
        );
    }
    Ok(store)
}

/// The command line on this machine finds the host by it; without it, it needs `--url`.
fn tell_command_line(config: &ServeConfig, url: &str) {
    let file = config.url_file();
    if let Err(error) = fs::write(&file, format!("{url}\n")) {
        tracing::warn!(file = %file.display(), %error, "the address could not be written: give --url to commands");
    }
}

fn make_private(folder: &Path) -> anyhow::Result<()> {
    if !fs::exists(folder).unwrap_or_default() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .with_context(|| format!("cannot make the data folder {}", folder.display()))?;
    }
    Ok(())
}

/// SIGTERM of a service manager, or Ctrl-C.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
