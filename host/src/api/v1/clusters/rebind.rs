//! `POST /clusters/{name}/rebind`: accepts that another cluster answers under the address.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::api::extract::{IfMatch, Path, tagged};
use crate::api::problem::Problem;
use crate::api::v1::clusters::ClusterView;
use crate::app::SharedApp;
use crate::app::caller::Caller;

/// Keeps the wishes, forgets what was applied and owned, and ends open plans.
#[utoipa::path(post, path = "/api/v1/clusters/{name}/rebind", tag = "clusters", params(("name" = String, Path), ("If-Match" = Option<String>, Header)), responses((status = 200, description = "Bound to what answers next", body = ClusterView)))]
pub(crate) async fn rebind_cluster(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(name): Path<String>,
    IfMatch(version): IfMatch,
) -> Result<Response, Problem> {
    let view = ClusterView::from(app.rebind_cluster(&caller, &name, version).await?);
    Ok(tagged(StatusCode::OK, view.cluster.version, view))
}
