//! `GET /operations/{id}`: one operation and what became of it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::OperationView;
use crate::api::extract::{Path, tagged};
use crate::api::problem::Problem;
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::domain::id::OperationId;

/// An operation with its outcome. `ETag` is its version.
#[utoipa::path(get, path = "/api/v1/operations/{id}", tag = "operations", params(("id" = String, Path)), responses((status = 200, description = "The operation", body = OperationView)))]
pub(crate) async fn show_operation(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(id): Path<OperationId>,
) -> Result<Response, Problem> {
    let view = OperationView::from(app.show_operation(&caller, &id).await?);
    Ok(tagged(StatusCode::OK, view.operation.version, view))
}
