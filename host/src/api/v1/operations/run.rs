//! `POST /clusters/{name}/operations/{operation}`: has an action carried out.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::{OperationView, RunOperation};
use crate::api::extract::{Body, Path, tagged};
use crate::api::problem::Problem;
use crate::app::SharedApp;
use crate::app::caller::Caller;

/// Accepts the operation: the host sends it once. Read it for how it goes on.
#[utoipa::path(post, path = "/api/v1/clusters/{name}/operations/{operation}", tag = "operations", params(("name" = String, Path), ("operation" = String, Path), ("Idempotency-Key" = Option<String>, Header)), request_body = RunOperation, responses((status = 202, description = "Accepted; it will be carried out", body = OperationView)))]
pub(crate) async fn run_operation(
    State(app): State<SharedApp>,
    caller: Caller,
    Path((name, operation)): Path<(String, String)>,
    Body(body): Body<RunOperation>,
) -> Result<Response, Problem> {
    let view = OperationView::from(app.run_operation(&caller, &name, body.wanted(operation)).await?);
    Ok(tagged(StatusCode::ACCEPTED, view.operation.version, view))
}
