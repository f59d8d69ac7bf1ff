//! What to do about a connection that does not come about: which field of the form to look at.

use headgate_sdk::{Error, ErrorKind};

/// The host could not connect: it knows what went wrong, and this form knows where to set it right.
pub(super) fn connection(error: Error) -> Error {
    let advice = match error.code.as_deref() {
        Some("TLS_UNKNOWN_AUTHORITY") => "set `ca` to its certificate (PEM)",
        Some("TLS_WRONG_NAME") => "set `server_name` to a name in it",
        Some("TLS_NOT_SPOKEN") => "a server without TLS wants `tls` to be false",
        Some("TLS_REFUSED") => CLIENT_CERTIFICATE,
        _ => return error,
    };
    advised(error, advice)
}

/// The first exchange failed: most often something else listens there, or it wants TLS.
pub(super) fn first_exchange(error: Error) -> Error {
    match (error.kind, error.code.as_deref()) {
        // It has its advice already.
        (_, Some("TLS_UNKNOWN_AUTHORITY" | "TLS_WRONG_NAME" | "TLS_NOT_SPOKEN")) => error,
        (_, Some("TLS_REFUSED")) if error.message.contains(CLIENT_CERTIFICATE) => error,
        // TLS 1.3 tells only now that a client certificate was missing.
        (_, Some("TLS_REFUSED")) => advised(error, CLIENT_CERTIFICATE),
        (_, Some("TLS_WANTED")) => advised(error, "set `tls` to true"),
        (ErrorKind::Timeout, _) => {
            let message = format!("it takes connections and then is silent: {}", error.message);
            advised(Error { message, ..error }, NAME_SERVER)
        }
        (ErrorKind::Protocol | ErrorKind::Unavailable | ErrorKind::Exhausted, _) => {
            let kind = if error.kind == ErrorKind::Exhausted { ErrorKind::Protocol } else { error.kind };
            let code = error.code.clone().or_else(|| Some("NOT_ROCKETMQ".to_owned()));
            advised(Error { kind, code, ..error }, NAME_SERVER)
        }
        _ => error,
    }
}

const NAME_SERVER: &str = "is a RocketMQ name server there, and does `tls` say what it expects?";
const CLIENT_CERTIFICATE: &str = "set `identity` to certificate and key (PEM) of a client that it knows";

fn advised(error: Error, advice: &str) -> Error {
    let message = format!("{}; {advice}", error.message);
    Error { message, ..error }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: ErrorKind, code: Option<&str>, advice: &str) {
        let error = Error { code: code.map(str::to_owned), ..Error::new(kind, "ns:1: failed") };
        let said = first_exchange(connection(error)).message;
        assert!(said.contains(advice) && said.matches(';').count() == 1, "{said}");
    }

    #[test]
    fn each_failure_names_one_field_to_look_at() {
        use ErrorKind::{Protocol, Timeout, Unavailable};
        check(Unavailable, Some("TLS_UNKNOWN_AUTHORITY"), "set `ca`");
        check(Unavailable, Some("TLS_WRONG_NAME"), "set `server_name`");
        check(Unavailable, Some("TLS_NOT_SPOKEN"), "`tls` to be false");
        check(Unavailable, Some("TLS_REFUSED"), "set `identity`");
        check(Protocol, Some("TLS_WANTED"), "set `tls` to true");
        check(Unavailable, None, "does `tls` say what it expects?");
        check(Timeout, None, "is a RocketMQ name server there");
    }
}
