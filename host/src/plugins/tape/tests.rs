//! A tape is recorded and played, and no secret is on it.

use std::collections::BTreeMap;

use serde_json::json;

use super::cassette::{CASSETTE, Line};
use super::*;
use crate::plugins::tape::cassette::Header;

const PASSWORD: &str = "pencil-case+1";
const CHECK: &str = "contract/paging";

fn cluster() -> ClusterId {
    ClusterId("backend".to_owned())
}

fn secrets(password: &[u8]) -> Secrets {
    let values = BTreeMap::from([("password".to_owned(), Zeroizing::new(password.to_vec()))]);
    Secrets(Arc::new(values))
}

fn header() -> Header {
    Header {
        cassette: CASSETTE,
        kind: "toy".to_owned(),
        version: "0.1.0".to_owned(),
        connection: json!({"servers": "127.0.0.1:1", "password": "password"}),
        secrets: BTreeMap::new(),
        wishes: Vec::new(),
        began_at_ms: 1_000,
    }
}

fn request(body: &str) -> RequestMade {
    let headers = vec![("x-token".to_owned(), "t0ken-of-the-backend".to_owned())];
    RequestMade { line: "POST 127.0.0.1:1/v3/list".to_owned(), headers, body: body.as_bytes().to_vec() }
}

/// A session that logs in with a proof, and asks over `http` with the token that it was given.
fn recorded() -> Cassette {
    let recorder = Arc::new(Recorder::default());
    let tape = Tape::recording(&recorder, CHECK, &cluster(), 1_000);
    let track = tape.with(&cluster()).session(&secrets(PASSWORD.as_bytes()));
    let tap = track.connected("127.0.0.1", 1, Ok(())).unwrap();
    track.derived(b"a proof of twenty by");
    tap.sent(format!("login {PASSWORD}").as_bytes()).unwrap();
    tap.sent(b"proof a proof of twenty by").unwrap();
    tap.received(b"wel");
    tap.received(b"come a proof of twenty by");
    tap.sent(b"bye").unwrap();
    tap.ended("closed");
    let answer = |body: &str| AnswerMade { status: 200, headers: Vec::new(), body: body.as_bytes().to_vec() };
    track.exchanged(request("{}"), Ok(answer(r#"{"accessToken":"another-t0ken","rows":[1]}"#)));
    recorder.finish(header()).unwrap()
}

#[test]
fn no_secret_no_proof_and_no_token_is_in_a_cassette() {
    let text = recorded().print().unwrap();
    for hidden in [PASSWORD, "a proof of twenty by", "t0ken-of-the-backend", "another-t0ken"] {
        assert!(!text.contains(hidden), "{hidden}: {text}");
    }
    assert!(text.contains("login %{secret:password}") && text.contains("proof %{derived:1:20}"), "{text}");
    assert!(text.contains(r#""secrets":{"password":13}"#), "{text}");
}

/// Played with a password that nobody knows, and so with another proof.
#[test]
fn a_cassette_plays_what_was_recorded_and_names_what_it_does_not_hold() {
    let cassette = Cassette::parse(&recorded().print().unwrap()).unwrap();
    let tape = Tape::playing(&cassette, CHECK, &cluster());
    let other = stand_in("password", 13);
    let track = tape.session(&secrets(&other));
    assert_eq!((track.now_ms(), track.now_ms()), (Some(1_001), Some(1_002)));
    let tap = track.connect("127.0.0.1", 1).unwrap().unwrap();
    track.derived(b"another proof of 20.");
    let mut buffer = BytesMut::new();
    tap.sent(&[b"login ".as_slice(), &other].concat()).unwrap();
    assert!(matches!(tap.play(&mut buffer), Played::Nothing), "an answer before its request");
    tap.sent(b"proof another proof of 20.").unwrap();
    assert!(matches!(tap.play(&mut buffer), Played::Bytes));
    assert_eq!(buffer.as_ref(), b"welcome another proof of 20.");
    let refused = tap.sent(b"hello").unwrap_err().message;
    assert!(refused.contains("sends `hello`") && refused.contains("has `bye` there"), "{refused}");
    assert!(matches!(tap.play(&mut buffer), Played::Closed));
    assert!(track.connect("127.0.0.1", 2).unwrap().is_err());
    assert_eq!(tape.unknown().len(), 2, "{:?}", tape.unknown());
}

#[test]
fn requests_over_http_are_found_by_what_they_ask() {
    let cassette = recorded();
    let tape = Tape::playing(&cassette, CHECK, &cluster());
    let track = tape.session(&secrets(PASSWORD.as_bytes()));
    let Some(Line::Exchange(exchange)) = cassette.checks[CHECK].last() else { panic!("no exchange") };
    // The token of the backend is another one on the tape, which the plugin was given by it.
    let token = text::expanded(&exchange.headers[0].1, |what| match what {
        What::Hidden(number, length) => text::stand_in(&format!("hidden {number}"), *length),
        other => panic!("{other:?}"),
    });
    let token = String::from_utf8(token.unwrap()).unwrap();
    let asked =
        |body: &str| RequestMade { headers: vec![("x-token".to_owned(), token.clone())], ..request(body) };
    let unknown = track.answer(&asked(r#"{"limit":1}"#)).unwrap().err().unwrap();
    let HostError::Answer(unknown) = unknown else { panic!("a trap") };
    assert!(unknown.message.contains(r#"with `{"limit":1}`"#), "{}", unknown.message);
    let answer = track.answer(&asked("{}")).unwrap().ok().unwrap();
    assert!(answer.status == 200 && !answer.body.is_empty());
    assert!(track.answer(&asked("{}")).unwrap().is_err(), "one answer is given once");
}

#[test]
fn a_secret_that_cannot_be_told_from_other_text_is_not_recorded() {
    let form = json!({"username": "administrator"});
    let refused = |value: &[u8]| Recorder::check_secret("password", value, &form).unwrap_err().to_string();
    assert!(refused(b"short").contains("shorter than 6 bytes"));
    assert!(refused(b"administrator").contains("the same text"));
    assert!(Recorder::check_secret("password", PASSWORD.as_bytes(), &form).is_ok());
}

#[test]
fn another_cluster_is_not_taped() {
    let recorder = Arc::new(Recorder::default());
    let tape = Tape::recording(&recorder, CHECK, &cluster(), 0);
    let other = tape.with(&ClusterId("hostile".to_owned()));
    assert!(!other.session(&Secrets::default()).is_on());
    assert!(tape.with(&cluster()).session(&Secrets::default()).is_on());
}
