//! `GET /records`: who changed what, from what to what, and how it ended.

use axum::Json;
use axum::extract::State;

use crate::api::extract::QueryString;
use crate::api::page::Page;
use crate::api::problem::Problem;
use crate::api::v1::records::{RecordView, RecordsQuery};
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::domain::id::RecordId;

/// Records, newest first. They are kept for 400 days, and longer than the cluster, plan or operation that they speak of.
#[utoipa::path(get, path = "/api/v1/records", tag = "records", params(RecordsQuery), responses((status = 200, description = "A page of records", body = Page<RecordView>)))]
pub(crate) async fn list_records(
    State(app): State<SharedApp>,
    caller: Caller,
    QueryString(query): QueryString<RecordsQuery>,
) -> Result<Json<Page<RecordView>>, Problem> {
    let (filter, page) = query.split()?;
    let (limit, after) = (page.limit()?, page.after::<RecordId>()?);
    let records = app.list_records(&caller, &filter, after.as_ref(), limit + 1).await?;
    Ok(Json(Page::cut(records, limit, |record| record.id.clone()).map(RecordView::from)))
}
