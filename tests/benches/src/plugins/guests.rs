//! The components that are measured, as their sources make them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use headgate::plugins::builtin::builtin;
use headgate_plugin_build::Plugin;

/// The guest in Rust that does what its cluster's connection tells it, and nothing by itself.
pub(crate) fn hostile() -> Result<Vec<u8>> {
    let own = std::env::current_exe()?;
    // target/release/headgate-benches: beside the plugins of the host's own build.
    let target_dir = own.ancestors().nth(2).context("the bench lies nowhere")?.join("plugins");
    let crate_dir = project().join("tests/fixtures/guests/hostile");
    headgate_plugin_build::build(&Plugin { crate_dir: &crate_dir, target_dir: &target_dir })
}

/// The sample in JavaScript, built where its sources are newer.
pub(crate) fn nacos() -> Result<Vec<u8>> {
    // What it says would stand in what a child process prints.
    let built = Command::new(project().join("tests/samples.sh")).arg("nacos").output()?;
    ensure!(built.status.success(), "tests/samples.sh nacos: {}", String::from_utf8_lossy(&built.stderr));
    let file = project().join("plugins/nacos/dist/nacos.wasm");
    std::fs::read(&file).with_context(|| format!("read {}", file.display()))
}

/// The largest plugin in Rust that there is.
pub(crate) fn kafka() -> Result<Vec<u8>> {
    let found = builtin().into_iter().find(|(name, _)| *name == "kafka");
    Ok(found.context("the Kafka plugin is not built in")?.1.to_vec())
}

/// The same code as another content: with a custom section of its own at the end.
pub(crate) fn another(component: &[u8], number: u32) -> Vec<u8> {
    const CUSTOM: u8 = 0;
    // The section's length and its name's fit into a byte each.
    const NAME_BYTES: u8 = 16;
    let name = format!("bench-{number:010}");
    [component, &[CUSTOM, NAME_BYTES + 1, NAME_BYTES], name.as_bytes()].concat()
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
