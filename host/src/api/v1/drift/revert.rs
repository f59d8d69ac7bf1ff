//! `POST /clusters/{name}/drift/revert`: plans to bring the wish back.

use axum::extract::State;
use axum::response::Response;

use crate::api::extract::{Body, Path};
use crate::api::problem::Problem;
use crate::api::v1::drift::DriftSubject;
use crate::api::v1::plans::{PlanView, proposed};
use crate::app::SharedApp;
use crate::app::caller::Caller;

/// A plan that brings the wish back; it waits for approval.
#[utoipa::path(post, path = "/api/v1/clusters/{name}/drift/revert", tag = "drift", params(("name" = String, Path), ("Idempotency-Key" = Option<String>, Header)), request_body = DriftSubject, responses((status = 201, description = "Proposed", body = PlanView), (status = 200, description = "Nothing to do; the plan is not stored", body = PlanView)))]
pub(crate) async fn revert_drift(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(name): Path<String>,
    Body(body): Body<DriftSubject>,
) -> Result<Response, Problem> {
    let (key, field) = body.split();
    Ok(proposed(PlanView::from(app.revert_drift(&caller, &name, key, field).await?)))
}
