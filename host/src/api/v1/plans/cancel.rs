//! `POST /plans/{id}/cancel`: ends a plan.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::api::extract::{IfMatch, Path, tagged};
use crate::api::problem::Problem;
use crate::api::v1::plans::PlanView;
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::domain::id::PlanId;

/// Ends a plan that is not over; steps in flight are brought to their end first.
#[utoipa::path(post, path = "/api/v1/plans/{id}/cancel", tag = "plans", params(("id" = String, Path), ("If-Match" = Option<String>, Header)), responses((status = 200, description = "The plan afterwards", body = PlanView)))]
pub(crate) async fn cancel_plan(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(id): Path<PlanId>,
    IfMatch(version): IfMatch,
) -> Result<Response, Problem> {
    let view = PlanView::from(app.cancel_plan(&caller, &id, version).await?);
    Ok(tagged(StatusCode::OK, view.plan.version, view))
}
