//! `POST /operations/{id}/cancel`: ends an operation early.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::OperationView;
use crate::api::extract::{Path, tagged};
use crate::api::problem::Problem;
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::domain::id::OperationId;

/// One that waits is never sent; one that runs is asked to end, where its backend can. What was done stays done.
#[utoipa::path(post, path = "/api/v1/operations/{id}/cancel", tag = "operations", params(("id" = String, Path)), responses((status = 202, description = "It ends as soon as it can", body = OperationView)))]
pub(crate) async fn cancel_operation(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(id): Path<OperationId>,
) -> Result<Response, Problem> {
    let view = OperationView::from(app.cancel_operation(&caller, &id).await?);
    Ok(tagged(StatusCode::ACCEPTED, view.operation.version, view))
}
