//! From a project to `dist/NAME.wasm`, by the tools of its language.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use headgate_plugin_build::{Plugin, TARGET, Toolchain, Words, build_telling};
use serde_json::Value;

use super::KitError;
use super::language::Language;
use super::tools::{Need, run};

/// As the template says in its `rust-version`.
const CARGO: Need = Need {
    program: "cargo",
    argument: "--version",
    least: (1, 95),
    advice: "install Rust with rustup, or `rustup update` the one that is here",
};
const NODE: Need =
    Need { program: "node", argument: "--version", least: (20, 0), advice: "install Node.js, with its npm" };
const NPM: Need = Need {
    program: "npm",
    argument: "--version",
    least: (9, 0),
    advice: "it comes with Node.js; some systems have it as a package of its own",
};
const PYTHON: Need = Need {
    program: "python3",
    argument: "--version",
    least: (3, 11),
    advice: "install Python, with venv and pip (on Debian: apt install python3-venv)",
};

/// What was installed, by the lock file that named it: nothing is asked of the network until that changes.
const INSTALLED: &str = "node_modules/.headgate-installed";

/// One build, and who hears how it goes.
pub struct Build<'a> {
    pub folder: &'a Path,
    /// What the tools say goes to standard error as it comes; else it is told where they fail.
    pub aloud: bool,
    pub tell: &'a mut dyn FnMut(&str),
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    pub language: Language,
    pub file: PathBuf,
    pub bytes: Vec<u8>,
}

