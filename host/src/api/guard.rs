//! Layers around every request: its id, its log line, its deadline, its `Host`, and what becomes of a panic.

use std::any::Any;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;

use super::problem::{Problem, name_request};
use crate::telemetry::Metrics;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A caller's own id is kept up to this length: it is copied into every log line.
const REQUEST_ID_LENGTH_MAX: usize = 64;

/// The id of a request, for whoever keeps it with what the request changes.
#[derive(Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// Names under which a loopback listener may be called.
const LOOPBACK_NAMES: [&str; 4] = ["localhost", "127.0.0.1", "[::1]", "::1"];

/// Which `Host` a request may name. `None`: any.
#[derive(Clone, Debug)]
pub struct HostGuard(pub Option<Vec<String>>);

/// Gives the request an id, counts it, and logs one line when it is answered.
pub(crate) async fn observe(State(metrics): State<Metrics>, mut request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    request.extensions_mut().insert(RequestId(id.clone()));
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let method = request.method().to_string();
    let span = tracing::info_span!("request", id = %id, method = %method, path = %request.uri().path());
    let began = Instant::now();
    let mut answer = name_request(next.run(request).instrument(span.clone()).await, &id);
    let (status, took) = (answer.status().as_u16(), began.elapsed());
    metrics.request(&method, &route, status, took);
    span.in_scope(|| tracing::info!(status, took_us = took.as_micros(), "answered"));
    if let Ok(value) = HeaderValue::from_str(&id) {
        answer.headers_mut().insert(REQUEST_ID, value);
    }
    answer
}

fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let fits = (1..=REQUEST_ID_LENGTH_MAX).contains(&given.len())
        && given.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
    if fits { given.to_owned() } else { uuid::Uuid::now_v7().to_string() }
}

/// Cuts what takes longer than `deadline`; a cut transaction rolls back.
pub(crate) async fn deadline(State(deadline): State<Duration>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(deadline, next.run(request)).await {
        Ok(answer) => answer,
        Err(_) => Problem::new(
            StatusCode::GATEWAY_TIMEOUT,
            "deadline",
            format!("the host did not finish within {} s", deadline.as_secs()),
        )
        .advice("try again; `headgate cluster show` says whether the cluster answers")
        .into_response(),
    }
}

/// A page in a browser can make its own name resolve to a loopback address; it can't choose the `Host` that is sent.
pub(crate) async fn guard_host(State(guard): State<HostGuard>, request: Request, next: Next) -> Response {
    let Some(allowed) = guard.0 else { return next.run(request).await };
    let named = request
        .uri()
        .authority()
        .map(|authority| authority.as_str().to_owned())
        .or_else(|| {
            request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).map(str::to_owned)
        })
        .unwrap_or_default();
    let name = without_port(&named).to_ascii_lowercase();
    if LOOPBACK_NAMES.contains(&name.as_str()) || allowed.iter().any(|one| one.eq_ignore_ascii_case(&name)) {
        return next.run(request).await;
    }
    Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        "host-not-allowed",
        format!("the request names the host `{named}`, and this listener serves loopback names only"),
    )
    .advice("call it as localhost, or start the host with --allow-host")
    .into_response()
}

/// Answers are about what is now, and may be about what not everybody may see.
pub(crate) async fn no_store(request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

fn without_port(host: &str) -> &str {
    if let Some((inside, _)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return inside;
    }
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.contains(':') => name,
        Some(_) | None => host,
    }
}

/// The caller learns that it was the host's fault; the log has the message.
#[expect(clippy::needless_pass_by_value, reason = "the catch-panic layer hands the payload over")]
pub(crate) fn panicked(payload: Box<dyn Any + Send + 'static>) -> Response {
    let message = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(message, "a request panicked");
    internal().into_response()
}

/// Says nothing of what happened: the log does, under the request's id.
pub(crate) fn internal() -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the host failed")
        .advice("look into the host's log for the request's id")
}

pub(crate) async fn no_route(request: Request) -> Problem {
    let path = request.uri().path();
    Problem::new(StatusCode::NOT_FOUND, "no-such-route", format!("there is nothing at `{path}`"))
        .advice("see /api/openapi.json for what there is")
}

pub(crate) async fn no_method(request: Request) -> Problem {
    let (method, path) = (request.method(), request.uri().path());
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method-not-allowed",
        format!("`{path}` does not answer to {method}"),
    )
    .advice("see /api/openapi.json for what there is")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_read_without_its_port() {
        for (host, name) in
            [("localhost:80", "localhost"), ("[::1]:80", "::1"), ("127.0.0.1", "127.0.0.1"), ("::1", "::1")]
        {
            assert_eq!(without_port(host), name);
        }
    }

    #[test]
    fn an_id_with_a_line_break_or_too_long_is_replaced() {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_static("abc-1"));
        assert_eq!(request_id(&headers), "abc-1");
        headers.insert(REQUEST_ID, HeaderValue::from_str(&"x".repeat(65)).unwrap());
        assert_eq!(request_id(&headers).len(), 36);
    }
}
