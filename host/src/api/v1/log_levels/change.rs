//! `PUT /log-levels/{stream}`: has one stream tell more or less.

use axum::Json;
use axum::extract::State;

use crate::api::extract::{Body, Path};
use crate::api::problem::Problem;
use crate::api::v1::log_levels::{ChangeLogLevel, LogLevelView};
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::domain::stream::Stream;

/// Changes the level of one stream until the host ends: a restart begins with `HEADGATE_LOG` again.
#[utoipa::path(put, path = "/api/v1/log-levels/{stream}", tag = "log-levels", params(("stream" = Stream, Path)), request_body = ChangeLogLevel, responses((status = 200, description = "As it is now", body = LogLevelView)))]
pub(crate) async fn change_log_level(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(stream): Path<Stream>,
    Body(body): Body<ChangeLogLevel>,
) -> Result<Json<LogLevelView>, Problem> {
    Ok(Json(app.change_log_level(&caller, stream, body.level).await?.into()))
}
