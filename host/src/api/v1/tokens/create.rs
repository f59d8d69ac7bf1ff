//! `POST /tokens`: lets somebody else call.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;

use crate::api::extract::Body;
use crate::api::problem::Problem;
use crate::api::v1::tokens::{CreateToken, CreatedToken, TokenView};
use crate::app::caller::Caller;
use crate::app::{NewToken, SharedApp};

/// A new token. Its text is in this answer and nowhere else; an `Idempotency-Key` is not honoured.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", request_body = CreateToken, responses((status = 201, description = "Made", body = CreatedToken)))]
pub(crate) async fn create_token(
    State(app): State<SharedApp>,
    caller: Caller,
    Body(body): Body<CreateToken>,
) -> Result<(StatusCode, Json<CreatedToken>), Problem> {
    let CreateToken { name, role, expires_at_ms } = body;
    let minted = app.create_token(&caller, NewToken { name, role: role.into(), expires_at_ms }).await?;
    let created = CreatedToken { view: TokenView::from(minted.token), token: minted.text };
    Ok((StatusCode::CREATED, Json(created)))
}
