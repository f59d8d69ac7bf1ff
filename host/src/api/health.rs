//! Whether the host lives, whether it can answer, and its metrics.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::guard::internal;
use super::problem::Problem;
use super::role::Role;
use crate::app::SharedApp;
use crate::domain::stream::COLLECT;
use crate::telemetry::Metrics;

/// What Prometheus expects of this text.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A host that stands by is well, too.
pub(crate) async fn check_health(State(role): State<Role>) -> Json<Value> {
    Json(json!({"status": "ok", "role": role.word()}))
}

pub(crate) async fn check_between() -> Json<Value> {
    Json(json!({"status": "ok", "role": "none"}))
}

/// The listener opens after the plugins were loaded: what may be missing later is the store. What stands before several
/// hosts asks this, and sends everything to the one that is active.
pub(crate) async fn check_ready(
    State(app): State<SharedApp>,
    State(role): State<Role>,
) -> Result<Json<Value>, Problem> {
    if let Some(problem) = role.problem() {
        return Err(problem);
    }
    match app.check_ready().await {
        Ok(()) => Ok(Json(json!({"status": "ready", "role": role.word()}))),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", "the store does not answer"))
        }
    }
}

pub(crate) async fn show_metrics(State(metrics): State<Metrics>) -> Response {
    match metrics.text() {
        Ok(text) => {
            tracing::debug!(target: COLLECT, bytes = text.len(), "the host's metrics were read");
            ([(header::CONTENT_TYPE, METRICS_TYPE)], text).into_response()
        }
        Err(_) => internal().into_response(),
    }
}
