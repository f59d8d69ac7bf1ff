//! `GET /plugins/{kind}/incidents`: what a plugin failed at.

use axum::Json;
use axum::extract::State;

use crate::api::extract::{Path, QueryString};
use crate::api::page::{Page, PageQuery};
use crate::api::problem::Problem;
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::domain::plugin::Incident;

/// Failures of the plugin, newest first: traps, limits, broken answers. What a backend refused is none.
#[utoipa::path(get, path = "/api/v1/plugins/{kind}/incidents", tag = "plugins", params(("kind" = String, Path), PageQuery), responses((status = 200, description = "A page of incidents", body = Page<Incident>)))]
pub(crate) async fn list_plugin_incidents(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(kind): Path<String>,
    QueryString(page): QueryString<PageQuery>,
) -> Result<Json<Page<Incident>>, Problem> {
    let (limit, after) = (page.limit()?, page.after::<String>()?);
    let incidents = app.list_plugin_incidents(&caller, &kind, after.as_deref(), limit + 1).await?;
    Ok(Json(Page::cut(incidents, limit, |incident| incident.id.clone())))
}
