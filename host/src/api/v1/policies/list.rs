//! `GET /clusters/{name}/policies`: who decides what, within which limits.

use axum::Json;
use axum::extract::State;

use crate::api::extract::Path;
use crate::api::problem::Problem;
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::domain::policy::PolicyEntry;

/// The cluster's own policy first, then those that narrow it.
#[utoipa::path(get, path = "/api/v1/clusters/{name}/policies", tag = "policies", params(("name" = String, Path)), responses((status = 200, description = "The policies", body = Vec<PolicyEntry>)))]
pub(crate) async fn list_policies(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Vec<PolicyEntry>>, Problem> {
    Ok(Json(app.list_policies(&caller, &name).await?))
}
