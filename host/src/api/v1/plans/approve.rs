//! `POST /plans/{id}/approve`: lets a plan be applied.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::api::extract::{IfMatch, OptionalBody, Path, tagged};
use crate::api::problem::Problem;
use crate::api::v1::plans::{ApprovePlan, PlanView};
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::app::engine::Approval;
use crate::domain::id::PlanId;

/// Accepts the plan: the host applies it, after those before it. Read the plan for how it goes on.
#[utoipa::path(post, path = "/api/v1/plans/{id}/approve", tag = "plans", params(("id" = String, Path), ("If-Match" = Option<String>, Header)), request_body = Option<ApprovePlan>, responses((status = 202, description = "Approved; it will be applied", body = PlanView)))]
pub(crate) async fn approve_plan(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(id): Path<PlanId>,
    IfMatch(version): IfMatch,
    OptionalBody(body): OptionalBody<ApprovePlan>,
) -> Result<Response, Problem> {
    let ApprovePlan { allow_destructive, max_deletes: deletes_max } = body;
    let approval = Approval { allow_destructive, deletes_max, version };
    let view = PlanView::from(app.approve_plan(&caller, &id, approval).await?);
    Ok(tagged(StatusCode::ACCEPTED, view.plan.version, view))
}
