//! `GET /clusters/{name}/divergence`: resources whose copies differ.

use axum::Json;
use axum::extract::State;

use super::ListQuery;
use crate::api::extract::{Path, QueryString};
use crate::api::page::{Page, PageQuery};
use crate::api::problem::Problem;
use crate::app::caller::Caller;
use crate::app::{DivergenceQuery, SharedApp};
use crate::domain::divergence::Diverged;

/// Resources whose copies differ, with who has what; only where that is forbidden, unless `allowed` asks for all.
#[utoipa::path(get, path = "/api/v1/clusters/{name}/divergence", tag = "divergence", params(("name" = String, Path), ListQuery), responses((status = 200, description = "A page of divergence", body = Page<Diverged>)))]
pub(crate) async fn list_divergence(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(name): Path<String>,
    QueryString(query): QueryString<ListQuery>,
) -> Result<Json<Page<Diverged>>, Problem> {
    let page = PageQuery { limit: query.limit, after: query.after };
    let limit = page.limit()?;
    let query = DivergenceQuery {
        metadata_type: query.metadata_type,
        allowed: query.allowed.unwrap_or(false),
        place: query.at,
        after: page.after()?,
        limit: limit + 1,
    };
    let found = app.list_divergence(&caller, &name, query).await?;
    Ok(Json(Page::cut(found, limit, |one| (one.metadata_type.clone(), one.id.clone()))))
}
