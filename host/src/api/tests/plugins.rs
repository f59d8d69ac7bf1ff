//! Plugins over the API: shown by kind and by file, changed by owners, with their incidents page by page.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::json;

use crate::api::BODY_BYTES_MAX;
use crate::api::testing::{Answer, Host};
use crate::domain::plugin::{Charge, Incident};
use crate::plugins::driver::COMPONENT_BYTES_MAX;

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

/// What `POST /plugins` takes is no JSON.
async fn send(host: &Host, query: &str, bytes: Vec<u8>) -> Answer {
    let mut request = host.request(Method::POST, &format!("/api/v1/plugins{query}"), None);
    *request.body_mut() = Body::from(bytes);
    host.send(request).await
}

#[tokio::test]
async fn a_component_is_sent_as_it_is_and_a_refused_one_says_at_which_stage() {
    let host = Host::start().await;
    let installed = send(&host, "?name=mine", b"toy".to_vec()).await;
    assert_eq!(
        (installed.status, &installed.body["file"]),
        (StatusCode::OK, &json!("mine.wasm")),
        "{installed:?}"
    );
    let refused = send(&host, "", b"text".to_vec()).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.body["code"], "plugin-refused");
    assert_eq!(refused.body["detail"], "verify: expected a toy, found something");
    assert_eq!(refused.body["advice"], "bring a toy");
    let wrong = send(&host, "?nam=mine", b"toy".to_vec()).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_component_may_be_larger_than_other_bodies_and_not_without_limit() {
    let host = Host::start().await;
    let large = send(&host, "", vec![0; BODY_BYTES_MAX + 1]).await;
    assert_eq!(large.body["code"], "plugin-refused", "it came as far as the plugins");
    let huge = send(&host, "", vec![0; COMPONENT_BYTES_MAX + 1]).await;
    assert_eq!(
        (huge.status, huge.body["code"].as_str()),
        (StatusCode::PAYLOAD_TOO_LARGE, Some("body-too-large"))
    );
    assert!(huge.body["advice"].as_str().unwrap().contains("debug information"), "{huge:?}");
}

#[tokio::test]
async fn a_plugin_s_file_is_removed_by_its_kind() {
    let host = Host::start().await;
    let removed = host.call(Method::DELETE, "/api/v1/plugins/toy", None).await;
    assert_eq!((removed.status, removed.body), (StatusCode::OK, json!({"file": "toy.wasm"})));
    let unknown = host.call(Method::DELETE, "/api/v1/plugins/other", None).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}
