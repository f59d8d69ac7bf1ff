//! `DELETE /clusters/{name}/relations/{relation}/{target}`: takes a relation off.

use axum::extract::State;
use axum::http::StatusCode;

use crate::api::extract::Path;
use crate::api::problem::Problem;
use crate::app::caller::Caller;
use crate::app::{NamedRelation, SharedApp};
use crate::domain::relation::RelationType;

/// Takes a relation off; the clusters stay as they are.
#[utoipa::path(delete, path = "/api/v1/clusters/{name}/relations/{relation}/{target}", tag = "relations", params(("name" = String, Path), ("relation" = RelationType, Path), ("target" = String, Path)), responses((status = 204, description = "It is gone")))]
pub(crate) async fn remove_relation(
    State(app): State<SharedApp>,
    caller: Caller,
    Path((from, relation, to)): Path<(String, RelationType, String)>,
) -> Result<StatusCode, Problem> {
    app.remove_relation(&caller, NamedRelation { from, relation, to }).await?;
    Ok(StatusCode::NO_CONTENT)
}
