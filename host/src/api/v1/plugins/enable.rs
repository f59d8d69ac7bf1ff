//! `POST /plugins/{kind}/enable`.

use axum::Json;
use axum::extract::State;

use crate::api::extract::{OptionalBody, Path};
use crate::api::problem::Problem;
use crate::api::v1::plugins::EnablePlugin;
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::domain::plugin::PluginStatus;
use crate::plugins::driver::PluginChange;

/// The kind serves again and is released from quarantine; a file that was refused or taken back is tried again.
#[utoipa::path(post, path = "/api/v1/plugins/{kind}/enable", tag = "plugins", params(("kind" = String, Path)), request_body = EnablePlugin, responses((status = 200, description = "Enabled", body = PluginStatus)))]
pub(crate) async fn enable_plugin(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(kind): Path<String>,
    OptionalBody(asked): OptionalBody<EnablePlugin>,
) -> Result<Json<PluginStatus>, Problem> {
    let change = PluginChange::Enable { downgrade: asked.downgrade };
    Ok(Json(app.change_plugin(&caller, &kind, change).await?))
}
