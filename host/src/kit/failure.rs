//! Why something was not done for an author.

use std::io;
use std::path::{Path, PathBuf};

use super::language::Language;
use crate::plugins::measure::MeasureError;

#[derive(Debug, thiserror::Error)]
pub enum KitError {
    #[error("`{name}` cannot be the plugin's name: expected {expected}")]
    Name { name: String, expected: &'static str },
    #[error("`{name}` cannot be the name of a plugin in {language}: {reason}; take another")]
    NameTaken { name: String, language: Language, reason: String },
    #[error("{} is not empty: name another folder with --dir, or empty it", .0.display())]
    NotEmpty(PathBuf),
    #[error(
        "{} holds no plugin's project (Cargo.toml, package.json or requirements.txt): \
         `headgate plugin new NAME --lang …` makes one", .0.display()
    )]
    NoProject(PathBuf),
    /// A program that the language needs.
    #[error("{need} is needed, and {found}: {advice}")]
    Tool { need: String, found: String, advice: String },
    /// The project's own tools said no.
    #[error("{what} failed:\n{said}")]
    Build { what: String, said: String },
    #[error(transparent)]
    Measure(MeasureError),
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl KitError {
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}
