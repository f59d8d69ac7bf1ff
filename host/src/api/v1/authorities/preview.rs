//! `POST /clusters/{name}/authority/preview`: what another authority would mean.

use axum::Json;
use axum::extract::State;

use super::{AuthorityPreviewView, PreviewAuthority};
use crate::api::extract::{Body, Path};
use crate::api::problem::Problem;
use crate::app::SharedApp;
use crate::app::caller::Caller;

/// What would be taken over (`adopt`) or changed (`manage`). A cluster that was not looked at yet is looked at first; nothing
/// is written to it, and its authority stays.
#[utoipa::path(post, path = "/api/v1/clusters/{name}/authority/preview", tag = "clusters", params(("name" = String, Path)), request_body = PreviewAuthority, responses((status = 200, description = "What it would mean", body = AuthorityPreviewView)))]
pub(crate) async fn preview_authority(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(name): Path<String>,
    Body(body): Body<PreviewAuthority>,
) -> Result<Json<AuthorityPreviewView>, Problem> {
    Ok(Json(app.preview_authority(&caller, &name, body.authority).await?.into()))
}
