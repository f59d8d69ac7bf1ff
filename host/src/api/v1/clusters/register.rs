//! `POST /clusters`: takes a cluster in.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::api::extract::{Body, tagged};
use crate::api::problem::Problem;
use crate::api::v1::clusters::{ClusterView, RegisterCluster};
use crate::app::caller::Caller;
use crate::app::{NewCluster, NewNode, SharedApp};

/// Saves the cluster and answers; the first cycle then says whether it can be reached.
#[utoipa::path(post, path = "/api/v1/clusters", tag = "clusters", params(("Idempotency-Key" = Option<String>, Header)), request_body = RegisterCluster, responses((status = 201, description = "Registered", body = ClusterView)))]
pub(crate) async fn register_cluster(
    State(app): State<SharedApp>,
    caller: Caller,
    Body(body): Body<RegisterCluster>,
) -> Result<Response, Problem> {
    let RegisterCluster { name, kind, like, connection, secrets, authority, addresses, nodes } = body;
    let nodes = nodes.into_iter().map(NewNode::from).collect();
    let new = NewCluster { name, kind, like, connection, secrets, authority, addresses, nodes };
    let view = ClusterView::from(app.register_cluster(&caller, new).await?);
    Ok(tagged(StatusCode::CREATED, view.cluster.version, view))
}
