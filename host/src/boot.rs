//! The composition root: configuration, store, plugins, sync, reconciler, API; and the way back when it is stopped.
//!
//! A host is active or stands by, and changes from one to the other behind the same listener.

mod active;
mod folder;
mod idle;
mod live;
mod owner;
mod plugins;
mod standby;

use std::fs;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::api::listen::Listener;
use crate::api::{Front, HostGuard, between};
use crate::clock::{SharedClock, SystemClock};
use crate::config::ServeConfig;
use crate::domain::host::ActiveHost;
use crate::store::{Options, SealingKey, Store, StoreError};
use crate::telemetry::{Log, LogFormat};

use active::Active;
use folder::Folder;
use standby::Standby;

/// How often a database that is held or away is tried again.
const TRY_EVERY: Duration = Duration::from_secs(2);

/// What a host has in every role.
struct Base {
    config: ServeConfig,
    key: SealingKey,
    clock: SharedClock,
    log: Log,
    folder: Folder,
    /// As others are told of it, once it is active.
    own: ActiveHost,
}

enum Role {
    Active(Active),
    Standby(Standby),
    /// It lost the database: another host has it, or it is away.
    Away,
}

/// Runs the host until it is told to stop. The first line of standard output says where it listens, once it answers.
pub async fn serve(config: ServeConfig) -> anyhow::Result<()> {
    let format: LogFormat = std::env::var("HEADGATE_LOG_FORMAT").unwrap_or_default().parse()?;
    let log = Log::start(std::env::var("HEADGATE_LOG").ok().as_deref(), format)?;
    config.check()?;
    let folder = Folder::open(&config.data)?;
    // Before anything is opened: a port that is taken is the likeliest reason not to start.
    let listener = Listener::open(&config)?;
    let base = Base::of(config, log, folder, &listener)?;
    let mut role = Role::begin(&base, Store::open(base.options(), Arc::clone(&base.clock)).await).await?;

    let front = Front::of(role.router());
    let (stop, told_to_stop) = oneshot::channel::<()>();
    let stopped = stop_signal()?;
    let url = listener.url();
    tell_command_line(&base.config, &url);
    writeln!(std::io::stdout(), "listening on {url}")?;
    let mut serving = tokio::spawn(listener.serve(front.router(), async move { drop(told_to_stop.await) }));
    tokio::select! {
        () = stopped => {}
        failed = change_roles(&base, &mut role, &front) => failed?,
        served = &mut serving => return served?.context("the listener failed"),
    }
    tracing::info!("stopping: requests and batches in flight end first");
    role.close_streams();
    drop(stop);
    serving.await?.context("the listener failed")?;
    role.close(&base).await;
    tracing::info!("stopped");
    Ok(())
}

/// Ends only where this host can take no role any more.
async fn change_roles(base: &Base, role: &mut Role, front: &Front) -> anyhow::Result<()> {
    loop {
        let next = match role {
            Role::Active(active) => {
                active.lost().await;
                Role::Away
            }
            Role::Standby(standby) => Role::Active(standby.take_over(base).await?),
            Role::Away => Role::begin_again(base).await?,
        };
        front.show(next.router());
        if matches!(next, Role::Active(_)) {
            tracing::info!("this host is active");
        }
        std::mem::replace(role, next).leave().await;
    }
}

impl Base {
    fn of(config: ServeConfig, log: Log, folder: Folder, listener: &Listener) -> anyhow::Result<Self> {
        let key = SealingKey::load_or_create(&config.key_file())?;
        let clock: SharedClock = Arc::new(SystemClock);
        let url = listener.url_elsewhere(&folder::machine());
        let own = ActiveHost { host: folder.host.clone(), url };
        Ok(Self { config, key, clock, log, folder, own })
    }

    fn options(&self) -> Options {
        Options { url: self.config.database_url(), key: self.key.clone() }
    }

    fn guard(&self) -> HostGuard {
        HostGuard(self.config.guards_host().then(|| self.config.allowed_hosts.clone()))
    }
}

impl Role {
    /// The one that the database leaves to this host, which works alone in its data folder.
    async fn begin(base: &Base, opened: Result<Store, StoreError>) -> anyhow::Result<Self> {
        match opened {
            Ok(store) => {
                base.folder.lock().await?;
                Ok(Self::Active(Active::begin(base, store).await?))
            }
            // A file is of one machine: who is to take over there is the machine's own business.
            Err(StoreError::Locked { .. }) if base.config.shares_database() && base.folder.try_lock()? => {
                Ok(Self::Standby(Standby::begin(base).await?))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// As soon as the database answers.
    async fn begin_again(base: &Base) -> anyhow::Result<Self> {
        let mut told = String::new();
        loop {
            let opened = Store::take_over(base.options(), Arc::clone(&base.clock)).await;
            match Self::begin(base, opened).await {
                Err(error) if may_pass(&error) => say_once(&mut told, &error),
                begun => return begun,
            }
            tokio::time::sleep(TRY_EVERY).await;
        }
    }

    fn router(&self) -> axum::Router {
        match self {
            Self::Active(active) => active.router(),
            Self::Standby(standby) => standby.router(),
            Self::Away => between(),
        }
    }

    fn close_streams(&self) {
        match self {
            Self::Active(active) => active.close_streams(),
            Self::Standby(standby) => standby.close_streams(),
            Self::Away => {}
        }
    }

    /// Another role took its place: what is asked of this one ends with it.
    async fn leave(self) {
        self.close_streams();
        match self {
            Self::Active(active) => active.cut().await,
            Self::Standby(_) | Self::Away => {}
        }
    }

    async fn close(self, base: &Base) {
        match self {
            Self::Active(active) => active.close().await,
            Self::Standby(standby) => standby.close(base).await,
            Self::Away => {}
        }
    }
}

fn may_pass(error: &anyhow::Error) -> bool {
    error.downcast_ref::<StoreError>().is_some_and(StoreError::may_pass)
}

/// What stands in the way is said when it is another one than before.
fn say_once(told: &mut String, error: &anyhow::Error) {
    let text = format!("{error:#}");
    if *told != text {
        tracing::warn!(error = text, "the database cannot be worked with now; it is tried again");
        *told = text;
    }
}

/// The command line on this machine finds the host by it; without it, it needs `--url`.
fn tell_command_line(config: &ServeConfig, url: &str) {
    let file = config.url_file();
    if let Err(error) = fs::write(&file, format!("{url}\n")) {
        tracing::warn!(file = %file.display(), %error, "the address could not be written: give --url to commands");
    }
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
