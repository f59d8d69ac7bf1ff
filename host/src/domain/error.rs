//! What a backend or a plugin says when something fails: one record, whoever speaks.

use serde::{Deserialize, Serialize};

/// Decides what the host does next (retry, ask for credentials, give up); detail goes to `code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    InvalidArgument,
    Unauthenticated,
    PermissionDenied,
    NotFound,
    AlreadyExists,
    Conflict,
    Unavailable,
    Timeout,
    Exhausted,
    Unsupported,
    Protocol,
    Cancelled,
    Internal,
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, utoipa::ToSchema)]
#[error("{message}")]
pub struct BackendError {
    pub kind: ErrorKind,
    /// The backend's own name for it, such as `TOPIC_ALREADY_EXISTS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// One sentence for a person: what failed, on what, what to do.
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<(String, String)>,
}

impl BackendError {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, code: None, message: message.into(), retry_after_ms: None, details: Vec::new() }
    }
}
