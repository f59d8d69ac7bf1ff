//! Builds the first-party plugins, which the binary carries: `plugins/builtin.rs` includes them from `OUT_DIR`.

use std::path::{Path, PathBuf};

use anyhow::Result;

fn main() -> Result<()> {
    // `sqlx::migrate!` reads the folder while compiling: a new file in it must be seen.
    println!("cargo:rerun-if-changed=../migrations");
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let watched =
        ["sdk-guest/src", "sdk-guest/Cargo.toml", "wit", "Cargo.lock"].map(|path| project.join(path));
    let watched: Vec<&Path> = watched.iter().map(PathBuf::as_path).collect();
    for name in ["kafka", "rocketmq", "zookeeper", "etcd"] {
        headgate_plugin_build::embed(&project.join("plugins").join(name), name, &watched)?;
    }
    Ok(())
}
