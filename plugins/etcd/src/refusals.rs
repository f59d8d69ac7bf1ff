//! What etcd refuses, by names: its texts are stable, its codes say less (a wrong password is an invalid argument).

use headgate_sdk::http::Response;
use headgate_sdk::json::Value;
use headgate_sdk::{Error, ErrorKind, Result};

use crate::fields;

pub(crate) const AUTH_NOT_ENABLED: &str = "AUTH_NOT_ENABLED";

/// The token is gone, or of before the last change of users and roles, or was not needed until now.
const STALE: [&str; 3] = ["INVALID_AUTH_TOKEN", "AUTH_OLD_REVISION", "USER_EMPTY"];

/// How the text begins behind `etcdserver: `.
const NAMED: [(&str, &str, ErrorKind); 11] = [
    ("permission denied", "PERMISSION_DENIED", ErrorKind::PermissionDenied),
    ("invalid auth token", STALE[0], ErrorKind::Unauthenticated),
    ("revision of auth store is old", STALE[1], ErrorKind::Unauthenticated),
    ("user name is empty", STALE[2], ErrorKind::Unauthenticated),
    ("authentication failed", "AUTHENTICATION_FAILED", ErrorKind::Unauthenticated),
    ("authentication is not enabled", AUTH_NOT_ENABLED, ErrorKind::InvalidArgument),
    ("user name not found", "USER_NOT_FOUND", ErrorKind::NotFound),
    ("role name not found", "ROLE_NOT_FOUND", ErrorKind::NotFound),
    ("no leader", "NO_LEADER", ErrorKind::Unavailable),
    ("request timed out", "REQUEST_TIMED_OUT", ErrorKind::Unavailable),
    ("rpc not supported for learner", "NOT_SUPPORTED_FOR_LEARNER", ErrorKind::Unavailable),
];

/// The answer's JSON, or the refusal that it is.
pub(crate) fn read(response: Response) -> Result<Value> {
    if response.is_success() {
        let value: Value = response.json("is this etcd's client port")?;
        return if value.is_object() { Ok(value) } else { Err(Error::protocol("the answer is no object")) };
    }
    if response.body.starts_with(b"CommonName of client") {
        let text = "while users log in, etcd's gateway takes no client certificate with a common name: use one without";
        return Err(Error::new(ErrorKind::Unauthenticated, text).code("COMMON_NAME"));
    }
    let told: Value = response.json("read the refusal").unwrap_or_default();
    let text = fields::text(&told, "/message").or(fields::text(&told, "/error"));
    // Its own words of a path that it does not know, in either form.
    let unknown_path = response.status == 404 && text.is_none_or(|text| text == "Not Found");
    if unknown_path {
        let text = "there is no JSON gateway: it takes etcd 3.4 or later, and --enable-grpc-gateway where that was put off";
        return Err(Error::unsupported(text).code("HTTP_404"));
    }
    match text {
        Some(text) => Err(named(text, fields::number(&told, "/code"))),
        None => {
            response.ok().map(|_| Value::Null).map_err(|error| error.during("is this etcd's client port"))
        }
    }
}

fn named(text: &str, code: Option<u64>) -> Error {
    let plain = text.strip_prefix("etcdserver: ").unwrap_or(text);
    if let Some((_, name, kind)) = NAMED.iter().find(|(start, ..)| plain.starts_with(start)) {
        return Error::new(*kind, text).code(*name);
    }
    // The codes of gRPC.
    let (kind, name) = match code {
        Some(1) => (ErrorKind::Cancelled, "CANCELLED"),
        Some(3) => (ErrorKind::InvalidArgument, "INVALID_ARGUMENT"),
        Some(4) => (ErrorKind::Timeout, "DEADLINE_EXCEEDED"),
        Some(5) => (ErrorKind::NotFound, "NOT_FOUND"),
        Some(7) => (ErrorKind::PermissionDenied, "PERMISSION_DENIED"),
        Some(8) => (ErrorKind::Exhausted, "RESOURCE_EXHAUSTED"),
        Some(9) => (ErrorKind::Conflict, "FAILED_PRECONDITION"),
        Some(12) => (ErrorKind::Unsupported, "UNIMPLEMENTED"),
        Some(13) => (ErrorKind::Internal, "INTERNAL"),
        Some(14) => (ErrorKind::Unavailable, "UNAVAILABLE"),
        Some(16) => (ErrorKind::Unauthenticated, "UNAUTHENTICATED"),
        _ => (ErrorKind::Other, "UNKNOWN"),
    };
    Error::new(kind, text).code(name)
}

/// Whether another token may be answered otherwise.
pub(crate) fn is_stale(error: &Error) -> bool {
    error.code.as_deref().is_some_and(|code| STALE.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> (ErrorKind, String) {
        let error = read(Response { status, headers: Vec::new(), body: body.into() }).unwrap_err();
        (error.kind, error.code.unwrap_or_default())
    }

    #[test]
    fn refusals_have_names_in_the_words_of_every_release() {
        let names = [
            (r#"{"code":7,"message":"etcdserver: permission denied"}"#, ErrorKind::PermissionDenied),
            (r#"{"error":"etcdserver: user name is empty","code":3}"#, ErrorKind::Unauthenticated),
            (
                r#"{"message":"etcdserver: invalid auth token","code":16,"details":[]}"#,
                ErrorKind::Unauthenticated,
            ),
            (r#"{"message":"etcdserver: request timed out, possibly due to…"}"#, ErrorKind::Unavailable),
            (r#"{"code":8,"message":"etcdserver: too many requests"}"#, ErrorKind::Exhausted),
            (r#"{"code":"x","message":"new"}"#, ErrorKind::Other),
            ("Bad Gateway", ErrorKind::Internal),
        ];
        for (body, kind) in names {
            assert_eq!(refused(500, body).0, kind, "{body}");
        }
        assert_eq!(
            refused(400, r#"{"error":"etcdserver: authentication is not enabled"}"#).1,
            AUTH_NOT_ENABLED
        );
    }

    #[test]
    fn who_is_no_etcd_is_said_to_be_none() {
        for body in ["404 page not found\n", r#"{"code":5,"message":"Not Found"}"#] {
            assert_eq!(refused(404, body), (ErrorKind::Unsupported, "HTTP_404".to_owned()));
        }
        let with_name = "CommonName of client sending a request against gateway will be ignored";
        assert_eq!(refused(400, with_name).1, "COMMON_NAME");
        assert_eq!(refused(200, "<html>").0, ErrorKind::Protocol);
        assert_eq!(refused(200, "[]").0, ErrorKind::Protocol);
        assert_eq!(refused(503, "").0, ErrorKind::Unavailable);
    }
}
