//! Hosts that serve one of the samples in `plugins/` which are not built in, as an operator would add it: a file and a grant.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::host::{Host, Options, compiled};
use crate::{Database, scratch};

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

        let arguments = vec!["--plugins".to_owned(), plugins.to_string_lossy().into_owned()];
        let mut host = Self::new(database.url(), Options { arguments, ..Options::default() })?;
        compiled::give_sample(&host.data(), name, &host.options)?;
        host.restart()?;
        host.until_it_serves(name)?;
        Ok(host)
    }

    /// A host takes what lies in its plugin folder at its start or a moment later.
    pub(super) fn until_it_serves(&self, kind: &str) -> Result<()> {
        self.until("the sample serves", COMPILE_DEADLINE, |host| {
            Ok(host.api("GET", &format!("/api/v1/kinds/{kind}"), None)?.status == 200)
        })
    }
}
