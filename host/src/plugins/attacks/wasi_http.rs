//! HTTP of WASI, by grant: what a library that speaks it gets, and what it does not get around.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{CLOSED, World, answer};

const GIVEN: &str = r#"closed: {network: [{host: "${connection./address}", ports: "1-65535"}], advertised: none, wasi: [http]}"#;

/// Answers one request, and gives what it was.
async fn serve_once(response: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = String::new();
        while !request.ends_with("the content") {
            let mut read = [0; 1024];
            let count = stream.read(&mut read).await.unwrap();
            assert!(count > 0, "it ended after {request}");
            request.push_str(std::str::from_utf8(&read[..count]).unwrap());
        }
        stream.write_all(response.as_bytes()).await.unwrap();
        request
    });
    (address, served)
}

async fn fetched(grants: &str, form: &str, told: &str) -> String {
    let world = World::of("closed", &CLOSED, grants).await;
    let connection = json!({"address": form, "wish": format!("fetch {told}")});
    answer(world.driver("lab", connection, None).await.probe().await)
}

#[tokio::test]
async fn with_the_grant_a_request_goes_out_and_its_answer_comes_back_whole() {
    let (address, served) = serve_once("HTTP/1.1 201 Created\r\ncontent-length: 11\r\n\r\nhello there").await;
    let said = fetched(GIVEN, &address, &format!("{address} /a?b=c the content")).await;
    assert_eq!(said, "early false, status 201, location [], again true, trailers none true: hello there");
    let request = served.await.unwrap().to_ascii_lowercase();
    let host = format!("host: {address}\r\n");
    for part in ["post /a?b=c http/1.1\r\n", "x-from: wasi\r\n", "content-length: 11\r\n", &host] {
        assert!(request.contains(part), "no `{part}`: {request}");
    }
    assert!(!request.contains("somewhere.else"), "the host says who is asked: {request}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_here_too() {
    let redirect = "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n";
    let (address, served) = serve_once(redirect).await;
    let said = fetched(GIVEN, &address, &format!("{address} / the content")).await;
    assert!(said.contains(r#"status 302, location ["http://169.254.169.254/"]"#), "{said}");
    served.await.unwrap();
}

#[tokio::test]
async fn without_the_grant_or_beyond_the_network_s_nothing_leaves() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let told = format!("{address} / the content");
    let without = GIVEN.replace(", wasi: [http]", "");
    for (grants, form) in
        [(without.as_str(), address.as_str()), (GIVEN, "10.0.0.1:1"), ("closed: {wasi: [http]}", &address)]
    {
        let said = fetched(grants, form, &told).await;
        assert_eq!(said, "ErrorCode::HttpRequestDenied", "{grants}");
    }
    let metadata = fetched(GIVEN, "169.254.169.254:80", "169.254.169.254 /latest/meta-data/ x").await;
    assert_eq!(metadata, "ErrorCode::HttpRequestDenied");
    let nobody_came = tokio::time::timeout(std::time::Duration::from_millis(100), listener.accept()).await;
    assert!(nobody_came.is_err());
}

#[tokio::test]
async fn who_hoards_requests_gets_few() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let world = World::of("closed", &CLOSED, GIVEN).await;
    let hoarding = json!({"address": address, "wish": format!("hoard {address}")});
    let driver = world.driver("lab", hoarding, None).await;
    // What a call leaves behind is let go of.
    for _ in 0..2 {
        assert_eq!(answer(driver.probe().await), "8 and then ErrorCode::ConnectionLimitReached");
    }
}

#[tokio::test]
async fn what_fails_has_the_nearest_code() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let said = fetched(GIVEN, &closed, &format!("{closed} / the content")).await;
    assert_eq!(said, "ErrorCode::DestinationUnavailable");
    let dropped = fetched(GIVEN, &closed, &format!("{closed} / -")).await;
    assert!(dropped.contains("dropped before its end: nothing was sent"), "{dropped}");
    let nowhere = fetched(GIVEN, &closed, " / x").await;
    assert_eq!(nowhere, "ErrorCode::HttpRequestUriInvalid");
    // The host waits for an answer no longer than the guest does.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let said = fetched(GIVEN, &address, &format!("{address} / the content")).await;
    assert_eq!(said, "ErrorCode::HttpResponseTimeout");
}
