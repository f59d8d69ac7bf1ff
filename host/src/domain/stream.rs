//! The streams of the log: lines by what they are about, each with a level of its own.

use serde::{Deserialize, Serialize};

/// Targets of the log lines of each stream; every other line has its module's path.
pub const HEARTBEAT: &str = "headgate::heartbeat";
pub const SYNC: &str = "headgate::sync";
pub const OPERATION: &str = "headgate::operation";
pub const COLLECT: &str = "headgate::collect";
pub const METADATA: &str = "headgate::metadata";

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    /// Whether clusters answer: cycles, their reach, when each is tried again.
    Heartbeat,
    /// Plans: made, sent, read back, and what the policies do by themselves.
    Sync,
    /// What was done by whom, a line for each record, and operations on their way.
    Operation,
    /// What is measured.
    Collect,
    /// What clusters hold: types as they were listed, rows that changed.
    Metadata,
}

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// What a stream tells now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamLevel {
    pub stream: Stream,
    pub level: LogLevel,
    /// What the start of the host set, and a restart sets again.
    pub at_start: LogLevel,
}

impl Stream {
    pub const ALL: [Self; 5] = [Self::Heartbeat, Self::Sync, Self::Operation, Self::Collect, Self::Metadata];

    pub fn word(self) -> &'static str {
        match self {
            Self::Heartbeat => "heartbeat",
            Self::Sync => "sync",
            Self::Operation => "operation",
            Self::Collect => "collect",
            Self::Metadata => "metadata",
        }
    }

    pub fn target(self) -> &'static str {
        match self {
            Self::Heartbeat => HEARTBEAT,
            Self::Sync => SYNC,
            Self::Operation => OPERATION,
            Self::Collect => COLLECT,
            Self::Metadata => METADATA,
        }
    }

    /// For a person, a line.
    pub fn about(self) -> &'static str {
        match self {
            Self::Heartbeat => "whether clusters answer: cycles and their back-off",
            Self::Sync => "plans and policies: what is sent and read back",
            Self::Operation => "who did what (the records), and operations on their way",
            Self::Collect => "what is measured",
            Self::Metadata => "what clusters hold: types as they were listed",
        }
    }

    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stream| stream.word() == word)
    }
}

impl LogLevel {
    /// From the quietest to the loudest.
    pub const ALL: [Self; 6] = [Self::Off, Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    pub fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}
