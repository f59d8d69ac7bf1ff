//! `Idempotency-Key`: a creating call that is sent again gets the first one's answer, and nothing is made twice.
//!
//! Deliberately not for tokens: their answer holds a secret, which is never stored.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ring::digest::{Context, SHA256};

use super::BODY_BYTES_MAX;
use super::extract::too_large;
use super::problem::Problem;
use crate::app::caller::Caller;
use crate::app::{Answered, SharedApp};
use crate::domain::id::OrganizationId;

pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Says that the answer is the first call's.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A key is an index of the store.
const KEY_LENGTH_MAX: usize = 255;

/// A plan of 16 MiB of documents has an answer of about three times that.
const ANSWER_BYTES_MAX: usize = 4 * BODY_BYTES_MAX;

/// Keys whose first call has not been answered yet.
#[derive(Clone, Default)]
pub(crate) struct Flights(Arc<Mutex<HashSet<(OrganizationId, String)>>>);

struct Flight {
    flights: Flights,
    key: (OrganizationId, String),
}

impl Flights {
    fn begin(&self, key: (OrganizationId, String)) -> Option<Flight> {
        let fresh = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone());
        fresh.then(|| Flight { flights: self.clone(), key })
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.flights.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

pub(crate) async fn replay(
    State((app, flights)): State<(SharedApp, Flights)>,
    caller: Caller,
    request: Request,
    next: Next,
) -> Response {
    let Some(key) = request.headers().get(IDEMPOTENCY_KEY).filter(|_| request.method() == Method::POST)
    else {
        return next.run(request).await;
    };
    let key = match key.to_str() {
        Ok(key) if (1..=KEY_LENGTH_MAX).contains(&key.len()) => key.to_owned(),
        Ok(_) | Err(_) => {
            return Problem::new(
                StatusCode::BAD_REQUEST,
                "invalid-idempotency-key",
                format!("`Idempotency-Key` must be 1 to {KEY_LENGTH_MAX} printable ASCII characters"),
            )
            .into_response();
        }
    };
    let Some(_flight) = flights.begin((caller.organization.clone(), key.clone())) else {
        return Problem::new(
            StatusCode::CONFLICT,
            "idempotency-in-flight",
            "the first call with this key still runs",
        )
        .advice("wait for its answer, or ask again in a while")
        .into_response();
    };
    match once(&app, &caller, &key, request, next).await {
        Ok(answer) => answer,
        Err(problem) => problem.into_response(),
    }
}

async fn once(
    app: &SharedApp,
    caller: &Caller,
    key: &str,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, BODY_BYTES_MAX).await.ok().ok_or_else(too_large)?;
    let request_hash = hash(parts.method.as_str(), parts.uri.path(), &bytes);
    if let Some(answered) = app.find_answered(caller, key).await? {
        if answered.request_hash != request_hash {
            let detail = "this `Idempotency-Key` was used for another call";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", detail)
                .advice("choose a new key for each thing that is to be made"));
        }
        return Ok(again(answered));
    }
    let answer = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    if answer.status() != StatusCode::CREATED {
        return Ok(answer);
    }
    let (parts, body) = answer.into_parts();
    let bytes = to_bytes(body, ANSWER_BYTES_MAX).await.unwrap_or_default();
    let body = String::from_utf8_lossy(&bytes).into_owned();
    let answered = Answered { request_hash, status: parts.status.as_u16(), body };
    if let Err(error) = app.save_answered(caller, key, answered).await {
        // It was made: saying otherwise would have it made twice.
        tracing::error!(%error, "the answer to an idempotent call was not kept");
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

fn again(answered: Answered) -> Response {
    let status = StatusCode::from_u16(answered.status).unwrap_or(StatusCode::OK);
    let mut answer = (status, answered.body).into_response();
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    answer
}

fn hash(method: &str, path: &str, body: &Bytes) -> String {
    let mut context = Context::new(&SHA256);
    for part in [method.as_bytes(), b"\0", path.as_bytes(), b"\0", body] {
        context.update(part);
    }
    context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
