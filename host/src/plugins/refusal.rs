//! Why a plugin was not taken: the stage, what was expected and found, and what to do.

use std::fmt;

use serde::Serialize;

/// The way of a package, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The file can be read.
    Read,
    /// Size, magic, a component and not compiled code.
    Verify,
    /// It is valid WebAssembly that the engine takes.
    Compile,
    /// What it imports is offered, what it exports is known.
    Link,
    /// What it says of itself makes sense.
    Describe,
    /// Its types and operations make sense.
    Test,
    /// Its kind is free, and it is not older than what serves.
    Activate,
    /// It served, and was taken back.
    Serve,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Verify => "verify",
            Self::Compile => "compile",
            Self::Link => "link",
            Self::Describe => "describe",
            Self::Test => "test",
            Self::Activate => "activate",
            Self::Serve => "serve",
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("plugin `{plugin}` is refused at {stage}: expected {expected}, found {found}; {advice}")]
pub struct Refusal {
    /// The file, or the built-in plugin's name.
    pub plugin: String,
    pub stage: Stage,
    pub expected: String,
    pub found: String,
    pub advice: String,
}

impl Refusal {
    pub(crate) fn new(
        plugin: &str,
        stage: Stage,
        expected: impl Into<String>,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        let (expected, found, advice) = (expected.into(), found.into(), advice.into());
        Self { plugin: plugin.to_owned(), stage, expected, found, advice }
    }
}
