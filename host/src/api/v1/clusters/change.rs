//! `PATCH /clusters/{name}`: changes connection, secrets or authority.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::api::extract::{Body, IfMatch, Path, tagged};
use crate::api::problem::Problem;
use crate::api::v1::clusters::{ChangeCluster, ClusterView};
use crate::app::caller::Caller;
use crate::app::{ClusterChange, SharedApp};

/// Changes what the body names and leaves the rest.
#[utoipa::path(patch, path = "/api/v1/clusters/{name}", tag = "clusters", params(("name" = String, Path), ("If-Match" = Option<String>, Header)), request_body = ChangeCluster, responses((status = 200, description = "Changed", body = ClusterView)))]
pub(crate) async fn change_cluster(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(name): Path<String>,
    IfMatch(version): IfMatch,
    Body(body): Body<ChangeCluster>,
) -> Result<Response, Problem> {
    let ChangeCluster { connection, secrets, authority, addresses } = body;
    let change = ClusterChange { connection, secrets: secrets.unwrap_or_default(), authority, addresses };
    let view = ClusterView::from(app.change_cluster(&caller, &name, version, change).await?);
    Ok(tagged(StatusCode::OK, view.cluster.version, view))
}
