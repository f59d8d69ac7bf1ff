//! `GET /clusters/{name}`: one cluster with its nodes.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::api::extract::{Path, tagged};
use crate::api::problem::Problem;
use crate::api::v1::clusters::ClusterView;
use crate::app::SharedApp;
use crate::app::caller::Caller;

/// A cluster with its nodes. `ETag` is its version.
#[utoipa::path(get, path = "/api/v1/clusters/{name}", tag = "clusters", params(("name" = String, Path)), responses((status = 200, description = "The cluster", body = ClusterView)))]
pub(crate) async fn show_cluster(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let view = ClusterView::from(app.show_cluster(&caller, &name).await?);
    Ok(tagged(StatusCode::OK, view.cluster.version, view))
}
