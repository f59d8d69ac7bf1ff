//! Clusters: registering, changing, paging, and what is never shown.

use axum::http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};

use crate::api::testing::{Host, owner_caller};
use crate::domain::cluster::Cluster;

const CLUSTERS: &str = "/api/v1/clusters";

async fn set_identity(host: &Host, name: &str, identity: &str) {
    let mut cluster: Cluster =
        host.store.find_cluster(&owner_caller().organization, name).await.unwrap().unwrap();
    cluster.identity = Some(identity.to_owned());
    let mut tx = host.store.begin().await.unwrap();
    assert!(tx.save_cluster(&mut cluster).await.unwrap());
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_cluster_is_registered_and_its_secret_is_never_shown() {
    let host = Host::start().await;
    let body = json!({
        "name": "lab", "kind": "toy",
        "connection": {"bootstrap": "localhost:1", "password": "hunter2"},
    });
    let made = host.call(Method::POST, CLUSTERS, Some(body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    assert_eq!(made.headers[header::ETAG], "\"1\"");
    assert_eq!(made.body["connection"], json!({"bootstrap": "localhost:1", "password": "password"}));
    assert_eq!(made.body["secrets"], json!(["password"]));
    assert_eq!(made.body["authority"], "manage");
    assert_eq!(made.body["reach"], json!({"state": "new"}));
    let nudged = host.nudged.lock().unwrap().len();
    assert_eq!(nudged, 1);

    for path in [CLUSTERS, "/api/v1/clusters/lab", "/api/v1/events"] {
        let shown = host.call(Method::GET, path, None).await.body.to_string();
        assert!(shown.contains("lab") && !shown.contains("hunter2"), "{shown}");
    }
    let id = crate::domain::id::ClusterId(made.body["id"].as_str().unwrap().to_owned());
    let opened = host.store.open_secrets(&id).await.unwrap();
    assert_eq!(opened.0["password"].as_slice(), b"hunter2");
}

#[tokio::test]
async fn what_is_wrong_with_a_new_cluster_is_named() {
    let host = Host::start().await;
    host.register("lab").await;
    let connection = json!({"bootstrap": "localhost:1"});
    for (body, status, code, pointer) in [
        (json!({"name": "Lab", "kind": "toy", "connection": connection}), 422, "invalid-name", "/name"),
        (json!({"name": "x", "kind": "kafka", "connection": connection}), 422, "unknown-kind", "/kind"),
        (
            json!({"name": "x", "kind": "toy", "connection": {}}),
            422,
            "invalid-connection",
            "/connection/bootstrap",
        ),
        (
            json!({"name": "x", "kind": "toy", "connection": connection, "secrets": {"password": "***"}}),
            422,
            "invalid-connection",
            "/secrets/password",
        ),
    ] {
        let refused = host.call(Method::POST, CLUSTERS, Some(body)).await;
        assert_eq!((refused.status.as_u16(), refused.body["code"].as_str()), (status, Some(code)));
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{refused:?}");
    }
    let unknown =
        host.call(Method::POST, CLUSTERS, Some(json!({"name": "x", "kind": "k", "connection": {}}))).await;
    assert_eq!(unknown.body["advice"], "loaded are: toy");
    let again = json!({"name": "lab", "kind": "toy", "connection": connection});
    assert_eq!(host.call(Method::POST, CLUSTERS, Some(again)).await.body["code"], "name-taken");
    let missing = host.call(Method::GET, "/api/v1/clusters/nope", None).await;
    assert_eq!((missing.status, missing.body["code"].as_str()), (StatusCode::NOT_FOUND, Some("not-found")));
}

#[tokio::test]
async fn a_change_based_on_an_old_version_is_refused() {
    let host = Host::start().await;
    host.register("lab").await;
    let change = |tag: &'static str, body: Value| {
        let mut request = host.request(Method::PATCH, "/api/v1/clusters/lab", Some(body));
        request.headers_mut().insert(header::IF_MATCH, HeaderValue::from_static(tag));
        host.send(request)
    };
    let changed = change("\"1\"", json!({"connection": {"bootstrap": "localhost:2"}})).await;
    assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
    assert_eq!(changed.headers[header::ETAG], "\"2\"");
    assert_eq!(changed.body["credential_revision"], 2);
    let stale = change("\"1\"", json!({"authority": "observe"})).await;
    assert_eq!((stale.status.as_u16(), stale.body["code"].as_str()), (412, Some("changed-meanwhile")));
    let malformed = change("2", json!({})).await;
    assert_eq!(malformed.body["code"], "invalid-if-match");
}

#[tokio::test]
async fn pages_hold_every_cluster_once() {
    let host = Host::start().await;
    for name in ["c", "a", "e", "b", "d"] {
        host.register(name).await;
    }
    let (mut names, mut after) = (Vec::new(), String::new());
    loop {
        let page = host.call(Method::GET, &format!("{CLUSTERS}?limit=2&after={after}"), None).await;
        let items = page.body["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        names.extend(items.iter().map(|one| one["name"].as_str().unwrap().to_owned()));
        let Some(next) = page.body["next"].as_str() else { break };
        after = next.to_owned();
    }
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
}

#[tokio::test]
async fn a_call_that_is_sent_again_makes_nothing_twice() {
    let host = Host::start().await;
    let send = |name: &'static str| {
        let body = json!({"name": name, "kind": "toy", "connection": {"bootstrap": "b:1"}});
        let mut request = host.request(Method::POST, CLUSTERS, Some(body));
        request.headers_mut().insert("idempotency-key", HeaderValue::from_static("k-1"));
        host.send(request)
    };
    let first = send("lab").await;
    assert_eq!(first.status, StatusCode::CREATED, "{first:?}");
    let again = send("lab").await;
    assert_eq!((again.status, again.body), (StatusCode::CREATED, first.body));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let other = send("other").await;
    assert_eq!((other.status.as_u16(), other.body["code"].as_str()), (422, Some("idempotency-key-reused")));
}

#[tokio::test]
async fn pausing_stops_a_sync_and_removing_forgets_the_cluster() {
    let host = Host::start().await;
    host.register("lab").await;
    let paused = host.call(Method::POST, "/api/v1/clusters/lab/pause", None).await;
    assert_eq!(paused.body["paused"], true);
    let refused = host.call(Method::POST, "/api/v1/clusters/lab/sync", None).await;
    assert_eq!((refused.status.as_u16(), refused.body["code"].as_str()), (409, Some("cluster-paused")));
    host.call(Method::POST, "/api/v1/clusters/lab/resume", None).await;
    let cycle = host.call(Method::POST, "/api/v1/clusters/lab/sync", None).await;
    assert_eq!((cycle.status, cycle.body["cluster"].as_str()), (StatusCode::OK, Some("lab")));
    assert_eq!(host.call(Method::DELETE, "/api/v1/clusters/lab", None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(host.call(Method::GET, "/api/v1/clusters/lab", None).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_cluster_that_does_not_answer_is_503() {
    let host = Host::start().await;
    host.register("dead").await;
    let answer = host.call(Method::POST, "/api/v1/clusters/dead/sync", None).await;
    assert_eq!((answer.status.as_u16(), answer.body["code"].as_str()), (503, Some("cluster-unreachable")));
}

#[tokio::test]
async fn one_backend_has_one_writer() {
    let host = Host::start().await;
    host.register("lab").await;
    host.register("twin").await;
    let observe = json!({"authority": "observe"});
    host.call(Method::PATCH, "/api/v1/clusters/twin", Some(observe)).await;
    set_identity(&host, "lab", "same").await;
    set_identity(&host, "twin", "same").await;
    for (method, path) in
        [(Method::PATCH, "/api/v1/clusters/twin"), (Method::PUT, "/api/v1/clusters/twin/policies")]
    {
        let refused = host.call(method, path, Some(json!({"authority": "manage"}))).await;
        assert_eq!(
            (refused.status.as_u16(), refused.body["code"].as_str()),
            (409, Some("one-writer")),
            "{refused:?}"
        );
        assert!(refused.body["detail"].as_str().unwrap().contains("`lab`"));
    }
}

#[tokio::test]
async fn a_rebind_forgets_the_identity() {
    let host = Host::start().await;
    host.register("lab").await;
    set_identity(&host, "lab", "old").await;
    let rebound = host.call(Method::POST, "/api/v1/clusters/lab/rebind", None).await;
    assert_eq!((rebound.status, &rebound.body["identity"]), (StatusCode::OK, &Value::Null), "{rebound:?}");
    assert_eq!(rebound.body["credential_revision"], 2);
}

#[tokio::test]
async fn policies_narrow_and_show_the_clusters_authority() {
    let host = Host::start().await;
    host.register("lab").await;
    let path = "/api/v1/clusters/lab/policies";
    let saved = host.call(Method::PUT, path, Some(json!({"authority": "adopt", "deletes_max": 3}))).await;
    assert_eq!(saved.body, json!({"authority": "adopt", "deletes_max": 3}));
    assert_eq!(host.call(Method::GET, "/api/v1/clusters/lab", None).await.body["authority"], "adopt");

    let wider =
        host.call(Method::PUT, &format!("{path}?type=item"), Some(json!({"authority": "manage"}))).await;
    assert_eq!(
        (wider.status.as_u16(), wider.body["code"].as_str()),
        (422, Some("invalid-policy")),
        "{wider:?}"
    );
    let unknown = host.call(Method::PUT, &format!("{path}?type=topic"), Some(json!({}))).await;
    assert_eq!(
        (unknown.body["code"].as_str(), unknown.body["advice"].as_str()),
        (Some("unknown-type"), Some("it has: item"))
    );

    let rule = json!({"protect": true, "ignore": [{"pattern": "a*", "field": "/config/x"}]});
    let narrowed = host.call(Method::PUT, &format!("{path}?type=item&id=a"), Some(rule)).await;
    assert_eq!(narrowed.status, StatusCode::OK, "{narrowed:?}");
    let listed = host.call(Method::GET, path, None).await;
    assert_eq!(listed.body.as_array().unwrap().len(), 2);
    assert_eq!(listed.body[1]["id"], "a");
    host.call(Method::PUT, &format!("{path}?type=item&id=a"), Some(json!({}))).await;
    assert_eq!(host.call(Method::GET, path, None).await.body.as_array().unwrap().len(), 1);
}
