//! Errors made in one line: `Error::unavailable("…").code("NOT_CONTROLLER")`, and `?` from what fails often.

use std::fmt::Display;

use crate::{Error, ErrorKind};

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub fn new(kind: ErrorKind, message: impl Display) -> Self {
        Self { kind, code: None, message: message.to_string(), retry_after_ms: None, details: Vec::new() }
    }

    pub fn invalid_argument(message: impl Display) -> Self {
        Self::new(ErrorKind::InvalidArgument, message)
    }

    pub fn unavailable(message: impl Display) -> Self {
        Self::new(ErrorKind::Unavailable, message)
    }

    pub fn unsupported(message: impl Display) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }

    /// The peer said something that its protocol does not allow.
    pub fn protocol(message: impl Display) -> Self {
        Self::new(ErrorKind::Protocol, message)
    }

    pub fn conflict(message: impl Display) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }

    pub fn not_found(message: impl Display) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    pub fn internal(message: impl Display) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// The backend's own name for it.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    #[must_use]
    pub fn retry_after_ms(mut self, delay_ms: u64) -> Self {
        self.retry_after_ms = Some(delay_ms);
        self
    }

    #[must_use]
    pub fn detail(mut self, key: impl Into<String>, value: impl Display) -> Self {
        self.details.push((key.into(), value.to_string()));
        self
    }

    /// What was being done, put before what went wrong.
    #[must_use]
    pub fn during(mut self, what: impl Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::invalid_argument(format_args!("the JSON text does not fit: {error}"))
    }
}
