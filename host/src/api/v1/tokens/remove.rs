//! `DELETE /tokens/{id}`: takes a token back.

use axum::extract::State;
use axum::http::StatusCode;

use crate::api::extract::Path;
use crate::api::problem::Problem;
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::domain::id::TokenId;

/// Takes a token back; the last owner's stays.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "tokens", params(("id" = String, Path)), responses((status = 204, description = "Taken back")))]
pub(crate) async fn remove_token(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(id): Path<TokenId>,
) -> Result<StatusCode, Problem> {
    app.remove_token(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
