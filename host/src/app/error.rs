//! Why a use case was not done: one enum, which the API turns into problems.

use super::connection::Wrong;
use crate::domain::host::{ActiveHost, standing_by};
use crate::plugins::driver::CallError;
use crate::plugins::refusal::Refusal as PluginRefusal;
use crate::store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum AppError {
    #[error("this token may only read")]
    ReadOnly,
    #[error("there is no {noun} `{name}`")]
    NotFound { noun: &'static str, name: String },
    #[error("a {noun} named `{name}` is there already")]
    NameTaken { noun: &'static str, name: String },
    #[error("kind `{kind}` {reason}")]
    UnknownKind { kind: String, reason: String, loaded: Vec<String> },
    #[error("kind `{kind}` has no type `{metadata_type}`")]
    UnknownType { kind: String, metadata_type: String, known: Vec<String> },
    #[error("kind `{kind}` has no operation `{name}`")]
    UnknownOperation { kind: String, name: String, known: Vec<String> },
    /// The body was understood and makes no sense; `code` names the noun.
    #[error("{message}")]
    Invalid { code: &'static str, message: String, wrong: Vec<Wrong> },
    #[error("{noun} `{name}` was changed meanwhile")]
    ChangedMeanwhile { noun: &'static str, name: String },
    /// A file that no host should let serve.
    #[error("{0}")]
    PluginFile(PluginRefusal),
    #[error("{message}")]
    Refused { refusal: Refusal, message: String },
    #[error("cluster `{cluster}` could not be asked: {source}")]
    Cluster { cluster: String, source: CallError },
    #[error("the plugin of kind `{kind}` failed: {source}")]
    Kind { kind: String, source: CallError },
    /// The cycle's own word for it.
    #[error("cluster `{cluster}` could not be reached: {reason}")]
    Unreachable { cluster: String, reason: String },
    #[error("{0}")]
    Contract(String),
    #[error("{0}")]
    Busy(String),
    /// Another host is active: the one that is named.
    #[error("{}", standing_by(.0.as_ref()))]
    StandsBy(Option<ActiveHost>),
    #[error("the host is stopping")]
    Stopping,
    #[error("the secure random source of the machine failed")]
    Random,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A rule that stands against it, not a mistake in the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The authority of cluster, type or resource forbids writing.
    Authority,
    /// Another registration writes to the same cluster.
    OneWriter,
    /// More deletes or edits than a plan may hold.
    Limit,
    Destructive,
    /// The world moved since the plan was made.
    Stale,
    /// The plan's or resource's state does not allow it.
    State,
    Paused,
    /// Another cluster answers under the address.
    Foreign,
    NotOurs,
    /// The owner's last token would be gone.
    LastOwner,
    /// The plugin's versions do not allow it.
    Plugin,
    /// The host was started without a plugin folder.
    NoPluginFolder,
    /// Another content asks now, or somebody else decided meanwhile.
    Grants,
}

impl AppError {
    pub(crate) fn not_found(noun: &'static str, name: impl Into<String>) -> Self {
        Self::NotFound { noun, name: name.into() }
    }

    pub(crate) fn refused(refusal: Refusal, message: impl Into<String>) -> Self {
        Self::Refused { refusal, message: message.into() }
    }

    /// One field of the body is wrong.
    pub(crate) fn wrong(code: &'static str, pointer: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let wrong = vec![Wrong { pointer: pointer.to_owned(), message: message.clone() }];
        Self::Invalid { code, message, wrong }
    }
}
