//! `POST /clusters/{name}/divergence/repair`: plans to make the copies of a resource alike.

use axum::extract::State;
use axum::response::Response;

use super::RepairRequest;
use crate::api::extract::{Body, Path};
use crate::api::problem::Problem;
use crate::api::v1::plans::{PlanView, proposed};
use crate::app::SharedApp;
use crate::app::caller::Caller;

/// A plan that makes the copies alike where their differing is forbidden; it waits for approval.
#[utoipa::path(post, path = "/api/v1/clusters/{name}/divergence/repair", tag = "divergence", params(("name" = String, Path), ("Idempotency-Key" = Option<String>, Header)), request_body = RepairRequest, responses((status = 201, description = "Proposed", body = PlanView), (status = 200, description = "Nothing to do; the plan is not stored", body = PlanView)))]
pub(crate) async fn repair_divergence(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(name): Path<String>,
    Body(body): Body<RepairRequest>,
) -> Result<Response, Problem> {
    let RepairRequest { metadata_type, id, like } = body;
    let plan = app.repair_divergence(&caller, &name, &metadata_type, &id, like).await?;
    Ok(proposed(PlanView::from(plan)))
}
