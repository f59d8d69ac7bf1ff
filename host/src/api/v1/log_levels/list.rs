//! `GET /log-levels`: what each stream of the log tells.

use axum::Json;
use axum::extract::State;

use crate::api::v1::log_levels::LogLevelView;
use crate::app::SharedApp;
use crate::app::caller::Caller;

/// The streams of the host's log, each with its level.
#[utoipa::path(get, path = "/api/v1/log-levels", tag = "log-levels", responses((status = 200, description = "The streams", body = Vec<LogLevelView>)))]
pub(crate) async fn list_log_levels(State(app): State<SharedApp>, caller: Caller) -> Json<Vec<LogLevelView>> {
    Json(app.list_log_levels(&caller).into_iter().map(LogLevelView::from).collect())
}
