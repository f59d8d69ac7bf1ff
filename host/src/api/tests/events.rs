//! The event stream: resumed from the log, followed live, and honest about gaps.

use std::time::Duration;

use axum::body::BodyDataStream;
use axum::http::{HeaderValue, Method, StatusCode};
use futures::StreamExt;
use serde_json::json;

use crate::api::testing::{Host, owner_caller};
use crate::domain::id::EventId;
use crate::store::Event;

/// More than the channel keeps for a slow reader.
const FLOOD: usize = 5_000;

struct Reader(BodyDataStream, String);

impl Reader {
    async fn open(host: &Host, last: Option<&str>) -> Self {
        let mut request = host.request(Method::GET, "/api/v1/events/stream", None);
        if let Some(last) = last {
            request.headers_mut().insert("last-event-id", HeaderValue::from_str(last).unwrap());
        }
        let answer = host.open(request).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Self(answer.into_body().into_data_stream(), String::new())
    }

    /// One event, or nothing at the stream's end.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.1.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.1 = rest;
                return Some(event);
            }
            let chunk = tokio::time::timeout(Duration::from_secs(10), self.0.next())
                .await
                .expect("no event within 10 s")?;
            self.1.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
    }
}

async fn tell(host: &Host, kind: &str, count: usize) {
    let mut tx = host.store.begin().await.unwrap();
    for _ in 0..count {
        let event = Event {
            id: EventId(String::new()),
            at_ms: 1,
            organization: owner_caller().organization,
            cluster: None,
            kind: kind.to_owned(),
            subject: "x".to_owned(),
            data: json!({}),
            actor: "test".to_owned(),
        };
        tx.insert_event(&event).await.unwrap();
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_reader_resumes_from_the_log_and_then_follows() {
    let host = Host::start().await;
    tell(&host, "one", 1).await;
    tell(&host, "two", 1).await;
    let log = host.call(Method::GET, "/api/v1/events", None).await;
    let one = log.body["items"].as_array().unwrap().iter().find(|event| event["kind"] == "one").unwrap();
    let mut reader = Reader::open(&host, one["id"].as_str()).await;
    assert!(reader.next().await.unwrap().contains("event: two"));
    tell(&host, "three", 1).await;
    let three = reader.next().await.unwrap();
    assert!(three.contains("event: three") && three.contains("id: ") && three.contains("data: {"), "{three}");
}

#[tokio::test]
async fn a_reader_that_lags_gets_a_gap_and_goes_on() {
    let host = Host::start().await;
    let mut reader = Reader::open(&host, None).await;
    tell(&host, "flood", FLOOD).await;
    let gap = reader.next().await.unwrap();
    assert!(gap.contains("event: gap") && gap.contains("\"missed\":"), "{gap}");
    assert!(reader.next().await.unwrap().contains("event: flood"));
}

#[tokio::test]
async fn a_stop_ends_the_stream() {
    let host = Host::start().await;
    let mut reader = Reader::open(&host, None).await;
    host.close();
    assert_eq!(reader.next().await, None);
}

#[tokio::test]
async fn events_are_paged_by_their_ids() {
    let host = Host::start().await;
    tell(&host, "many", 5).await;
    let (mut seen, mut after) = (0, String::new());
    loop {
        let page = host.call(Method::GET, &format!("/api/v1/events?limit=3&after={after}"), None).await;
        seen += page.body["items"].as_array().unwrap().len();
        let Some(next) = page.body["next"].as_str() else { break };
        after = next.to_owned();
    }
    assert_eq!(seen, 7, "five, and the two tokens of the start");
    let mut request = host.request(Method::GET, "/api/v1/events/stream", None);
    request.headers_mut().insert("last-event-id", HeaderValue::from_static("yesterday"));
    assert_eq!(host.send(request).await.body["code"], "invalid-event-id");
}
