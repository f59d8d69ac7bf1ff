//! `GET /plugins/{kind}`: one plugin, as it stands on this host.

use axum::Json;
use axum::extract::State;

use crate::api::extract::Path;
use crate::api::problem::Problem;
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::domain::plugin::PluginStatus;

/// A plugin by its kind, or by its file where that serves none.
#[utoipa::path(get, path = "/api/v1/plugins/{kind}", tag = "plugins", params(("kind" = String, Path)), responses((status = 200, description = "The plugin", body = PluginStatus)))]
pub(crate) async fn show_plugin(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(kind): Path<String>,
) -> Result<Json<PluginStatus>, Problem> {
    Ok(Json(app.show_plugin(&caller, &kind)?))
}
