//! The host's own registry in this process, over a plugin folder.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use headgate::domain::cluster::Cluster;
use headgate::domain::plugin::PluginStatus;
use headgate::plugins::driver::{Driver, Kinds, Plugins, Secrets};
use headgate::plugins::registry::{Options, Pace, Registry};
use tempfile::TempDir;

use crate::plugin;

pub(crate) struct World {
    pub(crate) registry: Registry,
    folder: TempDir,
    /// Where files are written before they are moved: a copy that is under way is seen many times.
    outside: TempDir,
}

impl World {
    /// With these files, which get nothing of what they ask for; what is compiled stays in `cache`.
    pub(crate) async fn of(files: &[(&str, &[u8])], cache: &Path) -> Result<Self> {
        let (folder, outside) = (tempfile::tempdir()?, tempfile::tempdir()?);
        let mut grants = String::new();
        for (kind, bytes) in files {
            fs::write(folder.path().join(file(kind)), bytes)?;
            grants.push_str(&format!("{kind}: {{}}\n"));
        }
        fs::write(folder.path().join("grants.yaml"), grants)?;
        let registry = Registry::start(Options {
            builtin: Vec::new(),
            directory: Some(folder.path().to_owned()),
            // A file that was seen is settled by the next look, which follows at once.
            pace: Pace { settle: Duration::ZERO, ..Pace::default() },
            ..plugin::options(cache)
        });
        let world = Self { registry: registry.await?, folder, outside };
        for (kind, _) in files {
            world.status(kind)?;
        }
        Ok(world)
    }

    /// Takes the place of the kind's file, whole and at once.
    pub(crate) fn put(&self, kind: &str, bytes: &[u8]) -> Result<()> {
        let beside = self.outside.path().join(file(kind));
        fs::write(&beside, bytes)?;
        Ok(fs::rename(beside, self.folder.path().join(file(kind)))?)
    }

    /// Of a kind that serves.
    pub(crate) fn status(&self, kind: &str) -> Result<PluginStatus> {
        let found = self.registry.statuses().into_iter().find(|status| status.kind.as_deref() == Some(kind));
        found.with_context(|| format!("{kind} is not served: {:?}", self.registry.refusals()))
    }

    /// Of the version that serves now.
    pub(crate) async fn driver(&self, cluster: &Cluster) -> Result<Arc<dyn Driver>> {
        let kind = self.registry.find(&cluster.kind);
        let kind = kind.with_context(|| format!("the kind {} is not served", cluster.kind))?;
        Ok(kind.driver(cluster, Secrets::default()).await?)
    }
}

fn file(kind: &str) -> String {
    format!("{kind}.wasm")
}
