//! Plugins over the API: shown by kind and by file, changed by owners, with their incidents page by page.

use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::api::testing::Host;
use crate::domain::plugin::{Charge, Incident};

#[tokio::test]
async fn a_plugin_is_found_by_its_kind_and_by_its_file() {
    let host = Host::start().await;
    let listed = host.call(Method::GET, "/api/v1/plugins", None).await;
    assert_eq!(listed.body["items"][0]["kind"], "toy");
    for name in ["toy", "toy.wasm"] {
        let shown = host.call(Method::GET, &format!("/api/v1/plugins/{name}"), None).await;
        assert_eq!((shown.status, &shown.body["traffic"]["calls"]), (StatusCode::OK, &json!(3)), "{name}");
    }
    let unknown = host.call(Method::GET, "/api/v1/plugins/other", None).await;
    assert_eq!((unknown.status, unknown.body["code"].as_str()), (StatusCode::NOT_FOUND, Some("not-found")));
}

#[tokio::test]
async fn a_plugin_is_changed_and_what_cannot_be_done_says_why() {
    let host = Host::start().await;
    for (verb, body) in [("disable", None), ("enable", None), ("enable", Some(json!({"downgrade": true})))] {
        let changed = host.call(Method::POST, &format!("/api/v1/plugins/toy/{verb}"), body).await;
        assert_eq!((changed.status, changed.body["kind"].as_str()), (StatusCode::OK, Some("toy")), "{verb}");
    }
    let refused = host.call(Method::POST, "/api/v1/plugins/toy/rollback", None).await;
    assert_eq!(
        (refused.status, refused.body["code"].as_str()),
        (StatusCode::CONFLICT, Some("plugin-version"))
    );
    assert!(refused.body["detail"].as_str().unwrap().contains("has no earlier version"), "{refused:?}");
    let unknown = host.call(Method::POST, "/api/v1/plugins/other/disable", None).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let wrong = host.call(Method::POST, "/api/v1/plugins/toy/enable", Some(json!({"force": true}))).await;
    assert!(wrong.status.is_client_error(), "{wrong:?}");
}

#[tokio::test]
async fn grants_are_given_and_what_makes_no_sense_says_why() {
    let host = Host::start().await;
    let grant = async |body| host.call(Method::POST, "/api/v1/plugins/toy/grant", Some(body)).await;
    let parts = json!({"network": [{"host": "a.svc", "ports": "80"}], "advertised": "same-class"});
    for body in [json!({"all": true}), json!({"none": true}), parts] {
        let given = grant(body.clone()).await;
        assert_eq!((given.status, given.body["kind"].as_str()), (StatusCode::OK, Some("toy")), "{body}");
    }
    for (body, part) in [
        (json!({}), "say what is given"),
        (json!({"all": true, "none": true}), "only one of all, none and revoke"),
        (
            json!({"network": [{"host": "b.com", "ports": "80"}]}),
            "does not ask for b.com:80: it asks for *.svc, port 80",
        ),
        (json!({"network": [{"host": "a.svc", "ports": "http"}]}), "names no ports"),
        (
            json!({"revoke": true, "network": [{"host": "a.svc", "ports": "80"}]}),
            "is not given: given is nothing",
        ),
    ] {
        let refused = grant(body).await;
        let code = refused.body["code"].as_str();
        assert_eq!((refused.status, code), (StatusCode::UNPROCESSABLE_ENTITY, Some("invalid-grant")));
        assert!(refused.body["detail"].as_str().unwrap().contains(part), "no `{part}`: {refused:?}");
    }
    assert!(grant(json!({"sockets": true})).await.status.is_client_error());
}

#[tokio::test]
async fn incidents_are_listed_newest_first_page_by_page() {
    let host = Host::start().await;
    let empty = host.call(Method::GET, "/api/v1/plugins/toy/incidents", None).await;
    assert_eq!((empty.status, &empty.body["items"]), (StatusCode::OK, &json!([])));
    let mut tx = host.store.begin().await.unwrap();
    for number in 1..=3 {
        let incident = Incident {
            id: format!("i{number}"),
            kind: "toy".to_owned(),
            digest: "00".to_owned(),
            version: "1.0.0".to_owned(),
            cluster: None,
            call: "list-types".to_owned(),
            failure: "trap".to_owned(),
            message: "it trapped".to_owned(),
            backtrace: Vec::new(),
            lines: Vec::new(),
            charge: Charge::Call,
            at_ms: number,
            signature: None,
            toolchain: Vec::new(),
        };
        tx.insert_plugin_incident(&incident).await.unwrap();
    }
    tx.commit().await.unwrap();
    let first = host.call(Method::GET, "/api/v1/plugins/toy/incidents?limit=2", None).await;
    assert_eq!((&first.body["items"][0]["id"], &first.body["items"][1]["id"]), (&json!("i3"), &json!("i2")));
    let after = first.body["next"].as_str().unwrap();
    let rest = host.call(Method::GET, &format!("/api/v1/plugins/toy/incidents?after={after}"), None).await;
    assert_eq!((&rest.body["items"][0]["id"], &rest.body["next"]), (&json!("i1"), &json!(null)));
    let unknown = host.call(Method::GET, "/api/v1/plugins/other/incidents", None).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}
