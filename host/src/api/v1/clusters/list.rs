//! `GET /clusters`: the registered clusters.

use axum::Json;
use axum::extract::State;

use crate::api::extract::QueryString;
use crate::api::page::{Page, PageQuery};
use crate::api::problem::Problem;
use crate::api::v1::clusters::ClusterView;
use crate::app::SharedApp;
use crate::app::caller::Caller;

/// Clusters by name, without their nodes.
#[utoipa::path(get, path = "/api/v1/clusters", tag = "clusters", params(PageQuery), responses((status = 200, description = "A page of clusters", body = Page<ClusterView>)))]
pub(crate) async fn list_clusters(
    State(app): State<SharedApp>,
    caller: Caller,
    QueryString(query): QueryString<PageQuery>,
) -> Result<Json<Page<ClusterView>>, Problem> {
    let (limit, after) = (query.limit()?, query.after::<String>()?);
    let clusters = app.list_clusters(&caller, after.as_deref(), limit + 1).await?;
    let page = Page::cut(clusters, limit, |details| details.cluster.name.clone());
    Ok(Json(page.map(ClusterView::from)))
}
