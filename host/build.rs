//! Builds the first-party plugins, which the binary carries: `include_bytes!(concat!(env!("OUT_DIR"), "/kafka.wasm"))`.

use std::path::{Path, PathBuf};

use anyhow::Result;

fn main() -> Result<()> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let watched =
        ["sdk-guest/src", "sdk-guest/Cargo.toml", "wit", "Cargo.lock"].map(|path| project.join(path));
    let watched: Vec<&Path> = watched.iter().map(PathBuf::as_path).collect();
    headgate_plugin_build::embed(&project.join("plugins/kafka"), "kafka", &watched)
}
