//! `GET /tokens`: who may call.

use axum::Json;
use axum::extract::State;

use crate::api::page::Page;
use crate::api::problem::Problem;
use crate::api::v1::tokens::TokenView;
use crate::app::SharedApp;
use crate::app::caller::Caller;

/// The tokens, oldest first, without their text.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens", responses((status = 200, description = "All of them", body = Page<TokenView>)))]
pub(crate) async fn list_tokens(
    State(app): State<SharedApp>,
    caller: Caller,
) -> Result<Json<Page<TokenView>>, Problem> {
    let items = app.list_tokens(&caller).await?.into_iter().map(TokenView::from).collect();
    Ok(Json(Page { items, next: None }))
}
