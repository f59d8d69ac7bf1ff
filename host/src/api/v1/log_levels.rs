//! Levels of the log's streams.

pub(crate) mod change;
pub(crate) mod list;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::stream::{LogLevel, Stream, StreamLevel};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogLevelView {
    pub stream: Stream,
    pub level: LogLevel,
    /// What the start of the host set, and a restart sets again.
    pub at_start: LogLevel,
    /// Of its lines: `headgate::sync`. All others have the path of their module.
    pub target: String,
    /// What the stream tells, for a person.
    pub about: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeLogLevel {
    /// `null`: as at the start.
    pub level: Option<LogLevel>,
}

impl From<StreamLevel> for LogLevelView {
    fn from(known: StreamLevel) -> Self {
        let StreamLevel { stream, level, at_start } = known;
        Self { stream, level, at_start, target: stream.target().into(), about: stream.about().into() }
    }
}
