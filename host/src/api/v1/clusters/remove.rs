//! `DELETE /clusters/{name}`: forgets a cluster.

use axum::extract::State;
use axum::http::StatusCode;

use super::RemoveQuery;
use crate::api::extract::{IfMatch, Path, QueryString};
use crate::api::problem::Problem;
use crate::app::SharedApp;
use crate::app::caller::Caller;

/// Forgets the cluster and all that is known of it; the cluster itself is left as it is.
#[utoipa::path(delete, path = "/api/v1/clusters/{name}", tag = "clusters", params(RemoveQuery, ("name" = String, Path), ("If-Match" = Option<String>, Header)), responses((status = 204, description = "Forgotten")))]
pub(crate) async fn remove_cluster(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(name): Path<String>,
    IfMatch(version): IfMatch,
    QueryString(query): QueryString<RemoveQuery>,
) -> Result<StatusCode, Problem> {
    let names = query.despite.unwrap_or_default();
    let despite: Vec<String> = names.split(',').map(|name| name.trim().to_owned()).collect();
    app.remove_cluster(&caller, &name, version, &despite).await?;
    Ok(StatusCode::NO_CONTENT)
}
