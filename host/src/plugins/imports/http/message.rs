//! A plugin's request as it goes out: checked, its secrets put in.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::http::request::Builder;
use hyper::{Method, Uri};
use wasmtime::component::Resource;
use zeroize::Zeroizing;

use crate::domain::address::shown;
use crate::plugins::bindings::headgate::host::errors::ErrorKind;
use crate::plugins::bindings::headgate::host::http::{Auth, Request};
use crate::plugins::bindings::headgate::host::secrets::{Encoding, Piece, Tls};
use crate::plugins::guest::Guest;
use crate::plugins::imports::HostError;
use crate::plugins::imports::secrets::Secret;
use crate::plugins::limits::{HTTP_TIMEOUT_MAX, RESPONSE_BYTES_MAX};
use crate::plugins::tape::RequestMade;

/// The connection is the host's: these would lie about it.
pub(super) const HOSTS_OWN: [HeaderName; 5] =
    [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION, header::UPGRADE];

/// Where it goes: a connection serves one of these.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    pub(super) host: String,
    pub(super) port: u16,
    /// (server name, trust, identity)
    pub(super) tls: Option<(Option<String>, Option<String>, Option<String>)>,
}

pub(super) struct Message {
    pub(super) origin: Origin,
    pub(super) request: hyper::Request<Full<Bytes>>,
    pub(super) timeout: Duration,
    pub(super) response_bytes_max: usize,
}

impl Message {
    /// For messages: without the query, which may say more than a log should hold.
    pub(super) fn what(&self) -> String {
        let Origin { host, port, .. } = &self.origin;
        format!("{} {host}:{port}{}", self.request.method(), self.request.uri().path())
    }

    /// As a tape keeps it: without what authorizes it.
    pub(super) async fn made(&self) -> Result<RequestMade, HostError> {
        let Origin { host, port, .. } = &self.origin;
        let request = &self.request;
        let body = request.body().clone().collect().await;
        let body = body.map_err(|never| wrong(format!("the request's body: {never}")))?.to_bytes();
        let plain =
            request.headers().iter().filter(|(name, value)| **name != header::HOST && !value.is_sensitive());
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let address = shown(host, *port);
        Ok(RequestMade {
            line: format!("{} {address}{}", request.method(), request.uri()),
            headers: plain.map(|(name, value)| (name.to_string(), text(value))).collect(),
            body: body.to_vec(),
        })
    }
}

fn wrong(text: String) -> HostError {
    HostError::new(ErrorKind::InvalidArgument, text)
}

/// A request so far: where it goes, and what the host says of it.
pub(super) fn begin(method: &str, url: &str, tls: Option<&Tls>) -> Result<(Origin, Builder), HostError> {
    let uri: Uri = url.parse().map_err(|error| wrong(format!("`{url}` is no address: {error}")))?;
    let origin = origin(&uri, tls)?;
    let method: Method =
        method.parse().map_err(|_not_one| wrong(format!("`{method}` is no method of HTTP")))?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let authority = uri.authority().map(hyper::http::uri::Authority::as_str).unwrap_or_default();
    let built = hyper::Request::builder().method(method).uri(path).header(header::HOST, authority);
    Ok((origin, built))
}

pub(super) fn header_name(name: &str) -> Result<HeaderName, HostError> {
    name.parse().map_err(|_not_one| wrong(format!("`{name}` is no header of HTTP")))
}

pub(super) fn end(built: Builder, url: &str, body: Bytes) -> Result<hyper::Request<Full<Bytes>>, HostError> {
    built.body(Full::new(body)).map_err(|error| wrong(format!("the request to `{url}`: {error}")))
}

impl Guest {
    pub(super) fn message(&self, request: Request) -> Result<Message, HostError> {
        let Request { method, url, headers, body, auth, tls, timeout_ms, response_bytes_max, .. } = request;
        let (origin, mut built) = begin(&method, &url, tls.as_ref())?;
        for (name, value) in headers {
            let name = header_name(&name)?;
            if HOSTS_OWN.contains(&name) {
                return Err(wrong(format!("the header `{name}` is the host's to set")));
            }
            built = built.header(name, value);
        }
        if let Some((name, value)) = self.authorization(auth)? {
            built = built.header(name, value);
        }
        let request = end(built, &url, Bytes::from_owner(self.assemble(body, "send")?))?;
        let asked = usize::try_from(response_bytes_max).unwrap_or(usize::MAX);
        Ok(Message {
            origin,
            request,
            timeout: Duration::from_millis(u64::from(timeout_ms)).min(HTTP_TIMEOUT_MAX),
            response_bytes_max: asked.min(RESPONSE_BYTES_MAX),
        })
    }

    fn authorization(&self, auth: Auth) -> Result<Option<(HeaderName, HeaderValue)>, HostError> {
        let (name, text) = match auth {
            Auth::None => return Ok(None),
            Auth::Header((name, secret)) => (header_name(&name)?, self.revealed(secret)?),
            Auth::Bearer(secret) => (header::AUTHORIZATION, prefixed(b"Bearer ", &self.revealed(secret)?)),
            Auth::Basic((user, secret)) => {
                let pair = prefixed(format!("{user}:").as_bytes(), &self.revealed(secret)?);
                let encoded = Zeroizing::new(STANDARD.encode(&*pair).into_bytes());
                (header::AUTHORIZATION, prefixed(b"Basic ", &encoded))
            }
            Auth::Sigv4(_) => {
                let text = "requests are not signed for S3 yet; use another `auth`";
                return Err(HostError::new(ErrorKind::Unsupported, text));
            }
        };
        let mut value = HeaderValue::from_bytes(&text)
            .map_err(|_not_one| wrong(format!("the secret does not fit the header `{name}`")))?;
        value.set_sensitive(true);
        Ok(Some((name, value)))
    }

    fn revealed(&self, secret: Resource<Secret>) -> Result<Zeroizing<Vec<u8>>, HostError> {
        self.assemble(vec![Piece::Secret((secret, Encoding::Raw))], "send")
    }
}

fn prefixed(prefix: &[u8], secret: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([prefix, secret].concat())
}

fn origin(uri: &Uri, tls: Option<&Tls>) -> Result<Origin, HostError> {
    let is_https = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        Some(_) | None => return Err(wrong(format!("`{uri}` begins with neither http:// nor https://"))),
    };
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    if host.is_empty() {
        return Err(wrong(format!("`{uri}` names no host")));
    }
    let named = tls.map(|tls| (tls.server_name.clone(), tls.trust.clone(), tls.identity.clone()));
    let tls = is_https.then(|| named.unwrap_or_default());
    let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
    Ok(Origin { host: host.to_owned(), port, tls })
}
