//! `GET /plans`: the plans, newest first.

use axum::Json;
use axum::extract::State;

use crate::api::extract::QueryString;
use crate::api::page::{Page, PageQuery};
use crate::api::problem::Problem;
use crate::api::v1::choices;
use crate::api::v1::plans::{PlanView, PlansQuery};
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::domain::id::PlanId;

/// Plans, newest first, without the documents of their steps.
#[utoipa::path(get, path = "/api/v1/plans", tag = "plans", params(PlansQuery), responses((status = 200, description = "A page of plans", body = Page<PlanView>)))]
pub(crate) async fn list_plans(
    State(app): State<SharedApp>,
    caller: Caller,
    QueryString(query): QueryString<PlansQuery>,
) -> Result<Json<Page<PlanView>>, Problem> {
    let page = PageQuery { limit: query.limit, after: query.after };
    let (limit, after) = (page.limit()?, page.after::<PlanId>()?);
    let states = choices("state", query.state.as_deref())?;
    let plans = app.list_plans(&caller, query.cluster.as_deref(), &states, after.as_ref(), limit + 1).await?;
    Ok(Json(Page::cut(plans, limit, |named| named.plan.id.clone()).map(PlanView::from)))
}
