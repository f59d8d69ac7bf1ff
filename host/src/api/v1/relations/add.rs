//! `POST /relations`: says that one cluster stands on another.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::{AddRelation, RelationView};
use crate::api::extract::Body;
use crate::api::problem::Problem;
use crate::app::SharedApp;
use crate::app::caller::Caller;

/// Adds a relation; adding it twice is adding it once. One that would close a circle is refused.
#[utoipa::path(post, path = "/api/v1/relations", tag = "relations", request_body = AddRelation, responses((status = 201, description = "It stands", body = RelationView)))]
pub(crate) async fn add_relation(
    State(app): State<SharedApp>,
    caller: Caller,
    Body(body): Body<AddRelation>,
) -> Result<(StatusCode, Json<RelationView>), Problem> {
    let source = app.add_relation(&caller, body.clone().into()).await?;
    let AddRelation { from, relation, to } = body;
    Ok((StatusCode::CREATED, Json(RelationView { from, relation, to, source })))
}
