//! Records and the levels of the log: each change by a caller is kept with its request's id, and found again.

use axum::http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use crate::api::testing::{Answer, Host};

const RECORDS: &str = "/api/v1/records";

async fn asked(host: &Host, id: &'static str, method: Method, path: &str, body: Option<Value>) -> Answer {
    let mut request = host.request(method, path, body);
    request.headers_mut().insert("x-request-id", HeaderValue::from_static(id));
    let answer = host.send(request).await;
    assert!(answer.status.is_success(), "{path}: {answer:?}");
    assert_eq!(answer.headers["x-request-id"], id);
    answer
}

/// Action, subject and actor of those that the query finds, oldest first.
async fn found(host: &Host, query: &str) -> Vec<String> {
    let page = host.call(Method::GET, &format!("{RECORDS}?{query}"), None).await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    let items = page.body["items"].as_array().unwrap().iter().rev();
    let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    items
        .map(|one| format!("{} {} by {}", text(one, "action"), text(one, "subject"), text(one, "actor")))
        .collect()
}

#[tokio::test]
async fn what_a_caller_changes_is_kept_under_the_request_s_id_also_when_the_cluster_is_gone() {
    let host = Host::start().await;
    let new = |name: &str| {
        let connection = json!({"bootstrap": "b:1", "password": "swordfish"});
        Some(json!({"name": name, "kind": "toy", "connection": connection}))
    };
    asked(&host, "r-1", Method::POST, "/api/v1/clusters", new("lab")).await;
    asked(&host, "r-2", Method::POST, "/api/v1/clusters", new("zk")).await;
    asked(&host, "r-3", Method::POST, "/api/v1/clusters/lab/pause", None).await;
    asked(&host, "r-4", Method::POST, "/api/v1/clusters/lab/pause", None).await;
    let rule = Some(json!({"deletes_max": 3}));
    asked(&host, "r-5", Method::PUT, "/api/v1/clusters/lab/policies?type=item&id=a", rule).await;
    let edge = json!({"from": "lab", "relation": "runs-on", "to": "zk"});
    asked(&host, "r-6", Method::POST, "/api/v1/relations", Some(edge)).await;
    asked(&host, "r-7", Method::POST, "/api/v1/clusters/lab/resume", None).await;
    let change = json!({"authority": "observe", "connection": {"password": "sturgeon"}});
    asked(&host, "r-8", Method::PATCH, "/api/v1/clusters/lab", Some(change)).await;
    let input = Some(json!({"input": {"a": 1}}));
    asked(&host, "r-9", Method::POST, "/api/v1/clusters/lab/operations/poke", input).await;
    asked(&host, "r-10", Method::DELETE, "/api/v1/clusters/lab", None).await;

    assert_eq!(
        found(&host, "cluster=lab").await,
        [
            "cluster.register lab by token:owner",
            "cluster.pause lab by token:owner",
            "policy.save item/a by token:owner",
            "relation.add lab runs-on zk by token:owner",
            "cluster.resume lab by token:owner",
            "cluster.change lab by token:owner",
            "operation.poke cluster by token:owner",
            "cluster.remove lab by token:owner",
        ]
    );
    assert_eq!(found(&host, "request_id=r-4").await, Vec::<String>::new(), "nothing was changed by it");
    assert_eq!(
        found(&host, "request_id=r-6&actor=token:owner").await,
        ["relation.add lab runs-on zk by token:owner"]
    );
    let all = host.call(Method::GET, RECORDS, None).await;
    assert!(!all.body.to_string().contains("swordfish") && !all.body.to_string().contains("sturgeon"));
    let of = |id: &str| {
        let items = all.body["items"].as_array().unwrap();
        items.iter().find(|one| one["request_id"] == id).unwrap().clone()
    };
    assert_eq!(
        (&of("r-3")["before"], &of("r-3")["after"]),
        (&json!({"paused": false}), &json!({"paused": true}))
    );
    assert_eq!(of("r-5")["after"], json!({"deletes_max": 3}));
    assert_eq!(of("r-8")["message"], "secrets set: password");
    assert_eq!(
        (&of("r-8")["before"]["authority"], &of("r-8")["after"]["authority"]),
        (&json!("manage"), &json!("observe"))
    );
    let tombstone = of("r-10");
    assert_eq!(tombstone["before"]["relations"], json!(["lab runs-on zk"]));
    assert_eq!(tombstone["message"], "with it went: operations 1, policies 1, secrets 1, relations 1");
    assert_eq!(
        tombstone["before"]["went_with_it"],
        json!({"operations": {"waiting": 1}, "policies": 1, "secrets": 1})
    );
    let lost = host.call(Method::GET, &format!("{RECORDS}?action=operation.&outcome=cancelled"), None).await;
    assert_eq!(lost.body["items"][0]["after"], json!({"input": {"a": 1}}), "{lost:?}");
}

