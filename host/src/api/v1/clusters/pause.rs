//! `POST /clusters/{name}/pause`: stops asking a cluster.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::api::extract::{IfMatch, Path, tagged};
use crate::api::problem::Problem;
use crate::api::v1::clusters::ClusterView;
use crate::app::SharedApp;
use crate::app::caller::Caller;

/// Cycles and plans stop; what is known stays.
#[utoipa::path(post, path = "/api/v1/clusters/{name}/pause", tag = "clusters", params(("name" = String, Path), ("If-Match" = Option<String>, Header)), responses((status = 200, description = "Paused", body = ClusterView)))]
pub(crate) async fn pause_cluster(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(name): Path<String>,
    IfMatch(version): IfMatch,
) -> Result<Response, Problem> {
    let view = ClusterView::from(app.pause_cluster(&caller, &name, version, true).await?);
    Ok(tagged(StatusCode::OK, view.cluster.version, view))
}
