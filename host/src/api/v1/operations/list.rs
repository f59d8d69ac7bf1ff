//! `GET /operations`: what was asked for, newest first.

use axum::Json;
use axum::extract::State;

use super::{OperationView, OperationsQuery};
use crate::api::extract::QueryString;
use crate::api::page::{Page, PageQuery};
use crate::api::problem::Problem;
use crate::api::v1::choices;
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::domain::id::OperationId;

/// Operations, newest first.
#[utoipa::path(get, path = "/api/v1/operations", tag = "operations", params(OperationsQuery), responses((status = 200, description = "A page of operations", body = Page<OperationView>)))]
pub(crate) async fn list_operations(
    State(app): State<SharedApp>,
    caller: Caller,
    QueryString(query): QueryString<OperationsQuery>,
) -> Result<Json<Page<OperationView>>, Problem> {
    let page = PageQuery { limit: query.limit, after: query.after };
    let (limit, after) = (page.limit()?, page.after::<OperationId>()?);
    let states = choices("state", query.state.as_deref())?;
    let cluster = query.cluster.as_deref();
    let operations = app.list_operations(&caller, cluster, &states, after.as_ref(), limit + 1).await?;
    Ok(Json(Page::cut(operations, limit, |named| named.operation.id.clone()).map(OperationView::from)))
}
