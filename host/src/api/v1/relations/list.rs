//! `GET /relations`: the graph of clusters.

use axum::Json;
use axum::extract::State;

use super::{RelationView, RelationsQuery};
use crate::api::extract::QueryString;
use crate::api::problem::Problem;
use crate::app::SharedApp;
use crate::app::caller::Caller;

/// All relations, by the names of their clusters. Few enough for one page: clusters are registered by hand.
#[utoipa::path(get, path = "/api/v1/relations", tag = "relations", params(RelationsQuery), responses((status = 200, description = "The relations", body = Vec<RelationView>)))]
pub(crate) async fn list_relations(
    State(app): State<SharedApp>,
    caller: Caller,
    QueryString(query): QueryString<RelationsQuery>,
) -> Result<Json<Vec<RelationView>>, Problem> {
    let relations = app.list_relations(&caller, query.cluster.as_deref()).await?;
    Ok(Json(relations.into_iter().map(RelationView::from).collect()))
}
