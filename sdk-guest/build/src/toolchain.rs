//! Finds what can compile for WebAssembly here: rustup's target, or Debian's packages with the standard library's source.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

/// What plugins are compiled for.
pub const TARGET: &str = "wasm32-unknown-unknown";

const ADVICE: &str = "install it by `rustup target add wasm32-unknown-unknown`, \
    or on Debian by `apt install rustc-web cargo-web rust-web-src lld`";

/// How this machine compiles for it.
#[derive(Debug, PartialEq, Eq)]
pub enum Toolchain {
    /// The target's standard library is installed.
    Installed,
    /// Only its source is: it is built with the plugin.
    FromSource,
}

impl Toolchain {
    /// What is missing, and how to install it, is in the error.
    pub fn find() -> Result<Self> {
        let sysroot = sysroot()?;
        let linker = |name: &str| on_path(name) || sysroot.join("lib/rustlib").join(name).exists();
        Self::of(&sysroot, linker("wasm-ld"))
    }

    fn of(sysroot: &Path, has_linker: bool) -> Result<Self> {
        let rustlib = sysroot.join("lib/rustlib");
        if has_std(&rustlib.join(TARGET).join("lib")) {
            return Ok(Self::Installed);
        }
        if !rustlib.join("src/rust/library/std/Cargo.toml").exists() {
            bail!("this Rust at {} cannot compile for {TARGET}: {ADVICE}", sysroot.display());
        }
        ensure!(has_linker, "there is no wasm-ld to link for {TARGET}: on Debian `apt install lld`");
        Ok(Self::FromSource)
    }

    pub(crate) fn prepare(&self, command: &mut Command) {
        if *self == Self::FromSource {
            command.env("RUSTC_BOOTSTRAP", "1");
            command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "wasm-ld");
        }
    }

    pub(crate) fn arguments(&self) -> &'static [&'static str] {
        match self {
            Self::Installed => &[],
            Self::FromSource => &["-Z", "build-std=std,panic_abort"],
        }
    }
}

fn sysroot() -> Result<PathBuf> {
    let output = Command::new("rustc").args(["--print", "sysroot"]).output().context("start rustc")?;
    ensure!(output.status.success(), "rustc does not tell its sysroot");
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

fn has_std(folder: &Path) -> bool {
    let Ok(entries) = folder.read_dir() else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with("libstd-") && name.ends_with(".rlib")
    })
}

fn on_path(name: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(name).exists()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn sysroot_with(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join("lib/rustlib").join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        root
    }

    #[test]
    fn an_installed_target_is_taken_first() {
        let root =
            sysroot_with(&["wasm32-unknown-unknown/lib/libstd-1f.rlib", "src/rust/library/std/Cargo.toml"]);
        assert_eq!(Toolchain::of(root.path(), false).unwrap(), Toolchain::Installed);
    }

    #[test]
    fn the_source_serves_where_a_linker_is() {
        let root = sysroot_with(&["src/rust/library/std/Cargo.toml"]);
        assert_eq!(Toolchain::of(root.path(), true).unwrap(), Toolchain::FromSource);
        assert!(Toolchain::of(root.path(), false).unwrap_err().to_string().contains("apt install lld"));
    }

    #[test]
    fn what_to_install_is_named() {
        let root = sysroot_with(&["x86_64-unknown-linux-gnu/lib/libstd-1f.rlib"]);
        assert!(Toolchain::of(root.path(), true).unwrap_err().to_string().contains("rustup target add"));
    }
}
