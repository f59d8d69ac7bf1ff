//! Who may call what: a row for each operation of the document.

use axum::http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};

use crate::api::document;
use crate::api::testing::Host;

/// Every operation with its method and path, placeholders filled in.
pub(super) fn operations() -> Vec<(String, Method, String)> {
    let document = serde_json::to_value(document()).unwrap();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let path = path
                .replace("{name}", "lab")
                .replace("{kind}", "toy")
                .replace("{type}", "item")
                .replace("{operation}", "poke")
                .replace("{stream}", "sync")
                .replace("{relation}", "runs-on")
                .replace("{target}", "other")
                .replace("{id}", "01979000-0000-7000-8000-000000000000");
            let id = operation["operationId"].as_str().unwrap().to_owned();
            all.push((id, method.to_uppercase().parse().unwrap(), path));
        }
    }
    all
}

/// One that gets as far as the use case.
pub(super) fn body(operation: &str) -> Option<Value> {
    let resource = json!({"type": "item", "id": "a"});
    Some(match operation {
        "register_cluster" => json!({"name": "other", "kind": "toy", "connection": {"bootstrap": "b:1"}}),
        "change_cluster" | "approve_plan" | "save_policy" | "enable_plugin" => json!({}),
        "change_log_level" => json!({"level": "debug"}),
        "release_resource" | "accept_drift" | "ignore_drift" | "revert_drift" => resource,
        "propose_plan" => json!({"cluster": "lab", "documents": []}),
        "run_operation" | "preview_operation" => json!({}),
        "preview_authority" => json!({"authority": "adopt"}),
        "add_node" => json!({"address": "b:2"}),
        "add_relation" => json!({"from": "lab", "relation": "runs-on", "to": "other"}),
        "grant_plugin" => json!({"none": true}),
        "create_token" => json!({"name": "third", "role": "reader"}),
        _ => return None,
    })
}

#[tokio::test]
async fn nothing_is_answered_without_a_token() {
    let host = Host::start().await;
    for (operation, method, path) in operations() {
        let mut request = host.request(method.clone(), &path, body(&operation));
        request.headers_mut().remove(header::AUTHORIZATION);
        let answer = host.send(request).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{operation}: {answer:?}");
        assert_eq!(answer.body["code"], "unauthenticated", "{operation}");
        assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer");

        let mut request = host.request(method, &path, body(&operation));
        request.headers_mut().insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer hg_guess"));
        assert_eq!(host.send(request).await.status, StatusCode::UNAUTHORIZED, "{operation}");
    }
}

#[tokio::test]
async fn a_reader_reads_everything_and_changes_nothing() {
    let host = Host::start().await;
    host.register("lab").await;
    for (operation, method, path) in operations() {
        let mut request = host.request(method.clone(), &path, body(&operation));
        let token = HeaderValue::from_str(&format!("Bearer {}", host.reader)).unwrap();
        request.headers_mut().insert(header::AUTHORIZATION, token);
        let status = host.open(request).await.status();
        let expected: &[StatusCode] = match method {
            Method::GET => &[StatusCode::OK, StatusCode::NOT_FOUND],
            _ => &[StatusCode::FORBIDDEN],
        };
        assert!(expected.contains(&status), "{operation}: {status}");
    }
}

#[tokio::test]
async fn probes_need_no_token_and_the_rest_does() {
    let host = Host::start().await;
    for (path, expected) in [
        ("/healthz", StatusCode::OK),
        ("/readyz", StatusCode::OK),
        ("/metrics", StatusCode::UNAUTHORIZED),
        ("/api/openapi.json", StatusCode::UNAUTHORIZED),
        ("/nothing", StatusCode::UNAUTHORIZED),
    ] {
        let mut request = host.request(Method::GET, path, None);
        request.headers_mut().remove(header::AUTHORIZATION);
        assert_eq!(host.send(request).await.status, expected, "{path}");
    }
    let metrics = host.call(Method::GET, "/metrics", None).await;
    assert!(metrics.body.as_str().unwrap().contains("headgate_http_requests_total"), "{metrics:?}");
    let document = host.call(Method::GET, "/api/openapi.json", None).await;
    assert_eq!(document.body["info"]["title"], "Headgate");
}

#[tokio::test]
async fn a_token_is_shown_once_works_and_is_taken_back() {
    let host = Host::start().await;
    let body = json!({"name": "ci", "role": "reader"});
    let made = host.call(Method::POST, "/api/v1/tokens", Some(body)).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let text = made.body["token"].as_str().unwrap().to_owned();
    assert!(text.starts_with("hg_"));

    let tokens = host.call(Method::GET, "/api/v1/tokens", None).await;
    let mut names: Vec<_> =
        tokens.body["items"].as_array().unwrap().iter().map(|one| one["name"].to_string()).collect();
    // Two of them are of the same millisecond.
    names.sort();
    assert_eq!(names, [r#""ci""#, r#""looker""#, r#""owner""#]);
    assert!(!tokens.body.to_string().contains(&text));

    let path = format!("/api/v1/tokens/{}", made.body["id"].as_str().unwrap());
    assert_eq!(host.call(Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(host.call(Method::DELETE, &path, None).await.body["code"], "not-found");
    assert!(host.app.authenticate(&text).await.unwrap().is_none());
}

#[tokio::test]
async fn the_last_owner_stays() {
    let host = Host::start().await;
    let tokens = host.call(Method::GET, "/api/v1/tokens", None).await;
    let path = format!("/api/v1/tokens/{}", tokens.body["items"][0]["id"].as_str().unwrap());
    let refused = host.call(Method::DELETE, &path, None).await;
    assert_eq!((refused.status, refused.body["code"].as_str()), (StatusCode::CONFLICT, Some("last-owner")));
}

#[tokio::test]
async fn a_page_of_a_browser_under_a_foreign_name_is_refused() {
    let host = Host::start().await;
    let mut request = host.request(Method::GET, "/api/v1/clusters", None);
    request.headers_mut().insert(header::HOST, HeaderValue::from_static("evil.example:7654"));
    let answer = host.send(request).await;
    assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(answer.body["code"], "host-not-allowed");
}

#[tokio::test]
async fn a_token_s_text_is_never_kept_to_answer_again() {
    let host = Host::start().await;
    let create = || {
        let mut request =
            host.request(Method::POST, "/api/v1/tokens", Some(json!({"name": "ci", "role": "reader"})));
        request.headers_mut().insert("idempotency-key", HeaderValue::from_static("k-1"));
        host.send(request)
    };
    let (first, again) = (create().await, create().await);
    assert_eq!((first.status, again.headers.get("idempotency-replayed")), (StatusCode::CREATED, None));
    assert_ne!(first.body["token"], again.body["token"]);
    let caller = host.app.authenticate(first.body["token"].as_str().unwrap()).await.unwrap().unwrap();
    assert_eq!(host.app.find_answered(&caller, "k-1").await.unwrap(), None);
}
