//! `POST /clusters/{name}/drift/accept`: takes the cluster's value into the wish.

use axum::Json;
use axum::extract::State;

use crate::api::extract::{Body, Path};
use crate::api::problem::Problem;
use crate::api::v1::drift::DriftSubject;
use crate::api::v1::resources::ResourceView;
use crate::app::SharedApp;
use crate::app::caller::Caller;

/// Takes what the cluster holds into the wish.
#[utoipa::path(post, path = "/api/v1/clusters/{name}/drift/accept", tag = "drift", params(("name" = String, Path)), request_body = DriftSubject, responses((status = 200, description = "The resource afterwards", body = ResourceView)))]
pub(crate) async fn accept_drift(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(name): Path<String>,
    Body(body): Body<DriftSubject>,
) -> Result<Json<ResourceView>, Problem> {
    let (key, field) = body.split();
    let known = app.accept_drift(&caller, &name, &key, field).await?;
    Ok(Json(ResourceView::from(known)))
}
