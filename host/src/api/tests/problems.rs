//! Every error is one body, with a stable code.

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use serde_json::json;

use crate::api::BODY_BYTES_MAX;
use crate::api::testing::Host;

async fn check(host: &Host, request: Request<Body>, status: StatusCode, code: &str) -> String {
    let answer = host.send(request).await;
    assert_eq!((answer.status, answer.body["code"].as_str()), (status, Some(code)), "{answer:?}");
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
    assert_eq!(answer.body["type"], format!("urn:headgate:problem:{code}"));
    assert_eq!(answer.body["status"], status.as_u16());
    answer.body["detail"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_wrong_path_or_method_is_a_problem() {
    let host = Host::start().await;
    let request = host.request(Method::GET, "/api/v1/nothing", None);
    check(&host, request, StatusCode::NOT_FOUND, "no-such-route").await;
    let request = host.request(Method::DELETE, "/api/v1/clusters", None);
    check(&host, request, StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed").await;
}

#[tokio::test]
async fn malformed_json_says_where() {
    let host = Host::start().await;
    let mut request = host.request(Method::POST, "/api/v1/clusters", Some(json!({})));
    *request.body_mut() = Body::from("{\n  \"name\": lab}");
    let detail = check(&host, request, StatusCode::BAD_REQUEST, "malformed-json").await;
    assert!(detail.contains("line 2 column 11"), "{detail}");
}

#[tokio::test]
async fn a_body_of_another_shape_names_the_field() {
    let host = Host::start().await;
    let body = json!({"name": "lab", "kind": "toy", "conection": {}});
    let request = host.request(Method::POST, "/api/v1/clusters", Some(body));
    let detail = check(&host, request, StatusCode::UNPROCESSABLE_ENTITY, "invalid-body").await;
    assert!(detail.contains("unknown field `conection`"), "{detail}");

    let mut request = host.request(Method::POST, "/api/v1/clusters", Some(json!({})));
    request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    check(&host, request, StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type").await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_a_problem() {
    let host = Host::start().await;
    for key in [None, Some("k")] {
        let mut request = host.request(Method::POST, "/api/v1/clusters", Some(json!({})));
        *request.body_mut() = Body::from(vec![b' '; BODY_BYTES_MAX + 1]);
        if let Some(key) = key {
            request.headers_mut().insert("idempotency-key", HeaderValue::from_static(key));
        }
        check(&host, request, StatusCode::PAYLOAD_TOO_LARGE, "body-too-large").await;
    }
}

#[tokio::test]
async fn a_wrong_query_or_cursor_is_a_problem() {
    let host = Host::start().await;
    host.register("lab").await;
    for (path, code) in [
        ("/api/v1/clusters?limit=0", "invalid-page"),
        ("/api/v1/clusters?limit=1001", "invalid-page"),
        ("/api/v1/clusters?limit=many", "invalid-query"),
        ("/api/v1/clusters?after=xyz", "invalid-page"),
        ("/api/v1/clusters/lab/resources?status=fine", "invalid-query"),
        ("/api/v1/clusters/lab/resources?at=mars", "invalid-query"),
        ("/api/v1/plans?state=done", "invalid-query"),
    ] {
        check(&host, host.request(Method::GET, path, None), StatusCode::BAD_REQUEST, code).await;
    }
    let request = host.request(Method::GET, "/api/v1/clusters/lab/resources?type=topic", None);
    check(&host, request, StatusCode::UNPROCESSABLE_ENTITY, "unknown-type").await;
}

#[tokio::test]
async fn every_answer_carries_the_id_of_its_request() {
    let host = Host::start().await;
    let mut request = host.request(Method::GET, "/api/v1/nothing", None);
    request.headers_mut().insert("x-request-id", HeaderValue::from_static("mine-1"));
    assert_eq!(host.send(request).await.headers["x-request-id"], "mine-1");
    let answer = host.call(Method::GET, "/api/v1/clusters", None).await;
    assert_eq!(answer.headers["x-request-id"].len(), 36);
}
