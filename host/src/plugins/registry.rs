//! The plugins of this host: the built-in ones, and what lies in the operator's directory, for as long as the host runs.
//! A file that is refused is listed with its stage and reason and stops nothing.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use async_trait::async_trait;
use tokio::sync::{Semaphore, broadcast, mpsc, oneshot};

use super::archive::Archive;
use super::cache::Cache;
use super::driver::{
    InstallError, Kind, Kinds, NOT_LOADED, PluginChange, PluginChangeError, Plugins, Upload,
};
use super::engine::GuestEngine;
use super::imports::net::Places;
pub use super::imports::state::StateStore;
use super::install::Installer;
use super::ledger::Ledger;
use super::limits::Limits;
use super::load::{Instruments, Loader};
use super::metrics::Metrics;
use super::refusal::Refusal;
pub use super::watch::Pace;
use super::watch::{Asked, Setup, Shared, Watch};
use crate::clock::SharedClock;
use crate::domain::installation::Installed;
use crate::domain::plugin::PluginStatus;
use crate::domain::record::By;
use crate::domain::signature::SignatureRules;

/// Failures that wait to be kept, and changes that wait to be made: more are told to come back.
const WAITING_MAX: usize = 64;

pub struct Options {
    /// Name and component.
    pub builtin: Vec<(&'static str, &'static [u8])>,
    pub directory: Option<PathBuf>,
    /// Made private; holds machine code.
    pub cache: PathBuf,
    /// Made private; holds versions that served.
    pub archive: PathBuf,
    pub limits: Limits,
    pub pace: Pace,
    pub signatures: SignatureRules,
    pub clock: SharedClock,
    pub state: Arc<dyn StateStore>,
    pub ledger: Arc<dyn Ledger>,
    /// Another host keeps the records: they are read again with every exchange.
    pub follows: bool,
    pub metrics: Metrics,
}

/// The handle. The plugins are watched for as long as it is held.
pub struct Registry {
    shared: Arc<Shared>,
    asked: mpsc::Sender<Asked>,
    installer: Installer,
}

impl Registry {
    /// Waits for what is there already. Fails only where the host itself cannot run any plugin.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let engine = GuestEngine::start()
            .map_err(|error| anyhow::anyhow!("the WebAssembly engine does not start: {error:#}"))?;
        let cache = Cache::open(&options.cache, engine.wasm())
            .with_context(|| format!("the cache folder {} cannot be used", options.cache.display()))?;
        let archive = Archive::open(&options.archive)
            .with_context(|| format!("the folder {} cannot be used", options.archive.display()))?;
        let (reports, reported) = mpsc::channel(WAITING_MAX);
        let loader = Arc::new(Loader {
            engine,
            cache: Arc::new(cache),
            limits: options.limits,
            clock: options.clock,
            state: options.state,
            metrics: options.metrics,
            places: Places::default(),
            compiler: Semaphore::new(1),
            reports,
            instruments: Instruments::default(),
        });
        let shared = Arc::new(Shared::new());
        let installer = Installer {
            loader: Arc::clone(&loader),
            ledger: Arc::clone(&options.ledger),
            directory: options.directory.clone(),
            shared: Arc::clone(&shared),
            signatures: Arc::new(options.signatures.clone()),
        };
        let mut watch = Watch::new(Setup {
            loader,
            archive,
            ledger: options.ledger,
            follows: options.follows,
            directory: options.directory,
            pace: options.pace,
            signatures: options.signatures,
            shared: Arc::clone(&shared),
        });
        watch.begin(options.builtin).await;
        let (asked, asking) = mpsc::channel(WAITING_MAX);
        tokio::spawn(watch.run(asking, reported));
        Ok(Self { shared, asked, installer })
    }

    /// What lies there and was not taken, in the order of names.
    pub fn refusals(&self) -> Vec<Refusal> {
        self.shared.load().refusals.clone()
    }

    #[cfg(test)]
    pub(super) fn looks(&self) -> u64 {
        self.shared.looks.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Kinds that serve another version, or none, from now on.
    pub fn changes(&self) -> broadcast::Receiver<String> {
        self.shared.changes()
    }
}

impl Kinds for Registry {
    fn find(&self, kind: &str) -> Option<Arc<dyn Kind>> {
        self.shared.load().kinds.get(kind).cloned()
    }

    fn list(&self) -> Vec<Arc<dyn Kind>> {
        self.shared.load().kinds.values().cloned().collect()
    }

    fn why_absent(&self, kind: &str) -> String {
        let told = self.shared.load().absent.get(kind).cloned();
        told.unwrap_or_else(|| NOT_LOADED.to_owned())
    }
}

#[async_trait]
impl Plugins for Registry {
    fn statuses(&self) -> Vec<PluginStatus> {
        self.shared.load().statuses()
    }

    async fn change(&self, name: &str, change: PluginChange, by: &By) -> Result<(), PluginChangeError> {
        let (reply, answer) = oneshot::channel();
        let asked = Asked { name: name.to_owned(), change, by: by.clone(), reply };
        self.asked.send(asked).await.map_err(|_stopped| PluginChangeError::Stopping)?;
        answer.await.unwrap_or(Err(PluginChangeError::Stopping))
    }

    async fn install(&self, upload: Upload, by: &By) -> Result<Installed, InstallError> {
        self.installer.install(upload, by).await
    }

    async fn remove(&self, name: &str, by: &By) -> Result<String, PluginChangeError> {
        self.installer.remove(name, by).await
    }
}
