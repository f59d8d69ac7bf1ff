//! `GET /clusters/{name}/drift`: what somebody changed in the cluster.

use axum::Json;
use axum::extract::State;

use crate::api::extract::{Path, QueryString};
use crate::api::page::{Page, PageQuery};
use crate::api::problem::Problem;
use crate::api::v1::resources::ResourceDrift;
use crate::app::SharedApp;
use crate::app::caller::Caller;

/// Drifted and conflicted resources, with the fields that differ.
#[utoipa::path(get, path = "/api/v1/clusters/{name}/drift", tag = "drift", params(("name" = String, Path), PageQuery), responses((status = 200, description = "A page of drift", body = Page<ResourceDrift>)))]
pub(crate) async fn list_drift(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(name): Path<String>,
    QueryString(query): QueryString<PageQuery>,
) -> Result<Json<Page<ResourceDrift>>, Problem> {
    let limit = query.limit()?;
    let drift = app.list_drift(&caller, &name, query.after()?, limit + 1).await?;
    Ok(Json(Page::cut(drift, limit, |(known, _)| known.resource.key.clone()).map(ResourceDrift::from)))
}
