//! `POST /clusters/{name}/nodes`: names a node that the backend does not tell of, or one more to begin at.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use super::{NameNode, NodeView};
use crate::api::extract::{Body, Path};
use crate::api::problem::Problem;
use crate::app::SharedApp;
use crate::app::caller::Caller;

/// Names a node. It stays through every discovery, and stands once where discovery shows it too.
#[utoipa::path(post, path = "/api/v1/clusters/{name}/nodes", tag = "nodes", params(("name" = String, Path)), request_body = NameNode, responses((status = 201, description = "Named", body = NodeView)))]
pub(crate) async fn add_node(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(name): Path<String>,
    Body(body): Body<NameNode>,
) -> Result<(StatusCode, Json<NodeView>), Problem> {
    let node = app.add_node(&caller, &name, body.into()).await?;
    Ok((StatusCode::CREATED, Json(node.into())))
}
