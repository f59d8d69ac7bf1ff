//! A host that stands by: what it answers, what it refuses, and with which words.

use axum::http::{Method, StatusCode};
use tokio::sync::watch;

use super::access::{body, operations};
use crate::api::Role;
use crate::api::problem::PROBLEM_JSON;
use crate::api::testing::Host;
use crate::domain::host::ActiveHost;

async fn standing_by(active: Option<ActiveHost>) -> (Host, watch::Sender<Option<ActiveHost>>) {
    let (sender, told) = watch::channel(active);
    (Host::start_as(Role::StandsBy(told)).await, sender)
}

fn active() -> ActiveHost {
    ActiveHost { host: "box-1".to_owned(), url: "http://box:7654".to_owned() }
}

#[tokio::test]
async fn every_read_is_answered_and_every_change_is_refused_with_the_way_to_the_active_host() {
    let (host, _active) = standing_by(Some(active())).await;
    for (operation, method, path) in operations() {
        let answer = host.call(method.clone(), &path, body(&operation)).await;
        if method == Method::GET && operation != "stream_events" {
            assert_ne!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{operation}: {answer:?}");
            continue;
        }
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{operation}: {answer:?}");
        assert_eq!(answer.headers["content-type"], PROBLEM_JSON);
        assert_eq!(answer.body["code"], "standing-by", "{operation}");
        let (detail, advice) =
            (answer.body["detail"].as_str().unwrap(), answer.body["advice"].as_str().unwrap());
        assert!(detail.contains("`box-1` is active, at http://box:7654"), "{detail}");
        assert!(advice.contains("--url http://box:7654"), "{advice}");
    }
}

#[tokio::test]
async fn probes_tell_the_role_and_only_the_active_host_is_ready() {
    let (host, told) = standing_by(None).await;
    let health = host.call(Method::GET, "/healthz", None).await;
    assert_eq!((health.status, health.body["role"].as_str()), (StatusCode::OK, Some("standby")));
    let ready = host.call(Method::GET, "/readyz", None).await;
    assert_eq!((ready.status, &ready.body["code"]), (StatusCode::SERVICE_UNAVAILABLE, &"standing-by".into()));
    assert!(ready.body["detail"].as_str().unwrap().contains("another one on its database is active"));
    told.send_replace(Some(active()));
    let ready = host.call(Method::GET, "/readyz", None).await;
    assert!(ready.body["detail"].as_str().unwrap().contains("box-1"), "{ready:?}");

    let host = Host::start().await;
    for path in ["/healthz", "/readyz"] {
        let answer = host.call(Method::GET, path, None).await;
        assert_eq!((answer.status, answer.body["role"].as_str()), (StatusCode::OK, Some("active")), "{path}");
    }
}
