//! What the host gives to guests: one module for each interface of the contract.

pub(super) mod call;
pub(super) mod clock;
pub(super) mod http;
pub(super) mod log;
pub(super) mod net;
pub(super) mod random;
pub(super) mod secrets;
pub(super) mod state;
pub(super) mod wasi;

use wasmtime::component::{HasSelf, Linker, ResourceTableError};

use super::bindings::headgate::host as contract;
use super::bindings::headgate::host::errors::{Error, ErrorKind};
use super::guest::{Cut, Guest};
use super::limits::AT_ONCE_MAX;

/// What a host function ends with when it gives no answer: the contract's error, or a trap.
#[derive(Debug)]
pub(super) enum HostError {
    Answer(Error),
    Trap(wasmtime::Error),
}

/// Ends the guest where the contract has no room for an error: the text says what the plugin must not do.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct HostRefusal(pub(super) String);

impl HostError {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::Answer(error(kind, message))
    }

    /// With another message.
    fn with(self, message: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Answer(error) => Self::Answer(Error { message: message(error.message), ..error }),
            Self::Trap(trap) => Self::Trap(trap),
        }
    }

    /// Where answers go into a list, one each.
    pub(super) fn into_answer(self) -> wasmtime::Result<Error> {
        match self {
            Self::Answer(error) => Ok(error),
            Self::Trap(trap) => Err(trap),
        }
    }
}

pub(super) fn error(kind: ErrorKind, message: impl Into<String>) -> Error {
    Error { kind, code: None, message: message.into(), retry_after_ms: None, details: Vec::new() }
}

impl From<wasmtime::Error> for HostError {
    fn from(error: wasmtime::Error) -> Self {
        Self::Trap(error)
    }
}

impl From<Error> for HostError {
    fn from(error: Error) -> Self {
        Self::Answer(error)
    }
}

impl From<ResourceTableError> for HostError {
    fn from(error: ResourceTableError) -> Self {
        match error {
            ResourceTableError::Full => Self::new(
                ErrorKind::Exhausted,
                "the plugin holds too many connections and secrets; drop some",
            ),
            ResourceTableError::NotPresent
            | ResourceTableError::WrongType
            | ResourceTableError::HasChildren => Self::Trap(error.into()),
        }
    }
}

/// `what` was cut: `connect to a:1`.
pub(super) fn cut(cut: Cut, what: &str) -> Error {
    match cut {
        Cut::Timeout(after) => {
            error(ErrorKind::Timeout, format!("{what}: no answer within {} ms", after.as_millis()))
        }
        Cut::Deadline => error(ErrorKind::Timeout, format!("{what}: the call's own time was up")),
        Cut::Cancelled => error(ErrorKind::Cancelled, format!("{what}: the call was cancelled")),
    }
}

/// Ends the guest that asks for too much in one host call, where the contract has no room for an error.
fn few(count: usize, what: &str) -> wasmtime::Result<()> {
    if count <= AT_ONCE_MAX {
        return Ok(());
    }
    Err(HostRefusal(format!("it named {count} {what} in one host call; {AT_ONCE_MAX} is the most")).into())
}

impl contract::errors::Host for Guest {
    fn convert_error(&mut self, error: HostError) -> wasmtime::Result<Error> {
        error.into_answer()
    }
}

/// For what decides: only the log.
pub(super) fn link_pure(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    contract::log::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)
}

/// For what talks to a backend.
pub(super) fn link_session(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    link_pure(linker)?;
    contract::errors::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    contract::call::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    contract::clock::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    contract::random::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    contract::secrets::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    contract::net::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    contract::http::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    contract::state::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)
}
