//! HTTP: the router, the caller, pages, problems, the OpenAPI document, and the operations of `/api/v1`.

mod caller;
mod extract;
mod front;
mod guard;
mod health;
mod idempotency;
pub mod listen;
mod openapi;
pub mod page;
pub mod problem;
mod role;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod v1;

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use tokio::sync::watch;
use tower_http::catch_panic::CatchPanicLayer;

pub use front::{Front, between};
pub use guard::HostGuard;
pub use openapi::document;
pub use role::Role;

use crate::app::{LOOK_DEADLINE, SharedApp};
use crate::telemetry::Metrics;

/// Bytes of a body: about 50,000 documents.
pub const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A request is answered within this: what takes longer is a plan or a cycle, and has its own.
pub const REQUEST_DEADLINE: Duration = Duration::from_secs(10);

/// A plan reads what it touches: thousands of resources, in batches.
pub const PLANNING_DEADLINE: Duration = Duration::from_secs(60);

/// A cycle that somebody waits for lists the whole cluster.
pub const SYNC_DEADLINE: Duration = Duration::from_secs(120);

/// A plugin that is installed is compiled first: what was compiled when this is over is kept, so that the next try is quick.
pub const INSTALL_DEADLINE: Duration = Duration::from_secs(280);

const _: () = assert!(LOOK_DEADLINE.as_secs() < REQUEST_DEADLINE.as_secs());
const _: () = assert!(REQUEST_DEADLINE.as_secs() < PLANNING_DEADLINE.as_secs());
const _: () = assert!(PLANNING_DEADLINE.as_secs() < SYNC_DEADLINE.as_secs());
const _: () = assert!(SYNC_DEADLINE.as_secs() < INSTALL_DEADLINE.as_secs());

/// What the handlers work with.
#[derive(Clone)]
pub struct ApiState {
    app: SharedApp,
    metrics: Metrics,
    closing: watch::Receiver<bool>,
    role: Role,
}

impl ApiState {
    /// Streams end when `closing` turns true: a stop must not wait for readers.
    pub fn new(app: SharedApp, metrics: Metrics, closing: watch::Receiver<bool>) -> Self {
        Self { app, metrics, closing, role: Role::Active }
    }

    #[must_use]
    pub fn with_role(self, role: Role) -> Self {
        Self { role, ..self }
    }
}

impl FromRef<ApiState> for SharedApp {
    fn from_ref(state: &ApiState) -> Self {
        Self::clone(&state.app)
    }
}

impl FromRef<ApiState> for Metrics {
    fn from_ref(state: &ApiState) -> Self {
        state.metrics.clone()
    }
}

impl FromRef<ApiState> for watch::Receiver<bool> {
    fn from_ref(state: &ApiState) -> Self {
        state.closing.clone()
    }
}

impl FromRef<ApiState> for Role {
    fn from_ref(state: &ApiState) -> Self {
        state.role.clone()
    }
}

/// All that the host answers to. From the outside in: id and log line, panics, `Host`, token, role, deadline, handler.
pub fn router(state: ApiState, guard: HostGuard) -> Router {
    Router::new()
        .route("/healthz", get(health::check_health))
        .route("/readyz", get(health::check_ready))
        .route("/metrics", get(health::show_metrics))
        .route("/api/openapi.json", get(openapi::show_document))
        .merge(v1::router(&state))
        .fallback(guard::no_route)
        .method_not_allowed_fallback(guard::no_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn_with_state(state.role.clone(), role::guard_role))
        .layer(from_fn_with_state(SharedApp::from_ref(&state), caller::authenticate))
        .layer(from_fn_with_state(guard, guard::guard_host))
        .layer(from_fn(guard::no_store))
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(from_fn_with_state(state.metrics.clone(), guard::observe))
        .with_state(state)
}
