//! `DELETE /clusters/{name}/nodes/{id}`: takes off a named node, or one that is gone for good.

use axum::extract::State;
use axum::http::StatusCode;

use crate::api::extract::Path;
use crate::api::problem::Problem;
use crate::app::SharedApp;
use crate::app::caller::Caller;

/// Takes off a node that a person named, or that discovery lost. One that discovery shows is refused: it would be found again.
#[utoipa::path(delete, path = "/api/v1/clusters/{name}/nodes/{id}", tag = "nodes", params(("name" = String, Path), ("id" = String, Path)), responses((status = 204, description = "It is gone")))]
pub(crate) async fn remove_node(
    State(app): State<SharedApp>,
    caller: Caller,
    Path((name, id)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    app.remove_node(&caller, &name, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
