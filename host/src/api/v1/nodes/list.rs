//! `GET /clusters/{name}/nodes`: of what a cluster consists.

use axum::Json;
use axum::extract::State;

use super::NodeView;
use crate::api::extract::Path;
use crate::api::problem::Problem;
use crate::app::SharedApp;
use crate::app::caller::Caller;

/// Those that were found by id, then those that only a person named. Few enough for one page.
#[utoipa::path(get, path = "/api/v1/clusters/{name}/nodes", tag = "nodes", params(("name" = String, Path)), responses((status = 200, description = "The nodes", body = Vec<NodeView>)))]
pub(crate) async fn list_nodes(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Vec<NodeView>>, Problem> {
    let nodes = app.list_nodes(&caller, &name).await?;
    Ok(Json(nodes.into_iter().map(NodeView::from).collect()))
}
