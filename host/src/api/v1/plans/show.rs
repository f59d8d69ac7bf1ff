//! `GET /plans/{id}`: one plan with its steps.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::api::extract::{Path, tagged};
use crate::api::problem::Problem;
use crate::api::v1::plans::PlanView;
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::domain::id::PlanId;

/// A plan with its steps. `ETag` is its version.
#[utoipa::path(get, path = "/api/v1/plans/{id}", tag = "plans", params(("id" = String, Path)), responses((status = 200, description = "The plan", body = PlanView)))]
pub(crate) async fn show_plan(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(id): Path<PlanId>,
) -> Result<Response, Problem> {
    let view = PlanView::from(app.show_plan(&caller, &id).await?);
    Ok(tagged(StatusCode::OK, view.plan.version, view))
}
