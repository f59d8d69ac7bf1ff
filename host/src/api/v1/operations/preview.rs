//! `POST /clusters/{name}/operations/{operation}/preview`: what an action would do.

use axum::Json;
use axum::extract::State;

use super::RunOperation;
use crate::api::extract::{Body, Path};
use crate::api::problem::Problem;
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::domain::operation::Forecast;

/// Asks the cluster what the operation would do; nothing is written.
#[utoipa::path(post, path = "/api/v1/clusters/{name}/operations/{operation}/preview", tag = "operations", params(("name" = String, Path), ("operation" = String, Path)), request_body = RunOperation, responses((status = 200, description = "What would become of what", body = Forecast)))]
pub(crate) async fn preview_operation(
    State(app): State<SharedApp>,
    caller: Caller,
    Path((name, operation)): Path<(String, String)>,
    Body(body): Body<RunOperation>,
) -> Result<Json<Forecast>, Problem> {
    Ok(Json(app.preview_operation(&caller, &name, body.wanted(operation)).await?))
}
