//! Plans over HTTP; what they decide is the pipeline's, and tested there.

use axum::http::{HeaderValue, Method, StatusCode, header};
use serde_json::json;

use crate::api::testing::Host;

const PLANS: &str = "/api/v1/plans";

async fn propose(host: &Host) -> String {
    let body = json!({"cluster": "lab", "documents": [{"type": "item", "name": "a", "spec": {"size": 1}}]});
    let made = host.call(Method::POST, PLANS, Some(body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    assert_eq!(made.body["cluster_name"], "lab");
    assert_eq!(made.body["created_by"], "token:owner");
    made.body["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_plan_is_proposed_read_approved_and_not_cancelled_then() {
    let host = Host::start().await;
    host.register("lab").await;
    let id = propose(&host).await;
    let shown = host.call(Method::GET, &format!("{PLANS}/{id}"), None).await;
    assert_eq!(shown.body["state"], "proposed");
    assert_eq!(shown.body["summary"], format!("Plan {id}: nothing to do."));

    let mut request = host.request(Method::POST, &format!("{PLANS}/{id}/approve"), None);
    request.headers_mut().insert(header::IF_MATCH, HeaderValue::from_static("\"9\""));
    assert_eq!(host.send(request).await.status, StatusCode::PRECONDITION_FAILED);

    let body = json!({"allow_destructive": true});
    let approved = host.call(Method::POST, &format!("{PLANS}/{id}/approve"), Some(body)).await;
    assert_eq!((approved.status, approved.body["state"].as_str()), (StatusCode::ACCEPTED, Some("approved")));
    let late = host.call(Method::POST, &format!("{PLANS}/{id}/cancel"), None).await;
    assert_eq!((late.status.as_u16(), late.body["code"].as_str()), (409, Some("wrong-state")));
}

#[tokio::test]
async fn a_plan_with_nothing_to_do_is_not_stored() {
    let host = Host::start().await;
    host.register("lab").await;
    for body in [
        json!({"cluster": "lab", "documents": []}),
        json!({"cluster": "lab", "delete": {"type": "item", "id": "a"}, "dry_run": true}),
    ] {
        let answer = host.call(Method::POST, PLANS, Some(body)).await;
        assert_eq!((answer.status, answer.body["id"].as_str()), (StatusCode::OK, Some("")));
    }
    assert_eq!(host.call(Method::GET, PLANS, None).await.body["items"], json!([]));
}

#[tokio::test]
async fn a_plan_is_for_one_thing() {
    let host = Host::start().await;
    host.register("lab").await;
    let both = json!({"cluster": "lab", "documents": [], "adopt": {"type": "item", "pattern": "*"}});
    for body in [json!({"cluster": "lab"}), both] {
        let refused = host.call(Method::POST, PLANS, Some(body)).await;
        assert_eq!((refused.status.as_u16(), refused.body["code"].as_str()), (422, Some("invalid-plan")));
    }
}

#[tokio::test]
async fn plans_are_listed_newest_first_by_state() {
    let host = Host::start().await;
    host.register("lab").await;
    let (first, second) = (propose(&host).await, propose(&host).await);
    host.call(Method::POST, &format!("{PLANS}/{first}/cancel"), None).await;
    let ids = |query: &'static str| {
        let host = &host;
        async move {
            let page = host.call(Method::GET, &format!("{PLANS}?{query}"), None).await;
            let items = page.body["items"].as_array().unwrap().clone();
            items.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        }
    };
    assert_eq!(ids("cluster=lab").await, [second.clone(), first.clone()]);
    assert_eq!(ids("state=cancelled,applied").await, [first]);
    assert_eq!(ids("limit=1").await, [second]);
}
