//! `POST /plugins`: a component, sent as it is.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;

use crate::api::extract::{QueryString, unreadable};
use crate::api::problem::Problem;
use crate::api::v1::plugins::InstallQuery;
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::domain::installation::Installed;
use crate::plugins::driver::{COMPONENT_BYTES_MAX, Upload};

/// The file is judged by all stages that one in the plugin folder goes through, then stored there, and serves as soon as it
/// was loaded; `GET /plugins/{kind}` tells how far it is. What is refused is not stored. The same content again changes
/// nothing.
#[utoipa::path(post, path = "/api/v1/plugins", tag = "plugins", params(InstallQuery), request_body(content = Vec<u8>, content_type = "application/wasm", description = "The component"), responses((status = 200, description = "Stored", body = Installed)))]
pub(crate) async fn install_plugin(
    State(app): State<SharedApp>,
    caller: Caller,
    QueryString(query): QueryString<InstallQuery>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Installed>, Problem> {
    let bytes = body.map_err(|rejected| match rejected.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        _ => unreadable(rejected),
    })?;
    let upload = Upload { name: query.name, bytes: bytes.into() };
    Ok(Json(app.install_plugin(&caller, upload).await?))
}

fn too_large() -> Problem {
    let detail = format!("a component has at most {COMPONENT_BYTES_MAX} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", detail)
        .advice("strip its debug information")
}
