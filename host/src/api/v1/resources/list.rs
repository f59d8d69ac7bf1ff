//! `GET /clusters/{name}/resources`: what a cluster holds.

use axum::Json;
use axum::extract::State;

use crate::api::extract::{Path, QueryString};
use crate::api::page::{Page, PageQuery};
use crate::api::problem::Problem;
use crate::api::v1::choices;
use crate::api::v1::resources::{ListQuery, ResourceView};
use crate::app::caller::Caller;
use crate::app::{ResourceQuery, SharedApp};

/// Resources as the host remembers them, by type, id and place.
#[utoipa::path(get, path = "/api/v1/clusters/{name}/resources", tag = "resources", params(("name" = String, Path), ListQuery), responses((status = 200, description = "A page of resources", body = Page<ResourceView>)))]
pub(crate) async fn list_resources(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(name): Path<String>,
    QueryString(query): QueryString<ListQuery>,
) -> Result<Json<Page<ResourceView>>, Problem> {
    let page = PageQuery { limit: query.limit, after: query.after };
    let limit = page.limit()?;
    let wanted = ResourceQuery {
        metadata_type: query.metadata_type,
        statuses: choices("status", query.status.as_deref())?,
        place: query.at,
        pattern: query.pattern,
        diverged: query.diverged.unwrap_or(false),
        internal: query.internal,
        after: page.after()?,
        limit: limit + 1,
    };
    let known = app.list_resources(&caller, &name, wanted).await?;
    Ok(Json(Page::cut(known, limit, |known| known.resource.key.clone()).map(ResourceView::from)))
}
