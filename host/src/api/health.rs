//! Whether the host lives, whether it can answer, and its metrics.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::guard::internal;
use super::problem::Problem;
use crate::app::SharedApp;
use crate::domain::stream::COLLECT;
use crate::telemetry::Metrics;

/// What Prometheus expects of this text.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(crate) async fn check_health() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// The listener opens after the plugins were loaded: what may be missing later is the store.
pub(crate) async fn check_ready(State(app): State<SharedApp>) -> Result<Json<Value>, Problem> {
    match app.check_ready().await {
        Ok(()) => Ok(Json(json!({"status": "ready"}))),
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