#[tokio::test]
async fn records_are_read_page_by_page_and_a_wrong_question_is_named() {
    let host = Host::start().await;
    for name in ["a", "b", "c"] {
        host.register(name).await;
    }
    let first = host.call(Method::GET, &format!("{RECORDS}?action=cluster.&limit=2"), None).await;
    let next = first.body["next"].as_str().unwrap();
    let rest = host.call(Method::GET, &format!("{RECORDS}?action=cluster.&limit=2&after={next}"), None).await;
    let names = |page: &Answer| -> Vec<String> {
        page.body["items"].as_array().unwrap().iter().map(|one| one["subject"].to_string()).collect()
    };
    assert_eq!(
        (names(&first), names(&rest)),
        (vec![r#""c""#.into(), r#""b""#.into()], vec![r#""a""#.into()])
    );
    assert_eq!(found(&host, "cluster=nobody").await, Vec::<String>::new());
    for (query, part) in [("outcome=good", "outcome"), ("since_ms=9&until_ms=9", "until_ms")] {
        let refused = host.call(Method::GET, &format!("{RECORDS}?{query}"), None).await;
        assert_eq!(
            (refused.status, refused.body["code"].as_str()),
            (StatusCode::BAD_REQUEST, Some("invalid-query"))
        );
        assert!(refused.body["detail"].as_str().unwrap().contains(part), "{refused:?}");
    }
}

#[tokio::test]
async fn a_problem_names_its_request() {
    let host = Host::start().await;
    for path in ["/api/v1/clusters/nobody", "/nothing", "/api/v1/records?limit=0"] {
        let refused = host.call(Method::GET, path, None).await;
        let id = refused.headers["x-request-id"].to_str().unwrap();
        assert_eq!(refused.body["request_id"], id, "{path}: {refused:?}");
        assert_eq!(refused.headers["content-type"], "application/problem+json");
    }
}

#[tokio::test]
async fn the_level_of_a_stream_is_changed_put_back_and_recorded() {
    let host = Host::start().await;
    let levels = || async { host.call(Method::GET, "/api/v1/log-levels", None).await.body };
    let before = levels().await;
    assert_eq!(before.as_array().unwrap().len(), 5);
    assert_eq!((&before[1]["stream"], &before[1]["level"]), (&json!("sync"), &json!("info")));
    let path = "/api/v1/log-levels/sync";
    let changed = asked(&host, "r-1", Method::PUT, path, Some(json!({"level": "debug"}))).await;
    assert_eq!((&changed.body["level"], &changed.body["at_start"]), (&json!("debug"), &json!("info")));
    assert_eq!(levels().await[1]["level"], "debug");
    asked(&host, "r-2", Method::PUT, path, Some(json!({"level": null}))).await;
    assert_eq!(levels().await, before);
    assert_eq!(found(&host, "action=log-level.").await, ["log-level.change sync by token:owner"; 2]);
    let wrong = host.call(Method::PUT, "/api/v1/log-levels/gossip", Some(json!({"level": "debug"}))).await;
    assert_eq!(
        (wrong.status.as_u16(), wrong.body["code"].as_str()),
        (400, Some("invalid-path")),
        "{wrong:?}"
    );
    let wrong = host.call(Method::PUT, path, Some(json!({"level": "loud"}))).await;
    assert_eq!(
        (wrong.status.as_u16(), wrong.body["code"].as_str()),
        (422, Some("invalid-body")),
        "{wrong:?}"
    );
}
