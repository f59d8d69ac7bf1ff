//! `POST /plugins/{kind}/grant`.

use axum::Json;
use axum::extract::State;

use crate::api::extract::{Body, Path};
use crate::api::problem::Problem;
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::domain::grant::GrantChange;
use crate::domain::plugin::PluginStatus;
use crate::plugins::driver::PluginChange;

/// Decides what the kind may reach, and lets a version in that waits for it. The decision holds for later versions, until
/// one asks for more.
#[utoipa::path(post, path = "/api/v1/plugins/{kind}/grant", tag = "plugins", params(("kind" = String, Path)), request_body = GrantChange, responses((status = 200, description = "Decided", body = PluginStatus)))]
pub(crate) async fn grant_plugin(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(kind): Path<String>,
    Body(change): Body<GrantChange>,
) -> Result<Json<PluginStatus>, Problem> {
    Ok(Json(app.change_plugin(&caller, &kind, PluginChange::Grant(change)).await?))
}
