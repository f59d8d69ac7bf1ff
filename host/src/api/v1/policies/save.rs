//! `PUT /clusters/{name}/policies`: replaces the policy of a cluster, a type or a resource.

use axum::Json;
use axum::extract::State;

use crate::api::extract::{Body, Path, QueryString};
use crate::api::problem::Problem;
use crate::api::v1::policies::SubjectQuery;
use crate::app::SharedApp;
use crate::app::caller::Caller;
use crate::domain::policy::{Policy, PolicyEntry, PolicySubject};

/// Replaces one policy; an empty one is taken off.
#[utoipa::path(put, path = "/api/v1/clusters/{name}/policies", tag = "policies", params(("name" = String, Path), SubjectQuery), request_body = Policy, responses((status = 200, description = "As it is now", body = PolicyEntry)))]
pub(crate) async fn save_policy(
    State(app): State<SharedApp>,
    caller: Caller,
    Path(name): Path<String>,
    QueryString(query): QueryString<SubjectQuery>,
    Body(policy): Body<Policy>,
) -> Result<Json<PolicyEntry>, Problem> {
    let subject = PolicySubject { metadata_type: query.metadata_type, id: query.id };
    Ok(Json(app.save_policy(&caller, &name, subject, policy).await?))
}
