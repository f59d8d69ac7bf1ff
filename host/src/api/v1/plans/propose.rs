//! `POST /plans`: decides what would have to be done.

use axum::extract::State;
use axum::response::Response;

use crate::api::extract::Body;
use crate::api::problem::Problem;
use crate::api::v1::plans::{PlanView, ProposePlan, proposed};
use crate::app::SharedApp;
use crate::app::caller::Caller;

/// A plan for documents, for an adoption or for a delete; it waits for approval.
#[utoipa::path(post, path = "/api/v1/plans", tag = "plans", params(("Idempotency-Key" = Option<String>, Header)), request_body = ProposePlan, responses((status = 201, description = "Proposed", body = PlanView), (status = 200, description = "Nothing to do, or a dry run; the plan is not stored and its id is empty", body = PlanView)))]
pub(crate) async fn propose_plan(
    State(app): State<SharedApp>,
    caller: Caller,
    Body(body): Body<ProposePlan>,
) -> Result<Response, Problem> {
    let (cluster, proposal, options) = body.split()?;
    Ok(proposed(PlanView::from(app.propose_plan(&caller, &cluster, proposal, options).await?)))
}
