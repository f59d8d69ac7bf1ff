//! Hosts that serve what is not built in, as an operator would add it, a file and a grant: one of the samples in `plugins/`, or
//! plugins for a released version of the contract.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use headgate_plugin_build::Plugin;

use crate::host::{Host, Options, compiled};
use crate::{Behaviour, Database, guest, scratch};

/// The interpreter inside of a sample in Python is a minute of work for the compiler, which a busy machine stretches.
pub(super) const COMPILE_DEADLINE: Duration = Duration::from_secs(900);

impl Host {
    /// Starts with that sample in the plugin folder. It may reach the addresses in that field of its connection form.
    ///
    /// # Errors
    /// As [`Host::start`], or nobody built the sample.
    pub fn with_sample(database: &Database, name: &str, field: &str) -> Result<Self> {
        let plugins = scratch::folder("samples.")?.keep();
        let file = format!("{name}.wasm");
        let built =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins").join(name).join("dist").join(&file);
        fs::copy(&built, plugins.join(&file))
            .with_context(|| format!("take {}: `make samples` builds it", built.display()))?;
        let grants =
            format!("{name}:\n  network:\n    - {{host: \"${{connection./{field}}}\", ports: 1-65535}}\n");
        fs::write(plugins.join("grants.yaml"), grants)?;

        Self::serving(database, &plugins, &[name])
    }

    /// Starts with plugins that were built for a released version of the contract, of the kinds `notes-rust`, `notes-js` and
    /// `notes-python`, and with one for the present version, of the kind `toy`.
    ///
    /// # Errors
    /// As [`Host::with_sample`].
    pub fn with_released(database: &Database, version: &str) -> Result<Self> {
        let plugins = scratch::folder("released.")?.keep();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let fixtures = root.join("tests/fixtures/released").join(version);
        for language in ["js", "python"] {
            let built = fixtures.join(format!("dist/{language}.wasm"));
            fs::copy(&built, plugins.join(format!("notes-{language}.wasm")))
                .with_context(|| format!("take {}: `make samples` builds it", built.display()))?;
        }
        let target_dir =
            std::env::current_exe()?.ancestors().nth(3).context("the target folder")?.join("plugins");
        let in_rust = Plugin { crate_dir: &fixtures.join("rust"), target_dir: &target_dir };
        fs::write(plugins.join("notes-rust.wasm"), headgate_plugin_build::build(&in_rust)?)?;
        fs::write(plugins.join("toy.wasm"), guest("toy", "1.0.0", Behaviour::Answers)?)?;
        Self::serving(database, &plugins, &["notes-rust", "notes-js", "notes-python", "toy"])
    }

    fn serving(database: &Database, plugins: &Path, kinds: &[&str]) -> Result<Self> {
        let arguments = vec!["--plugins".to_owned(), plugins.to_string_lossy().into_owned()];
        let mut host = Self::new(database.url(), Options { arguments, ..Options::default() })?;
        compiled::give_kinds(&host.data(), kinds, &host.options)?;
        host.restart()?;
        host.until_they_serve(kinds)?;
        Ok(host)
    }

    /// A host takes what lies in its plugin folder at its start or a moment later.
    pub(super) fn until_they_serve(&self, kinds: &[&str]) -> Result<()> {
        kinds.iter().try_for_each(|kind| {
            self.until(&format!("{kind} serves"), COMPILE_DEADLINE, |host| {
                Ok(host.api("GET", &format!("/api/v1/kinds/{kind}"), None)?.status == 200)
            })
        })
    }
}
