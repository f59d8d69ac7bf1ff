//! `POST /clusters/{name}/release`: ends the wish for a resource.

use axum::Json;
use axum::extract::State;

use crate::api::extract::{Body, Path};
use crate::api::problem::Problem;
use crate::api::v1::resources::{ResourceName, ResourceView};
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::domain::resource::ResourceKey;

/// Ends the wish and the ownership, and leaves the resource as it is.
#[utoipa::path(post, path = "/api/v1/clusters/{name}/release", tag = "resources", params(("name" = String, Path)), request_body = ResourceName, responses((status = 200, description = "Released", body = ResourceView)))]
pub(crate) async fn release_resource(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(name): Path<String>,
    Body(body): Body<ResourceName>,
) -> Result<Json<ResourceView>, Problem> {
    let released = app.release_resource(&caller, &name, &ResourceKey::from(body)).await?;
    Ok(Json(ResourceView::from(released)))
}
