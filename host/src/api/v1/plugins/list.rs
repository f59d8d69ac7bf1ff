//! `GET /plugins`: kinds and files, as they stand on this host.

use axum::Json;
use axum::extract::State;

use crate::api::page::Page;
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::domain::plugin::PluginStatus;

/// Kinds by name, then the files of the plugin directory that serve none.
#[utoipa::path(get, path = "/api/v1/plugins", tag = "plugins", responses((status = 200, description = "All of them", body = Page<PluginStatus>)))]
pub(crate) async fn list_plugins(State(app): State<SharedApp>, caller: Caller) -> Json<Page<PluginStatus>> {
    Json(Page { items: app.list_plugins(&caller), next: None })
}
