//! Calls to the API: one request, one answer, and every refusal as a problem.
//!
//! Deliberately no retry here: a write whose answer was lost is looked at by a person, and a script decides by
//! itself.

pub(crate) mod download;
#[cfg(test)]
pub(super) mod fake;
mod tls;

use std::io::BufReader;
use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use ureq::http::{Method, Request, Response};
use ureq::{Agent, Body};

use super::failure::Failure;
use super::locate::{Target, is_loopback};
use crate::api::problem::Problem;

/// A host on the same network accepts within this.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

/// `sync` waits for a whole cycle, the longest call there is.
const ANSWER_DEADLINE: Duration = Duration::from_secs(300);

/// A page of 1,000 resources with all their settings is a few MB.
const ANSWER_BYTES_MAX: u64 = 256 << 20;

/// Items that are asked for at once.
const PAGE_LIMIT: usize = 1_000;

pub(crate) type Query<'a> = &'a [(&'a str, &'a str)];

pub(crate) struct Client {
    agent: Agent,
    target: Target,
}

impl Client {
    pub(crate) fn new(target: Target, ca_cert: Option<&Path>) -> Result<Self, Failure> {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_connect(Some(CONNECT_DEADLINE))
            .timeout_recv_response(Some(ANSWER_DEADLINE))
            .user_agent(concat!("headgate/", env!("CARGO_PKG_VERSION")));
        // A proxy of the environment stands between us and other machines, never in front of our own.
        if is_loopback(&target.url) {
            config = config.proxy(None);
        }
        if target.url.starts_with("https://") {
            config = config.tls_config(tls::config(ca_cert)?);
        }
        Ok(Self { agent: config.build().into(), target })
    }

    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str, query: Query<'_>) -> Result<T, Failure> {
        self.call(&Method::GET, path, query, None)
    }

    pub(crate) fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, Failure> {
        self.call(&Method::POST, path, &[], Some(body))
    }

    pub(crate) fn call<T: DeserializeOwned>(
        &self,
        method: &Method,
        path: &str,
        query: Query<'_>,
        body: Option<&Value>,
    ) -> Result<T, Failure> {
        let body = body.map(serde_json::to_vec).transpose();
        let body = body.map_err(|error| Failure::Failed(error.to_string()))?;
        self.ask(method, path, query, body.map(|bytes| ("application/json", bytes)), &[])
    }

    /// A file as it is.
    pub(crate) fn upload<T: DeserializeOwned>(
        &self,
        path: &str,
        query: Query<'_>,
        content: (&str, Vec<u8>),
        headers: &[(&str, &str)],
    ) -> Result<T, Failure> {
        self.ask(&Method::POST, path, query, Some(content), headers)
    }

    fn ask<T: DeserializeOwned>(
        &self,
        method: &Method,
        path: &str,
        query: Query<'_>,
        body: Option<(&str, Vec<u8>)>,
        headers: &[(&str, &str)],
    ) -> Result<T, Failure> {
        let mut answer = self.send(method, path, query, body, headers)?;
        let text = self.body(&mut answer)?;
        let text = if text.is_empty() { b"null".as_slice() } else { &text };
        serde_json::from_slice(text).map_err(|error| self.answer(error))
    }

    /// All items of a list, page after page, `limit` of them at most.
    pub(crate) fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        query: Query<'_>,
        limit: Option<usize>,
    ) -> Result<Vec<T>, Failure> {
        let limit = limit.unwrap_or(usize::MAX);
        let mut items = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let wanted = limit.saturating_sub(items.len()).min(PAGE_LIMIT).to_string();
            let mut asked = query.to_vec();
            asked.push(("limit", &wanted));
            if let Some(after) = &after {
                asked.push(("after", after));
            }
            let page: Listed<T> = self.get(path, &asked)?;
            let empty = page.items.is_empty();
            items.extend(page.items);
            match page.next {
                // A host that gives an empty page with a cursor would keep us here for ever.
                Some(next) if items.len() < limit && !empty && after.as_ref() != Some(&next) => {
                    after = Some(next);
                }
                _ => break,
            }
        }
        items.truncate(limit);
        Ok(items)
    }

    /// A stream of server-sent events, which ends when the host or the network does.
    pub(crate) fn stream(
        &self,
        path: &str,
        query: Query<'_>,
        last_event: Option<&str>,
    ) -> Result<BufReader<ureq::BodyReader<'static>>, Failure> {
        let mut headers = vec![("accept", "text/event-stream")];
        headers.extend(last_event.map(|id| ("last-event-id", id)));
        let answer = self.send(&Method::GET, path, query, None, &headers)?;
        Ok(BufReader::new(answer.into_body().into_with_config().limit(u64::MAX).reader()))
    }

    fn send(
        &self,
        method: &Method,
        path: &str,
        query: Query<'_>,
        body: Option<(&str, Vec<u8>)>,
        headers: &[(&str, &str)],
    ) -> Result<Response<Body>, Failure> {
        let uri = format!("{}/api/v1{path}{}", self.target.url, query_text(query));
        let mut request = Request::builder()
            .method(method.clone())
            .uri(uri)
            .header("authorization", format!("Bearer {}", self.target.token));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if *method == Method::POST {
            request = request.header("idempotency-key", uuid::Uuid::now_v7().to_string());
        }
        let sent = match body {
            Some((content_type, bytes)) => {
                let request = request.header("content-type", content_type).body(bytes);
                self.agent.run(request.map_err(|error| self.unusable(&error))?)
            }
            None => self.agent.run(request.body(()).map_err(|error| self.unusable(&error))?),
        };
        let mut answer = sent.map_err(|error| self.unreachable(&error))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(self.refusal(&mut answer))
    }

    fn refusal(&self, answer: &mut Response<Body>) -> Failure {
        let status = answer.status();
        let text = match self.body(answer) {
            Ok(text) => text,
            Err(failure) => return failure,
        };
        match serde_json::from_slice::<Problem>(&text) {
            Ok(problem) => Failure::Problem(Box::new(problem)),
            Err(_) => self.answer(format!("status {status}, `{}`", excerpt(&String::from_utf8_lossy(&text)))),
        }
    }

    fn body(&self, answer: &mut Response<Body>) -> Result<Vec<u8>, Failure> {
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        body.read_to_vec().map_err(|error| self.unreachable(&error))
    }

    fn answer(&self, reason: impl ToString) -> Failure {
        Failure::Answer { url: self.target.url.clone(), reason: reason.to_string() }
    }

    /// A header or an address that HTTP cannot carry: it came from the arguments.
    fn unusable(&self, error: &ureq::http::Error) -> Failure {
        Failure::Input(format!("cannot call {}: {error}; check --url and --token", self.target.url))
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        let reason = match error {
            ureq::Error::Io(source) => source.to_string(),
            ureq::Error::HostNotFound => "the host's name is not known".to_owned(),
            _ => error.to_string(),
        };
        let advice = if is_loopback(&self.target.url) {
            "is it running? `headgate serve` starts it; --url or HEADGATE_URL names another".to_owned()
        } else {
            "check --url, the network, and --ca-cert where its certificate is signed by your own authority"
                .to_owned()
        };
        Failure::Unreachable { url: self.target.url.clone(), reason, advice }
    }
}

#[derive(serde::Deserialize)]
struct Listed<T> {
    items: Vec<T>,
    next: Option<String>,
}

/// A segment of a path, or a value of a query: all but the unreserved characters is encoded.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

fn query_text(query: Query<'_>) -> String {
    let pairs: Vec<_> = query.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

fn excerpt(text: &str) -> String {
    let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    line.chars().take(120).collect()
}

/// An empty body for calls that have nothing to say.
pub(crate) fn nothing() -> Value {
    json!({})
}

#[cfg(test)]
mod tests;
