//! The loaded plugins: the built-in ones, and what lies in the operator's directory. A file that is refused is listed
//! with its stage and reason and stops nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use super::cache::Cache;
use super::describe;
use super::driver::{Kind, Kinds};
use super::engine::GuestEngine;
use super::grants::Given;
use super::imports::net::Places;
pub use super::imports::state::StateStore;
use super::limits::Limits;
use super::metrics::Metrics;
use super::package::Package;
use super::plugin::{Parts, Plugin};
use super::refusal::{Refusal, Stage};
use super::sessions::Sessions;
use crate::clock::SharedClock;

/// The operator's grants, beside the plugins of the directory: a map of kinds.
const GRANTS_FILE: &str = "grants.yaml";

pub struct Options {
    /// Name and component.
    pub builtin: Vec<(&'static str, &'static [u8])>,
    pub directory: Option<PathBuf>,
    /// Made private; holds machine code.
    pub cache: PathBuf,
    pub limits: Limits,
    pub clock: SharedClock,
    pub state: Arc<dyn StateStore>,
    pub metrics: Metrics,
}

pub struct Registry {
    plugins: BTreeMap<String, Arc<dyn Kind>>,
    refusals: Vec<Refusal>,
}

impl Registry {
    /// Fails only where the host itself cannot run any plugin.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let engine = GuestEngine::start()
            .map_err(|error| anyhow::anyhow!("the WebAssembly engine does not start: {error:#}"))?;
        let cache = Cache::open(&options.cache, engine.wasm())
            .with_context(|| format!("the cache folder {} cannot be used", options.cache.display()))?;
        let mut loader = Loader {
            engine,
            cache: Arc::new(cache),
            options,
            grants: BTreeMap::new(),
            places: Places::default(),
            registry: Self { plugins: BTreeMap::new(), refusals: Vec::new() },
        };
        for (name, bytes) in loader.options.builtin.clone() {
            let package = Package { name: name.to_owned(), bytes: bytes.to_vec() };
            loader.add(package, Origin::Builtin).await;
        }
        if let Some(directory) = loader.options.directory.clone() {
            loader.add_directory(&directory).await;
        }
        Ok(loader.registry)
    }

    /// What was not taken, in the order of loading.
    pub fn refusals(&self) -> &[Refusal] {
        &self.refusals
    }
}

impl Kinds for Registry {
    fn find(&self, kind: &str) -> Option<Arc<dyn Kind>> {
        self.plugins.get(kind).cloned()
    }

    fn list(&self) -> Vec<Arc<dyn Kind>> {
        self.plugins.values().cloned().collect()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Builtin,
    Directory,
}

struct Loader {
    engine: GuestEngine,
    cache: Arc<Cache>,
    options: Options,
    /// By kind.
    grants: BTreeMap<String, Given>,
    places: Places,
    registry: Registry,
}

impl Loader {
    async fn add_directory(&mut self, directory: &Path) {
        let name = directory.display().to_string();
        let mut files = match plugin_files(directory) {
            Ok(files) => files,
            Err(error) => {
                let advice = "make it, or leave out --plugins";
                return self.refuse(Refusal::new(&name, Stage::Read, "a folder", error.to_string(), advice));
            }
        };
        match read_grants(&directory.join(GRANTS_FILE)) {
            Ok(grants) => self.grants = grants,
            Err(refusal) => self.refuse(refusal),
        }
        files.sort();
        for file in files {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match fs::read(&file) {
                Ok(bytes) => self.add(Package { name, bytes }, Origin::Directory).await,
                Err(error) => {
                    let advice = "let this user read it";
                    self.refuse(Refusal::new(
                        &name,
                        Stage::Read,
                        "a readable file",
                        error.to_string(),
                        advice,
                    ));
                }
            }
        }
    }

    async fn add(&mut self, package: Package, origin: Origin) {
        let name = package.name.clone();
        match self.load(package, origin).await {
            Ok(plugin) => {
                let description = plugin.description();
                tracing::info!(
                    kind = description.kind,
                    version = description.version,
                    file = name,
                    "plugin serves"
                );
                self.registry.plugins.insert(description.kind.clone(), Arc::new(plugin));
            }
            Err(refusal) => self.refuse(refusal),
        }
    }

    fn refuse(&mut self, refusal: Refusal) {
        tracing::error!("{refusal}");
        self.registry.refusals.push(refusal);
    }

    async fn load(&self, package: Package, origin: Origin) -> Result<Plugin, Refusal> {
        let name = package.name.clone();
        let (engine, cache) = (self.engine.clone(), Arc::clone(&self.cache));
        let metrics = self.options.metrics.clone();
        let prepare = move || {
            let compiled = package.verify()?.compile(&engine, &cache, &metrics)?;
            let digest = compiled.digest.clone();
            Ok((compiled.link(&engine)?, digest))
        };
        let prepared = tokio::task::spawn_blocking(prepare).await.unwrap_or_else(|stopped| {
            let advice = "report it with the file";
            Err(Refusal::new(&name, Stage::Compile, "a compiler that ends", stopped.to_string(), advice))
        });
        let (linked, digest) = prepared?;
        let parts = |name: &str| {
            Arc::new(Parts {
                name: Arc::from(name),
                digest: digest.clone(),
                linked: Arc::clone(&linked),
                engine: self.engine.clone(),
                limits: self.options.limits.clone(),
                clock: Arc::clone(&self.options.clock),
                metrics: self.options.metrics.of(name),
            })
        };
        let description = parts(&name).describe().await.map_err(|failed| {
            let advice = "its log lines above may say why; try it with the plugin's own tests";
            Refusal::new(&name, Stage::Describe, "a description of itself", failed.to_string(), advice)
        })?;
        describe::check(&name, &description)?;
        self.check_free(&name, &description.kind, origin)?;
        let given = self.grants.get(&description.kind).cloned().unwrap_or_else(|| match origin {
            Origin::Builtin => Given::builtin(&description.grants),
            Origin::Directory => Given::default(),
        });
        let parts = parts(&description.kind);
        let (places, state) = (self.places.of_another(), Arc::clone(&self.options.state));
        let sessions = Sessions::new(Arc::clone(&parts), description.clone(), given, places, state);
        Ok(Plugin::new(parts, description, sessions))
    }

    /// A built-in kind is not replaced by a file: it would get the clusters and secrets of the first.
    fn check_free(&self, name: &str, kind: &str, origin: Origin) -> Result<(), Refusal> {
        if !self.registry.plugins.contains_key(kind) {
            return Ok(());
        }
        let advice = match origin {
            Origin::Builtin => "keep one of them",
            Origin::Directory => "remove the file, or give its manifest another kind",
        };
        let found = format!("the kind `{kind}`, which another plugin serves");
        Err(Refusal::new(name, Stage::Activate, "a kind of its own", found, advice))
    }
}

fn plugin_files(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        // Compiled code too: to say that it is refused.
        if path.extension().is_some_and(|end| end == "wasm" || end == "cwasm") {
            files.push(path);
        }
    }
    Ok(files)
}

fn read_grants(file: &Path) -> Result<BTreeMap<String, Given>, Refusal> {
    let refuse = |found: String| {
        let expected = "a map of kinds, each with `network: [{host, ports}]` and `advertised`";
        Refusal::new(GRANTS_FILE, Stage::Read, expected, found, "correct it; until then nothing is granted")
    };
    match fs::read_to_string(file) {
        Ok(text) => serde_saphyr::from_str(&text).map_err(|error| refuse(error.to_string())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(refuse(error.to_string())),
    }
}
