//! `GET /clusters/{name}/removal`: what would go with a cluster.

use axum::Json;
use axum::extract::State;

use super::RemovalView;
use crate::api::extract::Path;
use crate::api::problem::Problem;
use crate::app::SharedApp;
use crate::app::caller::Caller;

/// Counts what the host would forget, and names what stands on the cluster. Nothing is done.
#[utoipa::path(get, path = "/api/v1/clusters/{name}/removal", tag = "clusters", params(("name" = String, Path)), responses((status = 200, description = "What would go", body = RemovalView)))]
pub(crate) async fn show_removal(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<RemovalView>, Problem> {
    Ok(Json(app.preview_removal(&caller, &name).await?.into()))
}
