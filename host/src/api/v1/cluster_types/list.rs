//! `GET /clusters/{name}/types`: what can be managed in a cluster.

use axum::Json;
use axum::extract::State;

use crate::api::extract::Path;
use crate::api::problem::Problem;
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::domain::contract::MetadataType;

/// The metadata types of a cluster's kind, with what discovery said of this cluster.
#[utoipa::path(get, path = "/api/v1/clusters/{name}/types", tag = "clusters", params(("name" = String, Path)), responses((status = 200, description = "The types", body = Vec<MetadataType>)))]
pub(crate) async fn list_cluster_types(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Vec<MetadataType>>, Problem> {
    Ok(Json(app.list_cluster_types(&caller, &name).await?))
}
