//! The client against a host that is one in name only.

use super::fake::FakeHost;
use super::*;

#[test]
fn a_list_is_read_page_after_page() {
    let host = FakeHost::start(vec![
        (200, json!({"items": [1, 2], "next": "c/1"}).to_string()),
        (200, json!({"items": [3], "next": null}).to_string()),
    ]);
    let items: Vec<u64> = host.client().list("/clusters/lab/resources", &[("type", "a b")], None).unwrap();
    assert_eq!(items, [1, 2, 3]);
    assert_eq!(
        host.asked(),
        [
            "GET /api/v1/clusters/lab/resources?type=a%20b&limit=1000",
            "GET /api/v1/clusters/lab/resources?type=a%20b&limit=1000&after=c%2F1",
        ]
    );
}

#[test]
fn a_limit_ends_the_reading() {
    let host = FakeHost::start(vec![(200, json!({"items": [1, 2], "next": "more"}).to_string())]);
    let items: Vec<u64> = host.client().list("/plans", &[], Some(2)).unwrap();
    assert_eq!(items, [1, 2]);
    assert_eq!(host.asked(), ["GET /api/v1/plans?limit=2"]);
}

#[test]
fn a_problem_comes_through_whole() {
    let body = json!({
        "type": "urn:headgate:problem:stale-plan", "title": "Conflict", "status": 409, "code": "stale-plan",
        "detail": "topic a changed since the plan was made", "advice": "plan again",
    });
    let host = FakeHost::start(vec![(409, body.to_string())]);
    let failure = host.client().post::<Value>("/plans/p/approve", &nothing()).unwrap_err();
    assert_eq!(failure.to_string(), "conflict: topic a changed since the plan was made");
    assert_eq!(failure.advice(), Some("plan again"));
    assert_eq!(failure.exit().code(), 5);
    assert_eq!(host.asked(), ["POST /api/v1/plans/p/approve {}"]);
}

#[test]
fn something_else_behind_the_port_is_told() {
    for (status, body) in [(200, "<html>hello</html>"), (404, "nginx says no"), (302, "")] {
        let host = FakeHost::start(vec![(status, body.to_owned())]);
        let failure = host.client().get::<Value>("/kinds", &[]).unwrap_err();
        assert_eq!(failure.exit().code(), 6, "{failure}");
        assert!(failure.to_string().contains("did not answer as Headgate does"), "{failure}");
    }
}

#[test]
fn nobody_there_is_told_with_what_to_do() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::new(Target { url, token: "t".to_owned() }, None).unwrap();
    let failure = client.get::<Value>("/kinds", &[]).unwrap_err();
    assert_eq!(failure.exit().code(), 6);
    assert!(failure.advice().unwrap().contains("headgate serve"));
}

#[test]
fn no_answer_body_is_null() {
    let host = FakeHost::start(vec![(204, String::new())]);
    assert_eq!(
        host.client().call::<Value>(&Method::DELETE, "/clusters/lab", &[], None).unwrap(),
        Value::Null
    );
}

#[test]
fn a_segment_is_encoded_byte_by_byte() {
    assert_eq!(encode("pay/a b%ü.x"), "pay%2Fa%20b%25%C3%BC.x");
}
