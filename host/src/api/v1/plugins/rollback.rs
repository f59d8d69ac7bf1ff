//! `POST /plugins/{kind}/rollback`.

use axum::Json;
use axum::extract::State;

use crate::api::extract::Path;
use crate::api::problem::Problem;
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::domain::plugin::PluginStatus;
use crate::plugins::driver::PluginChange;

/// The version before serves again; the one that serves stays out until its file changes.
#[utoipa::path(post, path = "/api/v1/plugins/{kind}/rollback", tag = "plugins", params(("kind" = String, Path)), responses((status = 200, description = "Rolled back", body = PluginStatus)))]
pub(crate) async fn rollback_plugin(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(kind): Path<String>,
) -> Result<Json<PluginStatus>, Problem> {
    Ok(Json(app.change_plugin(&caller, &kind, PluginChange::RollBack).await?))
}
