//! `GET /kinds`: the loaded plugins.

use axum::Json;
use axum::extract::State;

use crate::api::page::Page;
use crate::api::v1::kinds::KindView;
use crate::app::SharedApp;
use crate::app::caller::Caller;

/// The loaded kinds, by name.
#[utoipa::path(get, path = "/api/v1/kinds", tag = "kinds", responses((status = 200, description = "All of them", body = Page<KindView>)))]
pub(crate) async fn list_kinds(State(app): State<SharedApp>, caller: Caller) -> Json<Page<KindView>> {
    let items = app.list_kinds(&caller).into_iter().map(KindView::from).collect();
    Json(Page { items, next: None })
}
