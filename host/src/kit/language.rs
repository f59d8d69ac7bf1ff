//! The languages that a plugin can be written in with an SDK of ours.

use std::fmt;
use std::path::Path;

use super::KitError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Rust,
    Js,
    Python,
}

impl Language {
    pub const ALL: [Self; 3] = [Self::Rust, Self::Js, Self::Python];

    /// By the file that each of its projects has.
    pub fn of_project(folder: &Path) -> Result<Self, KitError> {
        let found = Self::ALL.into_iter().find(|language| folder.join(language.marker()).is_file());
        found.ok_or_else(|| KitError::NoProject(folder.to_owned()))
    }

    fn marker(self) -> &'static str {
        match self {
            Self::Rust => "Cargo.toml",
            Self::Js => "package.json",
            Self::Python => "requirements.txt",
        }
    }

    /// As `--lang` takes it, and as the folders of SDKs and templates are named.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Js => "js",
            Self::Python => "python",
        }
    }

    /// Runs the project's own tests.
    pub fn test_command(self) -> &'static str {
        match self {
            Self::Rust => "cargo test",
            Self::Js => "npm install && npm test",
            Self::Python => "./build.sh test",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rust => "Rust",
            Self::Js => "JavaScript",
            Self::Python => "Python",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_known_by_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let none = Language::of_project(folder.path()).unwrap_err().to_string();
        assert!(none.contains("headgate plugin new NAME"), "{none}");
        for (file, language) in [
            ("requirements.txt", Language::Python),
            ("package.json", Language::Js),
            ("Cargo.toml", Language::Rust),
        ] {
            std::fs::write(folder.path().join(file), "").unwrap();
            assert_eq!(Language::of_project(folder.path()).unwrap(), language);
        }
    }
}
