//! `GET /clusters/{name}/operation-types`: the actions that can be run in a cluster.

use axum::Json;
use axum::extract::State;

use crate::api::extract::Path;
use crate::api::problem::Problem;
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::domain::operation::OperationType;

/// Actions of a cluster's kind that are no edit of a resource, with the JSON Schema of their input; by name.
#[utoipa::path(get, path = "/api/v1/clusters/{name}/operation-types", tag = "operations", params(("name" = String, Path)), responses((status = 200, description = "The operations that can be run", body = Vec<OperationType>)))]
pub(crate) async fn list_operation_types(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Vec<OperationType>>, Problem> {
    Ok(Json(app.list_operation_types(&caller, &name).await?))
}
