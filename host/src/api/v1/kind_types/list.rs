//! `GET /kinds/{kind}/types`: what a kind manages.

use axum::Json;
use axum::extract::State;

use crate::api::extract::Path;
use crate::api::problem::Problem;
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::domain::contract::MetadataType;

/// The metadata types of a kind, in the plugin's order.
#[utoipa::path(get, path = "/api/v1/kinds/{kind}/types", tag = "kinds", params(("kind" = String, Path)), responses((status = 200, description = "The types", body = Vec<MetadataType>)))]
pub(crate) async fn list_kind_types(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(kind): Path<String>,
) -> Result<Json<Vec<MetadataType>>, Problem> {
    Ok(Json(app.show_kind(&caller, &kind).await?.1))
}
