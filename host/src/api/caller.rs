//! The bearer token of a request, and the caller it stands for.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::guard::RequestId;
use super::problem::Problem;
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::app::error::AppError;

/// What a probe may ask without a token.
const OPEN_PATHS: [&str; 2] = ["/healthz", "/readyz"];

/// Refuses what has no good token, before anything else of the request is read.
pub(crate) async fn authenticate(State(app): State<SharedApp>, mut request: Request, next: Next) -> Response {
    if OPEN_PATHS.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let Some(token) = bearer(request.headers()) else {
        return unauthenticated("the request carries no token").into_response();
    };
    match app.authenticate(token).await {
        // Before the body is read: whoever may not write need not hear what is wrong with it.
        Ok(Some(caller)) if !request.method().is_safe() && caller.may_write().is_err() => {
            Problem::from(AppError::ReadOnly).into_response()
        }
        Ok(Some(mut caller)) => {
            caller.by.request_id = request.extensions().get::<RequestId>().map(|id| id.0.clone());
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Ok(None) => unauthenticated("the token is unknown, expired or taken back").into_response(),
        Err(error) => Problem::from(error).into_response(),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn unauthenticated(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail).advice(
        "send `Authorization: Bearer hg_…`; the owner's token is in the file `token` of the data folder",
    )
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| unauthenticated("the request carries no token"))
    }
}
