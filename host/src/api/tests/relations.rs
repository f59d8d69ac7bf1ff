//! Relations: added once, never in a circle, and what keeps a cluster from being removed.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::testing::{Answer, Host};

async fn add(host: &Host, from: &str, relation: &str, to: &str) -> Answer {
    let body = json!({"from": from, "relation": relation, "to": to});
    host.call(Method::POST, "/api/v1/relations", Some(body)).await
}

async fn host_of(names: &[&str]) -> Host {
    let host = Host::start().await;
    for name in names {
        host.register(name).await;
    }
    host
}

#[tokio::test]
async fn a_relation_is_added_once_shown_at_both_ends_and_taken_off() {
    let host = host_of(&["pay", "zk"]).await;
    for _ in 0..2 {
        assert_eq!(add(&host, "pay", "registers-with", "zk").await.status, StatusCode::CREATED);
    }
    let edge = json!([{"from": "pay", "relation": "registers-with", "to": "zk", "source": "hand"}]);
    for path in ["/api/v1/relations", "/api/v1/relations?cluster=zk", "/api/v1/relations?cluster=pay"] {
        assert_eq!(host.call(Method::GET, path, None).await.body, edge, "{path}");
    }
    let shown = host.call(Method::GET, "/api/v1/clusters/zk", None).await;
    assert_eq!(shown.body["relations"], edge);
    let path = "/api/v1/clusters/pay/relations/registers-with/zk";
    assert_eq!(host.call(Method::DELETE, path, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(host.call(Method::DELETE, path, None).await.body["code"], "not-found");
    assert_eq!(host.call(Method::GET, "/api/v1/relations", None).await.body, json!([]));
}

#[tokio::test]
async fn a_circle_is_refused_with_the_way_that_it_takes() {
    let host = host_of(&["a", "b", "c"]).await;
    add(&host, "a", "registers-with", "b").await;
    add(&host, "b", "stores-in", "c").await;
    let circle = add(&host, "c", "runs-on", "a").await;
    assert_eq!(circle.status, StatusCode::CONFLICT, "{circle:?}");
    assert!(circle.body["detail"].as_str().unwrap().contains("c → a → b → c"), "{circle:?}");
    assert_eq!(add(&host, "a", "runs-on", "a").await.body["code"], "invalid-relation");
    assert_eq!(add(&host, "a", "runs-on", "nobody").await.status, StatusCode::NOT_FOUND);
    assert_eq!(add(&host, "a", "likes", "c").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_cluster_that_others_stand_on_goes_only_when_each_is_named() {
    let host = host_of(&["pay", "audit", "zk"]).await;
    add(&host, "pay", "registers-with", "zk").await;
    add(&host, "audit", "registers-with", "zk").await;
    let remove = |query: &'static str| {
        let path = format!("/api/v1/clusters/zk{query}");
        let host = &host;
        async move { host.call(Method::DELETE, &path, None).await }
    };
    for (query, left) in [("", "audit, pay"), ("?despite=pay", "audit")] {
        let refused = remove(query).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        let detail = refused.body["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with(&format!("{left} stands on `zk`")), "{detail}");
        assert!(detail.contains("--despite audit,pay"), "{detail}");
    }
    assert_eq!(remove("?despite=pay,audit").await.status, StatusCode::NO_CONTENT);
    assert_eq!(host.call(Method::GET, "/api/v1/relations", None).await.body, Value::Array(Vec::new()));
}
