//! What to do about a connection that does not come about: which field of the form to look at.

use headgate_sdk::{Error, ErrorKind};

/// The host could not connect: it knows what went wrong, and this form knows where to set it right.
pub(super) fn connection(error: Error) -> Error {
    let advice = match error.code.as_deref() {
        Some("TLS_UNKNOWN_AUTHORITY") => "set `ca` to its certificate (PEM)",
        Some("TLS_WRONG_NAME") => "set `server_name` to a name in it",
        Some("TLS_NOT_SPOKEN") => "a listener without TLS wants `security` to be PLAINTEXT or SASL_PLAINTEXT",
        Some("TLS_REFUSED") => CLIENT_CERTIFICATE,
        _ => return error,
    };
    advised(error, advice)
}

/// The first exchange failed: most often something else listens there, or the listener wants another `security`.
pub(super) fn first_exchange(error: Error) -> Error {
    match error.kind {
        // TLS 1.3 tells only now that a client certificate was missing.
        _ if error.code.as_deref() == Some("TLS_REFUSED") => advised(error, CLIENT_CERTIFICATE),
        _ if error.code.as_deref() == Some("TLS_WANTED") => {
            advised(error, "set `security` to SSL or SASL_SSL")
        }
        ErrorKind::Timeout => {
            let message = format!("it takes connections and then is silent: {}", error.message);
            advised(Error { message, ..error }, LISTENER)
        }
        ErrorKind::Protocol | ErrorKind::Unavailable | ErrorKind::Exhausted => {
            let kind = if error.kind == ErrorKind::Exhausted { ErrorKind::Protocol } else { error.kind };
            let code = error.code.clone().or_else(|| Some("NOT_KAFKA".to_owned()));
            advised(Error { kind, code, ..error }, LISTENER)
        }
        _ => error,
    }
}

const LISTENER: &str = "is a Kafka listener there, and does `security` say what it expects?";
const CLIENT_CERTIFICATE: &str = "set `identity` to certificate and key (PEM) of a client that it knows";

fn advised(error: Error, advice: &str) -> Error {
    let message = format!("{}; {advice}", error.message);
    Error { message, ..error }
}
