//! HTTP by the host: its connections, its TLS, its redirects not followed. A component that sends no request does not import
//! it. Natively a small client of its own.
//!
//! ```text
//! let answer = Request::post("http://10.0.0.1:2379/v3/maintenance/status").json(&json!({})).send()?;
//! let status: Status = answer.ok()?.json("read the status")?;
//! ```

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::secrets::{Piece, Secret, Tls};
use crate::{Error, ErrorKind, Result, json};

/// Of a request that names no other: a healthy node answers in a tenth of it, and a call outlives a few that do not.
const TIMEOUT_MS: u32 = 5_000;

/// Of an answer whose request names no other: a page of a listing, with room.
const RESPONSE_BYTES_MAX: u32 = 4 << 20;

/// How a secret stands in a request's head. In its body it is a [`Piece`].
pub enum Auth<'a> {
    None,
    /// The whole value of that header.
    Header(String, &'a Secret),
    Bearer(&'a Secret),
    /// With the user's name.
    Basic(String, &'a Secret),
}

/// A request, made in one line and sent.
pub struct Request<'a> {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<Piece<'a>>,
    pub(crate) auth: Auth<'a>,
    pub(crate) tls: Option<Tls>,
    pub(crate) timeout_ms: u32,
    pub(crate) response_bytes_max: u32,
}

/// An answer, whatever its status.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl<'a> Request<'a> {
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: Vec::new(),
            auth: Auth::None,
            tls: None,
            timeout_ms: TIMEOUT_MS,
            response_bytes_max: RESPONSE_BYTES_MAX,
        }
    }

    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sent one after the other, with secrets among them.
    #[must_use]
    pub fn body(mut self, pieces: Vec<Piece<'a>>) -> Self {
        self.body = pieces;
        self
    }

    #[must_use]
    pub fn json(self, value: &impl Serialize) -> Self {
        self.json_pieces(vec![Piece::Bytes(json::text(value).into_bytes())])
    }

    /// A JSON text that holds secrets: those as [`Encoding::JsonString`](crate::secrets::Encoding), quotes included.
    #[must_use]
    pub fn json_pieces(self, pieces: Vec<Piece<'a>>) -> Self {
        self.header("content-type", "application/json").body(pieces)
    }

    #[must_use]
    pub fn auth(mut self, auth: Auth<'a>) -> Self {
        self.auth = auth;
        self
    }

    /// How an `https:` address is verified: by the system's authorities where nothing is said.
    #[must_use]
    pub fn tls(mut self, tls: Option<Tls>) -> Self {
        self.tls = tls;
        self
    }

    /// From the look-up of the name to the last byte of the answer.
    #[must_use]
    pub fn timeout_ms(mut self, timeout_ms: u32) -> Self {
        self.timeout_ms = timeout_ms;
        self
    }

    /// A larger body is an error of the kind `exhausted`.
    #[must_use]
    pub fn response_bytes_max(mut self, bytes_max: u32) -> Self {
        self.response_bytes_max = bytes_max;
        self
    }

    /// An error means that no whole answer came; a refusal is an answer.
    pub fn send(self) -> Result<Response> {
        host::send(self)
    }
}

/// An answer each, in order; `at_once` of them under way at most.
pub fn send_all(requests: Vec<Request<'_>>, at_once: u32) -> Vec<Result<Response>> {
    host::send_all(requests, at_once)
}

