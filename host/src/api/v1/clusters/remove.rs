//! `DELETE /clusters/{name}`: forgets a cluster.

use axum::extract::State;
use axum::http::StatusCode;

use crate::api::extract::{IfMatch, Path};
use crate::api::problem::Problem;
use crate::app::SharedApp;
use crate::app::caller::Caller;

/// Forgets the cluster and all that is known of it; the cluster itself is left as it is.
#[utoipa::path(delete, path = "/api/v1/clusters/{name}", tag = "clusters", params(("name" = String, Path), ("If-Match" = Option<String>, Header)), responses((status = 204, description = "Forgotten")))]
pub(crate) async fn remove_cluster(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(name): Path<String>,
    IfMatch(version): IfMatch,
) -> Result<StatusCode, Problem> {
    app.remove_cluster(&caller, &name, version).await?;
    Ok(StatusCode::NO_CONTENT)
}
