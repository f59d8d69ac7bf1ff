//! `POST /plugins`: a component, sent as it is.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::api::extract::{QueryString, unreadable};
use crate::api::problem::Problem;
use crate::api::v1::plugins::{InstallQuery, SIGNATURE_HEADER};
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::domain::installation::Installed;
use crate::plugins::driver::{COMPONENT_BYTES_MAX, Upload};

/// The file is judged by all stages that one in the plugin folder goes through, then stored there, and serves as soon as it
/// was loaded; `GET /plugins/{kind}` tells how far it is. What is refused is not stored. The same content again changes
/// nothing.
#[utoipa::path(post, path = "/api/v1/plugins", tag = "plugins", params(InstallQuery, ("x-headgate-signature" = Option<String>, Header, description = "The text of its `.minisig` in Base64")), request_body(content = Vec<u8>, content_type = "application/wasm", description = "The component"), responses((status = 200, description = "Stored", body = Installed)))]
pub(crate) async fn install_plugin(
    State(app): State<SharedApp>,
    caller: Caller,
    QueryString(query): QueryString<InstallQuery>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Installed>, Problem> {
    let bytes = body.map_err(|rejected| match rejected.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        _ => unreadable(rejected),
    })?;
    let signature = signature(&headers)?;
    let upload = Upload { name: query.name, bytes: bytes.into(), signature };
    Ok(Json(app.install_plugin(&caller, upload).await?))
}

/// Base64 of the text of a `.minisig`, whose line ends no header can carry.
fn signature(headers: &HeaderMap) -> Result<Option<String>, Box<Problem>> {
    let Some(value) = headers.get(SIGNATURE_HEADER) else { return Ok(None) };
    let text = STANDARD.decode(value).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    text.map(Some).ok_or_else(|| {
        let detail = format!("`{SIGNATURE_HEADER}` holds no signature's text in Base64");
        Box::new(Problem::new(StatusCode::BAD_REQUEST, "invalid-signature", detail))
    })
}

fn too_large() -> Problem {
    let detail = format!("a component has at most {COMPONENT_BYTES_MAX} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", detail)
        .advice("strip its debug information")
}
