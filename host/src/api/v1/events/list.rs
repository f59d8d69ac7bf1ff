//! `GET /events`: the event log.

use axum::Json;
use axum::extract::State;

use crate::api::extract::QueryString;
use crate::api::page::{Page, PageQuery};
use crate::api::problem::Problem;
use crate::api::v1::events::{EventView, EventsQuery};
use crate::app::caller::Caller;
use crate::app::{EventQuery, SharedApp};
use crate::domain::id::EventId;

/// Events, oldest first. `next` is the id of the last one.
#[utoipa::path(get, path = "/api/v1/events", tag = "events", params(EventsQuery), responses((status = 200, description = "A page of events", body = Page<EventView>)))]
pub(crate) async fn list_events(
    State(app): State<SharedApp>,
    caller: Caller,
    QueryString(query): QueryString<EventsQuery>,
) -> Result<Json<Page<EventView>>, Problem> {
    let limit = PageQuery { limit: query.limit, after: None }.limit()?;
    let cluster = app.event_cluster(&caller, query.cluster.as_deref()).await?;
    let wanted = EventQuery { cluster, after: query.after.map(EventId) };
    let events = app.list_events(&caller, &wanted, limit + 1).await?;
    let mut page = Page::cut(events, limit, |event| event.id.clone()).map(EventView::from);
    page.next = page.next.and(page.items.last()).map(|last| last.id.to_string());
    Ok(Json(page))
}