impl Build<'_> {
    pub fn run(mut self) -> Result<Built, KitError> {
        let language = Language::of_project(self.folder)?;
        let file = match language {
            Language::Rust => self.rust()?,
            Language::Js => self.js()?,
            Language::Python => self.python()?,
        };
        let bytes = fs::read(&file).map_err(KitError::io(&file))?;
        // As a person writes it.
        let file = file.strip_prefix(".").map(Path::to_owned).unwrap_or(file);
        Ok(Built { language, file, bytes })
    }

    fn rust(&mut self) -> Result<PathBuf, KitError> {
        let cargo = CARGO.find()?;
        if let Err(lacks) = Toolchain::find() {
            self.install_target(&lacks)?;
        }
        let name = self.crate_name()?;
        (self.tell)(&format!("cargo {cargo}, {TARGET}: compiling {name}"));
        let plugin = Plugin { crate_dir: self.folder, target_dir: &self.folder.join("target") };
        let words = if self.aloud { Words::Live } else { Words::OnFailure };
        let component = build_telling(&plugin, words)
            .map_err(|error| KitError::Build { what: "the build".to_owned(), said: format!("{error:#}") })?;
        let file = self.folder.join("dist").join(format!("{name}.wasm"));
        put(&file, &component)?;
        Ok(file)
    }

    /// Where rustup is, it is asked for the target; elsewhere the author reads what to do.
    fn install_target(&mut self, lacks: &dyn std::fmt::Display) -> Result<(), KitError> {
        let rustup = Need { program: "rustup", least: (1, 0), ..CARGO };
        if rustup.find().is_err() {
            let (need, advice) = (format!("Rust for {TARGET}"), "see above".to_owned());
            return Err(KitError::Tool { need, found: lacks.to_string(), advice });
        }
        (self.tell)(&format!("installing the target: rustup target add {TARGET}"));
        let mut add = Command::new("rustup");
        run("`rustup target add`", self.folder, add.args(["target", "add", TARGET]), self.aloud)
    }

    fn crate_name(&self) -> Result<String, KitError> {
        let failed = |said: String| KitError::Build { what: "`cargo metadata`".to_owned(), said };
        let mut metadata = Command::new("cargo");
        metadata.args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(self.folder);
        let output = metadata.output().map_err(|error| failed(error.to_string()))?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let document: Value = serde_json::from_slice(&output.stdout).map_err(|_unreadable| failed(said))?;
        let manifest = self.folder.join("Cargo.toml");
        let manifest = manifest.canonicalize().map_err(KitError::io(&manifest))?;
        let packages = document.get("packages").and_then(Value::as_array).into_iter().flatten();
        let own = packages.into_iter().find(|package| {
            package
                .get("manifest_path")
                .and_then(Value::as_str)
                .is_some_and(|path| Path::new(path) == manifest)
        });
        let name = own.and_then(|package| package.get("name")).and_then(Value::as_str);
        name.map(str::to_owned).ok_or_else(|| failed(format!("{} is no package", manifest.display())))
    }

    fn js(&mut self) -> Result<PathBuf, KitError> {
        let (node, npm) = (NODE.find()?, NPM.find()?);
        let lock = fs::read(self.folder.join("package-lock.json")).unwrap_or_default();
        let installed = self.folder.join(INSTALLED);
        if fs::read(&installed).ok().as_ref() != Some(&lock) {
            (self.tell)("installing what package-lock.json pins: npm install --no-save");
            // Not `npm ci`: it refuses a lock without the compiler's binaries for systems that a registry does not carry.
            let mut install = Command::new("npm");
            run("`npm install`", self.folder, install.args(["install", "--no-save"]), self.aloud)?;
            fs::write(&installed, lock).map_err(KitError::io(&installed))?;
        }
        (self.tell)(&format!("node {node}, npm {npm}: npm run build"));
        let began = SystemTime::now();
        let mut build = Command::new("npm");
        run("`npm run build`", self.folder, build.args(["run", "--silent", "build"]), self.aloud)?;
        self.made_since(began)
    }

    fn python(&mut self) -> Result<PathBuf, KitError> {
        let python = PYTHON.find()?;
        if !self.folder.join(".venv").exists() {
            let mut asked = Command::new("python3");
            asked.args(["-c", "import ensurepip, venv"]);
            run("the look for venv and pip", self.folder, &mut asked, false).map_err(|_lacks| {
                KitError::Tool {
                    need: "Python's venv with pip".to_owned(),
                    found: "it is not here".to_owned(),
                    advice: PYTHON.advice.to_owned(),
                }
            })?;
            (self.tell)("installing what requirements.txt pins, into .venv");
        }
        (self.tell)(&format!("python {python}: ./build.sh"));
        let began = SystemTime::now();
        run("`./build.sh`", self.folder, &mut Command::new("./build.sh"), self.aloud)?;
        self.made_since(began)
    }

    /// What the project's own script left in `dist`.
    fn made_since(&self, began: SystemTime) -> Result<PathBuf, KitError> {
        let dist = self.folder.join("dist");
        let entries = fs::read_dir(&dist).map_err(KitError::io(&dist))?;
        let made = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|end| end == "wasm"));
        let newest = made.filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path))).max();
        // Clocks of file systems are coarser than ours.
        let soon = |at: SystemTime| began.duration_since(at).is_ok_and(|before| before.as_secs() > 2);
        match newest {
            Some((at, path)) if !soon(at) => Ok(path),
            Some(_) | None => Err(KitError::Build {
                what: "the build".to_owned(),
                said: format!("it left no new .wasm file in {}", dist.display()),
            }),
        }
    }
}

/// In one step: a host that watches the folder never sees half of it.
pub(super) fn put(file: &Path, bytes: &[u8]) -> Result<(), KitError> {
    if let Some(above) = file.parent() {
        fs::create_dir_all(above).map_err(KitError::io(above))?;
    }
    let staged = file.with_extension("new");
    fs::write(&staged, bytes).map_err(KitError::io(&staged))?;
    fs::rename(&staged, file).map_err(KitError::io(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_leaves_nothing_new_is_no_build() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("dist")).unwrap();
        let mut told = Vec::new();
        let mut tell = |line: &str| told.push(line.to_owned());
        let build = Build { folder: folder.path(), aloud: false, tell: &mut tell };
        let now = SystemTime::now();
        assert!(build.made_since(now).unwrap_err().to_string().contains("no new .wasm file"));
        fs::write(at("dist/a.wasm"), "").unwrap();
        assert_eq!(build.made_since(now).unwrap(), at("dist/a.wasm"));
        let later = now + std::time::Duration::from_secs(60);
        assert!(build.made_since(later).is_err(), "an old file is not the new one");
    }

    #[test]
    fn what_is_put_in_place_is_whole_and_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("dist/a.wasm");
        put(&file, b"one").unwrap();
        put(&file, b"two").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path().join("dist")).unwrap().count(), 1);
    }
}
