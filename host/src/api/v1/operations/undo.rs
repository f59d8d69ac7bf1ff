//! `POST /operations/{id}/undo`: takes an operation back.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::{OperationView, UndoOperation};
use crate::api::extract::{OptionalBody, Path, tagged};
use crate::api::problem::Problem;
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::domain::id::OperationId;

/// Another operation, with the input that takes this one back.
#[utoipa::path(post, path = "/api/v1/operations/{id}/undo", tag = "operations", params(("id" = String, Path), ("Idempotency-Key" = Option<String>, Header)), request_body = Option<UndoOperation>, responses((status = 202, description = "Accepted; it will be carried out", body = OperationView)))]
pub(crate) async fn undo_operation(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(id): Path<OperationId>,
    OptionalBody(body): OptionalBody<UndoOperation>,
) -> Result<Response, Problem> {
    let view = OperationView::from(app.undo_operation(&caller, &id, body.allow_destructive).await?);
    Ok(tagged(StatusCode::ACCEPTED, view.operation.version, view))
}
