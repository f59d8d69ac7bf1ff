//! The one door from use cases to HTTP: every reason has a status, a stable code and, where there is one, advice.

use axum::http::StatusCode;

use super::{FieldError, PLUGIN_REFUSED, Problem};
use crate::api::guard::internal;
use crate::api::page::PageError;
use crate::api::role::standing_by;
use crate::app::connection::Wrong;
use crate::app::{AppError, Refusal};
use crate::domain::error::{BackendError, ErrorKind};
use crate::plugins::driver::CallError;
use crate::store::StoreError;

const PLUGIN_ADVICE: &str = "the host's log has the plugin's own words; tell its author";

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let detail = error.to_string();
        match error {
            AppError::ReadOnly => {
                Self::new(StatusCode::FORBIDDEN, "read-only-token", detail).advice("use an owner's token")
            }
            AppError::NotFound { noun, .. } => Self::new(StatusCode::NOT_FOUND, "not-found", detail)
                .advice(format!("see the list of {noun}s for what there is")),
            AppError::NameTaken { .. } => {
                Self::new(StatusCode::CONFLICT, "name-taken", detail).advice("choose another name")
            }
            AppError::UnknownKind { loaded, .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unknown-kind", detail)
                    .advice(format!("loaded are: {}", listed(&loaded)))
                    .errors([FieldError { pointer: "/kind".to_owned(), message: "is not loaded".to_owned() }])
            }
            AppError::UnknownType { known, .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unknown-type", detail)
                    .advice(format!("it has: {}", listed(&known)))
            }
            AppError::UnknownOperation { known, .. } => {
                Self::new(StatusCode::NOT_FOUND, "unknown-operation", detail)
                    .advice(format!("it has: {}", listed(&known)))
            }
            AppError::Invalid { code, wrong, .. } => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
                    .errors(wrong.into_iter().map(field_error))
            }
            AppError::ChangedMeanwhile { .. } => {
                Self::new(StatusCode::PRECONDITION_FAILED, "changed-meanwhile", detail)
                    .advice("read it again, and send its new `ETag` as `If-Match`")
            }
            AppError::PluginFile(refused) => {
                let stage = refused.stage;
                let detail = format!("{stage}: expected {}, found {}", refused.expected, refused.found);
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, PLUGIN_REFUSED, detail).advice(refused.advice)
            }
            AppError::Refused { refusal, .. } => refused(refusal, detail),
            AppError::Cluster { source, .. } | AppError::Kind { source, .. } => call_failed(&source, detail),
            AppError::Unreachable { .. } => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "cluster-unreachable", detail)
                    .advice("see that it runs and that its address, network and login are right")
            }
            AppError::Contract(_) => {
                Self::new(StatusCode::BAD_GATEWAY, "plugin-failed", detail).advice(PLUGIN_ADVICE)
            }
            AppError::Busy(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).advice("try again later")
            }
            AppError::StandsBy(active) => standing_by(active.as_ref()),
            AppError::Stopping => Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", detail)
                .advice("try again when it runs"),
            AppError::Random => logged("the secure random source failed"),
            AppError::Store(source) => store_failed(&source),
        }
    }
}

impl From<PageError> for Problem {
    fn from(error: PageError) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid-page", error.to_string())
    }
}

fn refused(refusal: Refusal, detail: String) -> Problem {
    let (code, advice) = match refusal {
        Refusal::Authority => {
            ("authority", "widen the authority: headgate policy set, or cluster set --authority")
        }
        Refusal::OneWriter => {
            ("one-writer", "register it with the authority `observe`, or remove the other one")
        }
        Refusal::Limit => ("limit-exceeded", "raise the limit for this plan, for example with --max-deletes"),
        Refusal::Destructive => ("destructive", "read the plan, then allow it with --allow-destructive"),
        Refusal::Stale => ("stale-plan", "plan again: the cluster has changed since"),
        Refusal::State => ("wrong-state", "see its state first"),
        Refusal::Paused => ("cluster-paused", "resume the cluster first"),
        Refusal::Foreign => {
            ("foreign-cluster", "correct the address, or rebind the cluster if that is meant")
        }
        Refusal::NotOurs => ("not-ours", "adopt it first"),
        Refusal::Plugin => ("plugin-version", "see its versions: headgate plugin show"),
        Refusal::NoPluginFolder => ("no-plugin-folder", "start the host with --plugins DIR"),
        Refusal::Grants => ("grants-changed", "see what it asks for now: headgate plugin grant KIND"),
        Refusal::LastOwner => ("last-owner", "make another owner's token first"),
    };
    Problem::new(StatusCode::CONFLICT, code, detail).advice(advice)
}

fn call_failed(error: &CallError, detail: String) -> Problem {
    match error {
        CallError::Backend(error) => backend_failed(error, detail),
        CallError::Plugin { .. } => {
            Problem::new(StatusCode::BAD_GATEWAY, "plugin-failed", detail).advice(PLUGIN_ADVICE)
        }
        CallError::Busy { .. } => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "plugin-busy", detail).advice("try again later")
        }
        CallError::Refused(_) => Problem::new(StatusCode::CONFLICT, "host-refused", detail)
            .advice("see what it may reach: headgate plugin grant KIND"),
    }
}

fn backend_failed(error: &BackendError, detail: String) -> Problem {
    let (status, code) = match error.kind {
        ErrorKind::Unauthenticated => (StatusCode::BAD_GATEWAY, "cluster-login-refused"),
        ErrorKind::PermissionDenied => (StatusCode::BAD_GATEWAY, "cluster-permission-denied"),
        ErrorKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "cluster-unreachable"),
        ErrorKind::Timeout => (StatusCode::SERVICE_UNAVAILABLE, "cluster-timeout"),
        ErrorKind::InvalidArgument => (StatusCode::UNPROCESSABLE_ENTITY, "cluster-refused-value"),
        ErrorKind::NotFound => (StatusCode::NOT_FOUND, "not-found"),
        ErrorKind::AlreadyExists | ErrorKind::Conflict => (StatusCode::CONFLICT, "cluster-conflict"),
        ErrorKind::Exhausted
        | ErrorKind::Unsupported
        | ErrorKind::Protocol
        | ErrorKind::Cancelled
        | ErrorKind::Internal
        | ErrorKind::Other => (StatusCode::BAD_GATEWAY, "cluster-failed"),
    };
    Problem::new(status, code, detail)
}

/// What the operator can mend is said; the rest is in the log.
fn store_failed(error: &StoreError) -> Problem {
    tracing::error!(error = %chain(error), "the store failed");
    match error {
        StoreError::Full { .. } => {
            Problem::new(StatusCode::INSUFFICIENT_STORAGE, "disk-full", error.to_string())
        }
        StoreError::Busy { .. } => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "store-busy", error.to_string())
        }
        StoreError::SecretUnreadable { .. } => {
            Problem::new(StatusCode::CONFLICT, "secret-unreadable", error.to_string())
        }
        StoreError::StandsBy => standing_by(None),
        StoreError::NoCluster { .. } => Problem::new(StatusCode::NOT_FOUND, "not-found", error.to_string()),
        _ => internal(),
    }
}

fn logged(what: &str) -> Problem {
    tracing::error!("{what}");
    internal()
}

/// The error with all that caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn field_error(wrong: Wrong) -> FieldError {
    FieldError { pointer: wrong.pointer, message: wrong.message }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
