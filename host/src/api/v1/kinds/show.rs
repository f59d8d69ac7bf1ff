//! `GET /kinds/{kind}`: one plugin with its metadata types.

use axum::Json;
use axum::extract::State;

use crate::api::extract::Path;
use crate::api::problem::Problem;
use crate::api::v1::kinds::{KindDetail, KindView};
use crate::app::SharedApp;
use crate::app::caller::Caller;

/// A kind with its types.
#[utoipa::path(get, path = "/api/v1/kinds/{kind}", tag = "kinds", params(("kind" = String, Path)), responses((status = 200, description = "The kind", body = KindDetail)))]
pub(crate) async fn show_kind(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(kind): Path<String>,
) -> Result<Json<KindDetail>, Problem> {
    let (kind, types) = app.show_kind(&caller, &kind).await?;
    Ok(Json(KindDetail { kind: KindView::from(kind), types }))
}
