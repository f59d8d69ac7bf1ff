//! Requests without secrets that outlive the host call which made them: what `wasi:http` sends. Same addresses, same
//! limits, and redirects are answers here, too.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::client::{Client, Pool};
use super::message::{HOSTS_OWN, Message, begin, end, header_name};
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
        let (origin, mut built) = begin(&method, &url, None)?;
        for (name, value) in headers {
            let name = header_name(&name)?;
            // Libraries set them by themselves, and mean nothing else than the host does.
            if !HOSTS_OWN.contains(&name) {
                built = built.header(name, value);
            }
        }
        let request = end(built, &url, Bytes::from(body))?;
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
