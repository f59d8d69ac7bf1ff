//! Requests without secrets that outlive the host call which made them: what `wasi:http` sends. Same addresses, same
//! limits, and redirects are answers here, too.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderName};
use hyper::{Method, Uri};

use super::client::{Client, Pool};
use super::message::{HOSTS_OWN, Message, origin, wrong};
use crate::plugins::bindings::headgate::host::http::Response;
use crate::plugins::guest::Cut;
use crate::plugins::imports::net::Dialer;
use crate::plugins::imports::secrets::SecretBox;
use crate::plugins::imports::{HostError, cut};
use crate::plugins::limits::{HTTP_TIMEOUT_MAX, RESPONSE_BYTES_MAX};
use crate::plugins::metrics::PluginMetrics;
use crate::plugins::tape::Track;

pub(in crate::plugins::imports) struct Plain {
    pub(in crate::plugins::imports) method: String,
    pub(in crate::plugins::imports) url: String,
    pub(in crate::plugins::imports) headers: Vec<(String, Vec<u8>)>,
    pub(in crate::plugins::imports) body: Vec<u8>,
    /// For all of it.
    pub(in crate::plugins::imports) timeout: Duration,
}

impl Plain {
    fn message(self) -> Result<Message, HostError> {
        let Self { method, url, headers, body, timeout } = self;
        let uri: Uri = url.parse().map_err(|error| wrong(format!("`{url}` is no address: {error}")))?;
        let origin = origin(&uri, None)?;
        let method: Method =
            method.parse().map_err(|_not_one| wrong(format!("`{method}` is no method of HTTP")))?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let authority = uri.authority().map(hyper::http::uri::Authority::as_str).unwrap_or_default();
        let mut built = hyper::Request::builder().method(method).uri(path).header(header::HOST, authority);
        for (name, value) in headers {
            let name: HeaderName =
                name.parse().map_err(|_not_one| wrong(format!("`{name}` is no header of HTTP")))?;
            // Libraries set them by themselves, and mean nothing else than the host does.
            if !HOSTS_OWN.contains(&name) {
                built = built.header(name, value);
            }
        }
        let request = built
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| wrong(format!("the request to `{url}`: {error}")))?;
        let timeout = timeout.min(HTTP_TIMEOUT_MAX);
        Ok(Message { origin, request, timeout, response_bytes_max: RESPONSE_BYTES_MAX })
    }
}

pub(in crate::plugins::imports) async fn send(
    dialer: Arc<Dialer>,
    pool: Arc<Pool>,
    metrics: PluginMetrics,
    track: Track,
    plain: Plain,
) -> Result<Response, HostError> {
    let message = plain.message()?;
    let (what, limit, secrets) = (message.what(), message.timeout, SecretBox::default());
    let client = Client { dialer, pool: &pool, secrets: &secrets, metrics: &metrics, track: &track };
    let answer = tokio::time::timeout(limit, client.send(message)).await;
    answer.unwrap_or_else(|_elapsed| Err(cut(Cut::Timeout(limit), &what).into()))
}
