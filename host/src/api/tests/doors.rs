//! The doors by which clusters and nodes come in, and what is shown before one goes or changes hands.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::testing::{Answer, Host};
use crate::domain::id::ClusterId;

const CLUSTERS: &str = "/api/v1/clusters";

async fn post(host: &Host, path: &str, body: Value) -> Answer {
    host.call(Method::POST, path, Some(body)).await
}

/// Status, code and the first pointer of a refusal.
fn refusal(answer: &Answer) -> (u16, &str, &str) {
    let text = |pointer: &str| answer.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    (answer.status.as_u16(), text("/code"), text("/errors/0/pointer"))
}

async fn prod(host: &Host) {
    let body = json!({
        "name": "prod", "kind": "toy", "connection": {"bootstrap": "a:1"}, "secrets": {"password": "hunter2"},
        "authority": "observe", "nodes": [{"address": "n:1"}],
        "addresses": {"rules": [{"inside": "in:1", "outside": "out:1"}]},
    });
    let made = post(host, CLUSTERS, body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let path = "/api/v1/clusters/prod/policies";
    for (query, policy) in [
        ("", json!({"deletes_max": 3})),
        ("?type=item", json!({"drift": "revert"})),
        ("?type=item&id=a", json!({"protect": true})),
    ] {
        let saved = host.call(Method::PUT, &format!("{path}{query}"), Some(policy)).await;
        assert_eq!(saved.status, StatusCode::OK, "{saved:?}");
    }
}

#[tokio::test]
async fn a_cluster_begins_with_anothers_settings_and_its_secret_is_never_shown() {
    let host = Host::start().await;
    prod(&host).await;
    let made =
        post(&host, CLUSTERS, json!({"name": "next", "like": "prod", "connection": {"bootstrap": "b:2"}}))
            .await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    assert_eq!(made.body["connection"], json!({"bootstrap": "b:2", "password": "password"}));
    assert_eq!((&made.body["kind"], &made.body["authority"]), (&json!("toy"), &json!("observe")));
    assert_eq!(made.body["secrets"], json!(["password"]));
    assert_eq!((&made.body["nodes"], &made.body["addresses"]["rules"]), (&json!([]), &json!([])));
    assert!(!made.body.to_string().contains("hunter2"));
    let id = ClusterId(made.body["id"].as_str().unwrap().to_owned());
    assert_eq!(host.store.open_secrets(&id).await.unwrap().0["password"].as_slice(), b"hunter2");
    let policies = host.call(Method::GET, "/api/v1/clusters/next/policies", None).await.body;
    let expected = json!([{"authority": "observe", "deletes_max": 3}, {"type": "item", "drift": "revert"}]);
    assert_eq!(policies, expected, "what names a single resource is the other's own");

    let own = json!({
        "name": "own", "like": "prod", "kind": "toy", "authority": "manage",
        "connection": {"password": null},
    });
    let own = post(&host, CLUSTERS, own).await;
    assert_eq!((&own.body["connection"], &own.body["secrets"]), (&json!({"bootstrap": "a:1"}), &json!([])));
    assert_eq!(own.body["authority"], "manage");
    let other = json!({"name": "other", "like": "prod", "secrets": {"password": "own"}});
    let other = post(&host, CLUSTERS, other).await;
    let id = ClusterId(other.body["id"].as_str().unwrap().to_owned());
    assert_eq!(host.store.open_secrets(&id).await.unwrap().0["password"].as_slice(), b"own");
}

#[tokio::test]
async fn what_cannot_be_begun_with_is_named() {
    let host = Host::start().await;
    prod(&host).await;
    for (body, pointer) in [
        (json!({"name": "x", "connection": {"bootstrap": "a:1"}}), "/kind"),
        (json!({"name": "x", "like": "nobody"}), "/like"),
        (json!({"name": "x", "like": "prod", "kind": "kafka"}), "/kind"),
    ] {
        let refused = post(&host, CLUSTERS, body).await;
        assert_eq!(refusal(&refused), (422, "invalid-registration", pointer), "{refused:?}");
    }
}

#[tokio::test]
async fn a_node_is_named_once_and_taken_off_again() {
    let host = Host::start().await;
    host.register("lab").await;
    let path = "/api/v1/clusters/lab/nodes";
    let named = post(&host, path, json!({"address": "b:2", "id": "two", "roles": ["worker"]})).await;
    assert_eq!(named.status, StatusCode::CREATED, "{named:?}");
    let way = json!([{"name": "named", "inside": "b:2", "outside": null, "used": "inside"}]);
    for (field, expected) in [
        ("id", json!("two")),
        ("source", json!("hand")),
        ("health", json!("unknown")),
        ("seen_at_ms", Value::Null),
        ("ways", way),
    ] {
        assert_eq!(named.body[field], expected, "{field}");
    }
    assert_eq!(host.call(Method::GET, path, None).await.body, json!([named.body]));
    let shown = host.call(Method::GET, "/api/v1/clusters/lab", None).await.body;
    assert_eq!((&shown["nodes"], &shown["credential_revision"]), (&json!([named.body]), &json!(2)));
    for again in [json!({"address": "c:3", "id": "two"}), json!({"address": "B:2"})] {
        let refused = post(&host, path, again).await;
        assert_eq!(refusal(&refused).1, "name-taken", "{refused:?}");
    }
    for (body, pointer) in [
        (json!({"address": "b"}), "/address"),
        (json!({"address": "http://b:1"}), "/address"),
        (json!({"address": "c:3", "roles": ["king"]}), "/roles/0"),
        (json!({"address": "c:3", "id": ""}), "/id"),
    ] {
        let refused = post(&host, path, body).await;
        assert_eq!(refusal(&refused), (422, "invalid-node", pointer), "{refused:?}");
    }
    let gone = host.call(Method::DELETE, &format!("{path}/two"), None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{gone:?}");
    assert_eq!(host.call(Method::DELETE, &format!("{path}/two"), None).await.body["code"], "not-found");
    assert_eq!(host.call(Method::GET, path, None).await.body, json!([]));
}

#[tokio::test]
async fn rules_for_addresses_are_checked_and_begin_a_new_session() {
    let host = Host::start().await;
    host.register("lab").await;
    let path = "/api/v1/clusters/lab";
    let change = |rules: Value| {
        let body = json!({"addresses": {"prefer": "outside", "rules": rules}});
        host.call(Method::PATCH, path, Some(body))
    };
    let rules = json!([{"inside": "*.svc:9092", "outside": "*.example.com:19092"}]);
    let changed = change(rules.clone()).await;
    assert_eq!(
        (changed.status, &changed.body["credential_revision"]),
        (StatusCode::OK, &json!(2)),
        "{changed:?}"
    );
    assert_eq!(changed.body["addresses"], json!({"prefer": "outside", "rules": rules}));
    let node = post(&host, "/api/v1/clusters/lab/nodes", json!({"address": "b-1.svc:9092"})).await;
    assert_eq!(node.body["ways"][0]["outside"], "b-1.example.com:19092", "{node:?}");
    assert_eq!(node.body["ways"][0]["used"], "outside");
    let refused =
        change(json!([{"inside": "a:1", "outside": "b:2"}, {"inside": "c:1", "outside": "*.b"}])).await;
    assert_eq!(refusal(&refused), (422, "invalid-addresses", "/addresses/rules/1/outside"), "{refused:?}");
}

#[tokio::test]
async fn a_removal_is_counted_before_it_is_done() {
    let host = Host::start().await;
    prod(&host).await;
    host.register("zk").await;
    post(&host, "/api/v1/relations", json!({"from": "zk", "relation": "runs-on", "to": "prod"})).await;
    let shown = host.call(Method::GET, "/api/v1/clusters/prod/removal", None).await;
    assert_eq!(shown.status, StatusCode::OK, "{shown:?}");
    let goes = json!({"policies": {"": 3}, "secrets": {"": 1}});
    assert_eq!((&shown.body["goes"], &shown.body["dependants"]), (&goes, &json!(["zk"])));
    assert_eq!((&shown.body["applying"], &shown.body["relations"][0]["from"]), (&Value::Null, &json!("zk")));
    assert_eq!(host.call(Method::GET, "/api/v1/clusters/prod", None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_authority_is_looked_at_before_it_is_set() {
    let host = Host::start().await;
    prod(&host).await;
    let path = "/api/v1/clusters/prod/authority/preview";
    for authority in ["observe", "adopt", "manage"] {
        let shown = post(&host, path, json!({"authority": authority})).await;
        assert_eq!(shown.status, StatusCode::OK, "{shown:?}");
        assert_eq!(
            (&shown.body["current"], &shown.body["authority"]),
            (&json!("observe"), &json!(authority))
        );
    }
    let plans = host.call(Method::GET, "/api/v1/plans?cluster=prod", None).await;
    assert_eq!(plans.body["items"], json!([]), "none of them is stored");
    assert_eq!(host.call(Method::GET, "/api/v1/clusters/prod", None).await.body["authority"], "observe");
}
