//! `DELETE /plugins/{kind}`.

use axum::Json;
use axum::extract::State;

use crate::api::extract::Path;
use crate::api::problem::Problem;
use crate::api::v1::plugins::RemovedPlugin;
use crate::app::SharedApp;
use crate::app::caller::Caller;

/// Deletes the file of a kind, or a file that serves none. Another file of the kind takes its place; without one its clusters
/// are not asked any more, and nothing of them is deleted.
#[utoipa::path(delete, path = "/api/v1/plugins/{kind}", tag = "plugins", params(("kind" = String, Path)), responses((status = 200, description = "The file is deleted", body = RemovedPlugin)))]
pub(crate) async fn remove_plugin(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(kind): Path<String>,
) -> Result<Json<RemovedPlugin>, Problem> {
    Ok(Json(RemovedPlugin { file: app.remove_plugin(&caller, &kind).await? }))
}
