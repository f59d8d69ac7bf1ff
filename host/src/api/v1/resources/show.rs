//! `GET /clusters/{name}/resources/{type}/{id}`: one resource, looked at just now where the cluster answers.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::api::extract::{Path, QueryString, tagged};
use crate::api::problem::Problem;
use crate::api::v1::resources::{AtQuery, ResourceDetail};
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::domain::place::Place;
use crate::domain::resource::ResourceKey;

/// One resource with what differs, its defaults and its history.
#[utoipa::path(get, path = "/api/v1/clusters/{name}/resources/{type}/{id}", tag = "resources", params(("name" = String, Path), ("type" = String, Path), ("id" = String, Path), AtQuery), responses((status = 200, description = "The resource", body = ResourceDetail)))]
pub(crate) async fn show_resource(
    State(app): State<SharedApp>,
    caller: Caller,
    Path((name, metadata_type, id)): Path<(String, String, String)>,
    QueryString(query): QueryString<AtQuery>,
) -> Result<Response, Problem> {
    let key = ResourceKey { metadata_type, id, place: query.at.unwrap_or(Place::Cluster) };
    let seen = app.show_resource(&caller, &name, &key).await?;
    let version = seen.known.resource.version;
    Ok(tagged(StatusCode::OK, version, ResourceDetail::from(seen)))
}
