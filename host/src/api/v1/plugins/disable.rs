//! `POST /plugins/{kind}/disable`.

use axum::Json;
use axum::extract::State;

use crate::api::extract::Path;
use crate::api::problem::Problem;
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::domain::plugin::PluginStatus;
use crate::plugins::driver::PluginChange;

/// Calls of the kind are refused until it is enabled; what runs ends.
#[utoipa::path(post, path = "/api/v1/plugins/{kind}/disable", tag = "plugins", params(("kind" = String, Path)), responses((status = 200, description = "Disabled", body = PluginStatus)))]
pub(crate) async fn disable_plugin(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(kind): Path<String>,
) -> Result<Json<PluginStatus>, Problem> {
    Ok(Json(app.change_plugin(&caller, &kind, PluginChange::Disable).await?))
}
