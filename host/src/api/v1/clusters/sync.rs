//! `POST /clusters/{name}/sync`: one cycle now.

use axum::Json;
use axum::extract::State;

use crate::api::extract::Path;
use crate::api::problem::Problem;
use crate::api::v1::clusters::CycleView;
use crate::app::SharedApp;
use crate::app::caller::Caller;

/// Waits for one cycle and says what it saw.
#[utoipa::path(post, path = "/api/v1/clusters/{name}/sync", tag = "clusters", params(("name" = String, Path)), responses((status = 200, description = "What it saw", body = CycleView)))]
pub(crate) async fn sync_cluster(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<CycleView>, Problem> {
    let cycle = app.sync_cluster(&caller, &name).await?;
    Ok(Json(CycleView::of(name, cycle)))
}
