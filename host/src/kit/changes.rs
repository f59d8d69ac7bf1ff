//! Changes of a project's sources, without what building it writes.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};

use super::KitError;

/// Editors write a file in several steps, and several files at once.
const TOGETHER: Duration = Duration::from_millis(300);

/// Folders that no author edits.
const BUILT: [&str; 7] = ["target", "dist", "node_modules", ".venv", "__pycache__", ".git", ".headgate"];

pub struct Changes {
    noticed: Receiver<()>,
    _watcher: RecommendedWatcher,
}

impl Changes {
    pub fn of(folder: &Path) -> Result<Self, KitError> {
        let (sender, noticed) = channel();
        let root = folder.canonicalize().map_err(KitError::io(folder))?;
        let below = root.clone();
        let notice = move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            let counts = |path: &Path| is_source(path.strip_prefix(&below).unwrap_or(path));
            if !event.kind.is_access() && event.paths.iter().any(|path| counts(path)) {
                // Nobody listens any more where the command ends.
                sender.send(()).unwrap_or_default();
            }
        };
        let failed = |error: notify::Error| KitError::Build {
            what: format!("the watch over {}", folder.display()),
            said: error.to_string(),
        };
        let mut watcher = notify::recommended_watcher(notice).map_err(failed)?;
        watcher.watch(&root, RecursiveMode::Recursive).map_err(failed)?;
        Ok(Self { noticed, _watcher: watcher })
    }

    /// Whether something changed within the time, and is quiet again.
    pub fn within(&self, time: Duration) -> bool {
        if self.noticed.recv_timeout(time).is_err() {
            return false;
        }
        while self.noticed.recv_timeout(TOGETHER).is_ok() {}
        true
    }

    /// What happened up to now is known.
    pub fn forget(&self) {
        while self.noticed.try_recv().is_ok() {}
    }
}

/// By its path in the project.
fn is_source(path: &Path) -> bool {
    let built = |part: &OsStr| BUILT.iter().any(|built| part == *built);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // Editors keep theirs beside the file; package managers write lock files while they build.
    let passing =
        name.ends_with('~') || name.starts_with(".#") || name.ends_with(".swp") || name == "Cargo.lock";
    !passing && !path.iter().any(built)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_build_writes_is_no_change() {
        for source in ["src/lib.rs", "Cargo.toml", "world.wit", "sdk/src/lib.rs"] {
            assert!(is_source(Path::new(source)), "{source}");
        }
        for built in [
            "target/debug/x",
            "dist/a.wasm",
            "node_modules/a/b.js",
            "src/__pycache__/a.pyc",
            "src/.lib.rs.swp",
            "Cargo.lock",
        ] {
            assert!(!is_source(Path::new(built)), "{built}");
        }
    }

    #[test]
    fn a_change_is_told_once_when_it_is_quiet() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("target")).unwrap();
        let changes = Changes::of(folder.path()).unwrap();
        std::fs::write(folder.path().join("target/a"), "1").unwrap();
        assert!(!changes.within(Duration::from_millis(500)));
        std::fs::write(folder.path().join("a.rs"), "1").unwrap();
        std::fs::write(folder.path().join("b.rs"), "1").unwrap();
        assert!(changes.within(Duration::from_secs(10)));
        assert!(!changes.within(Duration::from_millis(500)));
    }
}
