//! `POST /plans/{id}/undo`: plans what undoes a plan.

use axum::extract::State;
use axum::response::Response;

use crate::api::extract::Path;
use crate::api::problem::Problem;
use crate::api::v1::plans::{PlanView, proposed};
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::domain::id::PlanId;

/// A plan of the recorded inverses; it waits for approval.
#[utoipa::path(post, path = "/api/v1/plans/{id}/undo", tag = "plans", params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)), responses((status = 201, description = "Proposed", body = PlanView), (status = 200, description = "Nothing to undo; the plan is not stored", body = PlanView)))]
pub(crate) async fn undo_plan(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(id): Path<PlanId>,
) -> Result<Response, Problem> {
    Ok(proposed(PlanView::from(app.undo_plan(&caller, &id).await?)))
}
