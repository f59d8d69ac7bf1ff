//! Whether this host is active or stands by: what one that stands by refuses, and what it says then.

use axum::extract::{MatchedPath, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::watch;

use super::problem::Problem;
use crate::domain::host::{self, ActiveHost};

/// Events come to it only by the host that is active: a stream would stay silent.
const LIVE_PATHS: [&str; 1] = ["/api/v1/events/stream"];

#[derive(Clone, Default)]
pub enum Role {
    #[default]
    Active,
    /// With the host that is active, as far as it is known.
    StandsBy(watch::Receiver<Option<ActiveHost>>),
}

impl Role {
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::StandsBy(_) => "standby",
        }
    }

    /// Why not everything is done here. `None`: it is.
    pub(crate) fn problem(&self) -> Option<Problem> {
        match self {
            Self::Active => None,
            Self::StandsBy(active) => Some(standing_by(active.borrow().as_ref())),
        }
    }
}

pub(crate) fn standing_by(active: Option<&ActiveHost>) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "standing-by", host::standing_by(active))
        .advice(host::standing_by_advice(active))
}

/// Before the body is read: where nothing is changed, nobody need hear what is wrong with it.
pub(crate) async fn guard_role(State(role): State<Role>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let reads = request.method().is_safe() && !LIVE_PATHS.contains(&path);
    match role.problem() {
        Some(problem) if !reads => problem.into_response(),
        Some(_) | None => next.run(request).await,
    }
}