impl Response {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first of that name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        values.next().map(|(_, value)| value.as_str())
    }

    /// For a person or an error; what is no UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// What is no JSON of that shape is a protocol error that says what was being done.
    pub fn json<T: DeserializeOwned>(&self, what: &str) -> Result<T> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Error::protocol(format_args!("{what}: the answer does not fit: {error}")))
    }

    /// Another status than 2xx as an error, for backends whose refusals say no more than their status.
    pub fn ok(self) -> Result<Self> {
        if self.is_success() {
            return Ok(self);
        }
        let kind = match self.status {
            400 | 422 => ErrorKind::InvalidArgument,
            401 => ErrorKind::Unauthenticated,
            403 => ErrorKind::PermissionDenied,
            404 => ErrorKind::NotFound,
            409 | 412 => ErrorKind::Conflict,
            408 | 504 => ErrorKind::Timeout,
            413 | 429 => ErrorKind::Exhausted,
            405 | 501 => ErrorKind::Unsupported,
            502 | 503 => ErrorKind::Unavailable,
            500.. => ErrorKind::Internal,
            _ => ErrorKind::Protocol,
        };
        let text = self.text();
        let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let start: String = line.chars().take(TEXT_CHARS_MAX).collect();
        let text = format!("the answer has the status {}: {start}", self.status);
        Err(Error::new(kind, text.trim_end_matches([':', ' '])).code(format!("HTTP_{}", self.status)))
    }
}

/// Of the first line of a refusal's body in an error: one sentence is wanted, not a page.
const TEXT_CHARS_MAX: usize = 200;

#[cfg(not(target_arch = "wasm32"))]
use crate::native::http as host;
#[cfg(target_arch = "wasm32")]
use component as host;

#[cfg(target_arch = "wasm32")]
mod component {
    //! The host's own.
    use super::{Auth, Request, Response, Result};
    use crate::bindings::http::headgate::host::http as host;
    use crate::net::pieces;

    pub(super) fn send(request: Request<'_>) -> Result<Response> {
        host::send(&lowered(request)).map(raised)
    }

    pub(super) fn send_all(requests: Vec<Request<'_>>, at_once: u32) -> Vec<Result<Response>> {
        let requests: Vec<host::Request<'_>> = requests.into_iter().map(lowered).collect();
        host::send_all(&requests, at_once).into_iter().map(|answer| answer.map(raised)).collect()
    }

    fn lowered(request: Request<'_>) -> host::Request<'_> {
        host::Request {
            method: request.method,
            url: request.url,
            headers: request.headers,
            body: pieces(request.body),
            auth: match request.auth {
                Auth::None => host::Auth::None,
                Auth::Header(name, secret) => host::Auth::Header((name, secret.handle())),
                Auth::Bearer(secret) => host::Auth::Bearer(secret.handle()),
                Auth::Basic(user, secret) => host::Auth::Basic((user, secret.handle())),
            },
            tls: request.tls,
            timeout_ms: request.timeout_ms,
            response_bytes_max: request.response_bytes_max,
            extra: None,
        }
    }

    fn raised(response: host::Response) -> Response {
        Response { status: response.status, headers: response.headers, body: response.body }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Value;

    fn answer(status: u16, body: &str) -> Response {
        let headers = vec![("Content-Type".to_owned(), "text/plain".to_owned())];
        Response { status, headers, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn a_status_that_is_no_success_is_an_error_with_a_name() {
        assert_eq!(answer(204, "").ok().unwrap().header("content-type"), Some("text/plain"));
        let refused = answer(403, "\nno\nat all").ok().unwrap_err();
        let expected = "the answer has the status 403: no";
        assert_eq!((refused.kind, refused.message.as_str()), (ErrorKind::PermissionDenied, expected));
        assert_eq!(refused.code.as_deref(), Some("HTTP_403"));
        assert_eq!(answer(503, "").ok().unwrap_err().message, "the answer has the status 503");
        assert_eq!(answer(302, "").ok().unwrap_err().kind, ErrorKind::Protocol);
        assert!(answer(500, &"x".repeat(1 << 20)).ok().unwrap_err().message.len() < 300);
    }

    #[test]
    fn a_body_that_does_not_fit_is_a_protocol_error() {
        assert_eq!(answer(200, "[1]").json::<Vec<u8>>("read").unwrap(), [1]);
        assert_eq!(answer(200, "<html>").json::<Value>("read").unwrap_err().kind, ErrorKind::Protocol);
    }
}
