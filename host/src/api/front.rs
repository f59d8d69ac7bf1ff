//! What a listener answers with, which changes while it listens: a host takes another role, and keeps its port.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::routing::get;
use tower::{ServiceExt, service_fn};

use super::guard::no_store;
use super::health;
use super::problem::Problem;

/// Cheap to clone.
#[derive(Clone)]
pub struct Front(Arc<ArcSwap<Router>>);

impl Front {
    pub fn of(router: Router) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(router)))
    }

    /// For the requests that come from now on.
    pub fn show(&self, router: Router) {
        self.0.store(Arc::new(router));
    }

    pub fn router(&self) -> Router {
        let front = Arc::clone(&self.0);
        Router::new().fallback_service(service_fn(move |request: Request| {
            let router = Router::clone(&front.load());
            router.oneshot(request)
        }))
    }
}

/// Between two roles: the host lives, and can answer nothing.
pub fn between() -> Router {
    let refused = || async {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "not-ready",
            "this host lost its database, and tries to come back to it",
        )
        .advice("try again in a while; the host's log says why")
    };
    Router::new()
        .route("/healthz", get(health::check_between))
        .fallback(refused)
        .layer(axum::middleware::from_fn(no_store))
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};

    use super::*;

    async fn ask(router: &Router, path: &str) -> (StatusCode, String) {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let bytes = to_bytes(answer.into_body(), 4096).await.unwrap();
        (status, String::from_utf8_lossy(&bytes).into_owned())
    }

    #[tokio::test]
    async fn what_answers_changes_behind_the_same_listener() {
        let front = Front::of(Router::new().route("/", get(|| async { "first" })));
        let router = front.router();
        assert_eq!(ask(&router, "/").await.1, "first");
        front.show(between());
        let (status, text) = ask(&router, "/api/v1/clusters").await;
        assert!(status == StatusCode::SERVICE_UNAVAILABLE && text.contains("lost its database"), "{text}");
        assert_eq!(ask(&router, "/healthz").await.0, StatusCode::OK);
        front.show(Router::new().route("/", get(|| async { "second" })));
        assert_eq!(ask(&router, "/").await.1, "second");
    }
}
