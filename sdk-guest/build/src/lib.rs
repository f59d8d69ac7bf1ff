//! Builds a plugin: its crate for wasm32-unknown-unknown with a small profile, then the component. For `headgate plugin build`,
//! for build scripts of who embeds plugins, and for tests that need one.
//!
//! Invariant: the inner cargo never waits on the outer one: it has its own target folder, and nothing of the outer
//! build's environment reaches it.

mod toolchain;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};
pub use toolchain::{TARGET, Toolchain};
use wit_component::ComponentEncoder;

/// The guest's stack within its memory. Rust's default of 1 MiB would be zeroed for every instance; decoding and JSON
/// recurse a few dozen frames at most.
const SHADOW_STACK_BYTES: u32 = 128 * 1024;

/// Variables of the outer build that would change the inner one: flags, wrappers (Clippy's among them), profiles.
const OUTER_VARIABLES: [&str; 10] = [
    "CARGO",
    "CARGO_BUILD_TARGET",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_MAKEFLAGS",
    "CARGO_TARGET_DIR",
    "CLIPPY_ARGS",
    "MAKEFLAGS",
    "RUSTC",
    "RUSTFLAGS",
    "TARGET",
];

/// The same, by how their names begin.
const OUTER_PREFIXES: [&str; 9] = [
    "CARGO_BUILD_",
    "CARGO_CFG_",
    "CARGO_FEATURE_",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CARGO_PROFILE_",
    "CARGO_TARGET_",
    "RUSTC_",
    "RUSTDOC",
];

/// The profile of guests. Names stay, or a trap's backtrace says nothing; debug information goes.
const PROFILE: [(&str, &str); 6] = [
    ("OPT_LEVEL", "s"),
    ("LTO", "fat"),
    ("CODEGEN_UNITS", "1"),
    ("PANIC", "abort"),
    ("STRIP", "debuginfo"),
    ("DEBUG", "0"),
];

/// A plugin's crate and where its parts go.
pub struct Plugin<'a> {
    /// The folder with the crate's `Cargo.toml`.
    pub crate_dir: &'a Path,
    /// Where the inner cargo keeps what it builds; kept between builds and shared by plugins.
    pub target_dir: &'a Path,
}

/// For a build script: builds the crate and writes `NAME.wasm` to `OUT_DIR`, again whenever the plugin or one of
/// `also_watched` (the SDK, the contract) changes.
#[expect(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]
pub fn embed(crate_dir: &Path, name: &str, also_watched: &[&Path]) -> Result<()> {
    let out =
        PathBuf::from(env::var_os("OUT_DIR").context("OUT_DIR is not set: call this from a build script")?);
    for watched in [crate_dir].iter().chain(also_watched) {
        println!("cargo::rerun-if-changed={}", watched.display());
    }
    let component = build(&Plugin { crate_dir, target_dir: &shared_target_dir(&out) })?;
    let path = out.join(format!("{name}.wasm"));
    fs::write(&path, component).with_context(|| format!("write {}", path.display()))
}

/// What becomes of the words of cargo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words {
    /// They are part of the error where it fails.
    OnFailure,
    /// They go to standard error as they come.
    Live,
}

/// Builds the crate and gives the component's bytes.
pub fn build(plugin: &Plugin<'_>) -> Result<Vec<u8>> {
    build_telling(plugin, Words::OnFailure)
}

/// The same, where a person may look on.
pub fn build_telling(plugin: &Plugin<'_>, words: Words) -> Result<Vec<u8>> {
    let toolchain = Toolchain::find()?;
    let module = compile(plugin, &toolchain, words)?;
    let bytes = fs::read(&module).with_context(|| format!("read {}", module.display()))?;
    componentize(&bytes).with_context(|| format!("make a component of {}", module.display()))
}

/// `target/debug/build/headgate-1f/out` gives `target/plugins`, so that every profile of the outer build finds the same.
fn shared_target_dir(out: &Path) -> PathBuf {
    match out.ancestors().nth(4) {
        Some(target) if out.ancestors().nth(2).is_some_and(|build| build.ends_with("build")) => {
            target.join("plugins")
        }
        _ => out.join("plugins"),
    }
}

fn compile(plugin: &Plugin<'_>, toolchain: &Toolchain, words: Words) -> Result<PathBuf> {
    let manifest = plugin.crate_dir.join("Cargo.toml");
    let mut command = Command::new("cargo");
    scrub(&mut command);
    toolchain.prepare(&mut command);
    for (key, value) in PROFILE {
        command.env(format!("CARGO_PROFILE_RELEASE_{key}"), value);
    }
    command
        .args(["rustc", "--lib", "--release", "--crate-type", "cdylib", "--target", TARGET])
        .args(toolchain.arguments())
        .args(["--message-format", "json-render-diagnostics"])
        .arg("--manifest-path")
        .arg(&manifest)
        .arg("--target-dir")
        .arg(plugin.target_dir)
        .args(["--", "-C", &format!("link-arg=-zstack-size={SHADOW_STACK_BYTES}")]);
    if words == Words::Live {
        command.stderr(Stdio::inherit());
    }
    let output = command.output().context("start cargo for the plugin")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the plugin {} does not build:\n{said}", manifest.display());
    artifact(&String::from_utf8_lossy(&output.stdout))
        .with_context(|| format!("cargo named no .wasm file for {}", manifest.display()))
}

fn scrub(command: &mut Command) {
    let ours = |name: &OsStr| {
        let name = name.to_string_lossy();
        OUTER_VARIABLES.contains(&name.as_ref())
            || OUTER_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
    };
    for (name, _) in env::vars_os().filter(|(name, _)| ours(name)) {
        command.env_remove(name);
    }
}

/// The `.wasm` file in cargo's messages; the last one is the crate that was asked for.
fn artifact(messages: &str) -> Option<PathBuf> {
    let mut quoted = messages.split('"').filter(|text| text.ends_with(".wasm"));
    quoted.next_back().map(|path| PathBuf::from(path.replace("\\\\", "\\")))
}

/// The world comes from the custom section that wit-bindgen left in the module.
fn componentize(module: &[u8]) -> Result<Vec<u8>> {
    if !module.starts_with(b"\0asm") {
        bail!("the file is no WebAssembly module");
    }
    ComponentEncoder::default().validate(true).module(module)?.encode()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_folder_is_shared_by_profiles() {
        let shared = shared_target_dir(Path::new("/p/target/debug/build/headgate-1f/out"));
        assert_eq!(shared, Path::new("/p/target/plugins"));
        assert_eq!(shared_target_dir(Path::new("/elsewhere")), Path::new("/elsewhere/plugins"));
    }

    #[test]
    fn the_artifact_is_the_last_module_named() {
        let messages = r#"{"reason":"compiler-artifact","filenames":["/t/one.rlib"]}
            {"reason":"compiler-artifact","filenames":["/t/headgate_kafka.wasm"]}"#;
        assert_eq!(artifact(messages), Some(PathBuf::from("/t/headgate_kafka.wasm")));
        assert_eq!(artifact("{}"), None);
    }

    #[test]
    fn what_is_no_module_is_refused() {
        assert!(componentize(b"hello").is_err());
    }
}
