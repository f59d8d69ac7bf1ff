//! Builds the first-party plugins, which the binary carries: `plugins/builtin.rs` includes them from `OUT_DIR`. Lists what
//! `headgate plugin new` makes projects of, which `kit/sources.rs` includes.

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The present contract, SDKs and templates. Folders of tests of the SDKs are not among them.
const KIT: [&str; 7] = [
    "wit/plugin.wit",
    "wit/deps",
    "sdk-guest/Cargo.toml",
    "sdk-guest/src",
    "sdk-guest/js",
    "sdk-guest/python/headgate",
    "sdk-guest/templates",
];

/// What building and testing leave behind.
const LEFT_BEHIND: [&str; 5] = ["node_modules", "dist", "__pycache__", "target", ".venv"];

fn main() -> Result<()> {
    // `sqlx::migrate!` reads the folder while compiling: a new file in it must be seen.
    println!("cargo:rerun-if-changed=../migrations");
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let watched = ["sdk-guest/src", "sdk-guest/Cargo.toml", "wit/plugin.wit", "wit/deps", "Cargo.lock"];
    let watched = watched.map(|path| project.join(path));
    let watched: Vec<&Path> = watched.iter().map(PathBuf::as_path).collect();
    for name in ["kafka", "rocketmq", "zookeeper", "etcd"] {
        headgate_plugin_build::embed(&project.join("plugins").join(name), name, &watched)?;
    }
    list_kit(&project.canonicalize()?)
}

/// `&[("wit/plugin.wit", false, include_bytes!("…")), …]`: path, whether it can be run, content.
fn list_kit(project: &Path) -> Result<()> {
    let mut files = Vec::new();
    for part in KIT {
        println!("cargo:rerun-if-changed={}", project.join(part).display());
        gather(project, &project.join(part), &mut files)?;
    }
    // Folders are read in any order.
    files.sort();
    let mut list = String::from("&[\n");
    for path in files {
        let file = project.join(&path);
        let runs = fs::metadata(&file)?.permissions().mode() & 0o100 != 0;
        writeln!(list, "({path:?}, {runs}, include_bytes!({:?})),", file.display().to_string())?;
    }
    let out = std::env::var_os("OUT_DIR").context("OUT_DIR is not set")?;
    Ok(fs::write(Path::new(&out).join("kit.rs"), list + "]")?)
}

fn gather(project: &Path, path: &Path, files: &mut Vec<String>) -> Result<()> {
    let name = path.strip_prefix(project)?.to_str().context("a name that is no UTF-8")?;
    let last = name.rsplit('/').next().unwrap_or_default();
    if LEFT_BEHIND.contains(&last) || name == "sdk-guest/js/tests" {
        return Ok(());
    }
    if !path.is_dir() {
        files.push(name.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path).with_context(|| format!("read {}", path.display()))? {
        gather(project, &entry?.path(), files)?;
    }
    Ok(())
}
