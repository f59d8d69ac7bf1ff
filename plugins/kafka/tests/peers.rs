//! What may listen on the other end: something that is not Kafka, something that breaks off, a broker that never answers.
//! Each is a clear error of the call, never a trap, and a write whose answer is lost is unknown.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the functions below the tests are parts of them"
)]

use std::io::{Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use headgate_kafka::Kafka;
use headgate_sdk::json::json;
use headgate_sdk::{
    Action, Error, ErrorKind, Outcome, Place, Query, ResourceKey, StorageDriver, Target, Write, native,
};
use kafka_protocol::messages::alter_user_scram_credentials_response::AlterUserScramCredentialsResult;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::create_acls_response::AclCreationResult;
use kafka_protocol::messages::{
    AlterClientQuotasRequest, AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse,
    ApiVersionsResponse, CreateAclsRequest, CreateAclsResponse, CreateTopicsRequest, DeleteAclsRequest,
    DeleteTopicsRequest, DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse,
    MetadataRequest,
};
use kafka_protocol::protocol::{Encodable, Message, Request, StrBytes};

const RULE: &str = "User:alice|topic|literal|orders|read|allow|*";
const OTHER_RULE: &str = "User:alice|topic|literal|orders|write|allow|*";

/// Serves one connection after the other with `serve`, on an address that is given back.
fn peer(serve: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || listener.incoming().flatten().for_each(serve));
    address
}

fn open(address: &str) -> Kafka {
    let connection = json!({"bootstrap": address}).to_string();
    Kafka::open(&Target { id: "t".to_owned(), name: "t".to_owned(), connection, nodes: Vec::new() }).unwrap()
}

fn discover(address: &str) -> Error {
    open(address).discover().expect_err("a cluster was found")
}

/// Reads one frame: the body behind the four bytes of length. None when the other side left.
fn frame(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut body = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut body).ok()?;
    Some(body)
}

fn answer(stream: &mut TcpStream, correlation: &[u8], body: &[u8]) {
    let length = u32::try_from(correlation.len() + body.len()).unwrap();
    stream.write_all(&[&length.to_be_bytes(), correlation, body].concat()).unwrap();
}

/// A broker's first answer: the requests of these tests, in all versions that the plugin knows.
fn versions() -> Vec<u8> {
    versions_with(&[])
}

fn versions_with(more: &[i16]) -> Vec<u8> {
    let key = |key: i16, max: i16| ApiVersion::default().with_api_key(key).with_max_version(max);
    let mut keys = vec![
        key(MetadataRequest::KEY, MetadataRequest::VERSIONS.max),
        key(CreateTopicsRequest::KEY, CreateTopicsRequest::VERSIONS.max),
        key(DeleteTopicsRequest::KEY, DeleteTopicsRequest::VERSIONS.max),
        key(CreateAclsRequest::KEY, CreateAclsRequest::VERSIONS.max),
        key(AlterClientQuotasRequest::KEY, AlterClientQuotasRequest::VERSIONS.max),
        key(DeleteAclsRequest::KEY, DeleteAclsRequest::VERSIONS.max),
    ];
    keys.extend(more.iter().map(|more| key(*more, 0)));
    let mut body = Vec::new();
    ApiVersionsResponse::default().with_api_keys(keys).encode(&mut body, 3).unwrap();
    body
}

fn write(id: &str, action: Action) -> Write {
    write_of("topic", id, action)
}

fn write_of(metadata_type: &str, id: &str, action: Action) -> Write {
    let key =
        ResourceKey { metadata_type: metadata_type.to_owned(), id: id.to_owned(), place: Place::Cluster };
    Write { key, action, revision: None, incarnation: None, extra: None }
}

#[test]
fn a_web_server_is_not_kafka() {
    let address = peer(|mut stream| {
        drop(frame(&mut stream));
        drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"));
    });
    let error = discover(&address);
    assert_eq!(error.kind, ErrorKind::Protocol, "{error:?}");
    assert!(
        error.message.contains(&address) && error.message.contains("is a Kafka listener there"),
        "{error:?}"
    );
}

#[test]
fn a_peer_that_hangs_up_is_named_with_advice() {
    let address = peer(drop);
    let error = discover(&address);
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Unavailable, Some("NOT_KAFKA")), "{error:?}");
    assert!(error.message.contains("`security`"), "{error:?}");
}

#[test]
fn nobody_there() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let error = discover(&address);
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains(&address), "{error:?}");
}

#[test]
fn a_truncated_answer() {
    let address = peer(|mut stream| {
        drop(frame(&mut stream));
        drop(stream.write_all(&[0, 0, 0, 100, 0, 0, 0, 1, 0, 0]));
    });
    assert_eq!(discover(&address).kind, ErrorKind::Unavailable);
}

#[test]
fn an_answer_with_a_huge_count() {
    let address = peer(|mut stream| {
        let Some(request) = frame(&mut stream) else { return };
        answer(&mut stream, &request[4..8], &[0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 3, 0, 0, 0, 13, 0]);
        drop(frame(&mut stream));
    });
    let error = discover(&address);
    assert_eq!(error.kind, ErrorKind::Protocol);
    assert!(error.message.contains("more entries than it holds"), "{error:?}");
}

#[test]
fn an_answer_to_another_question() {
    let address = peer(|mut stream| {
        drop(frame(&mut stream));
        answer(&mut stream, &[0x7f, 0, 0, 1], &versions());
        drop(frame(&mut stream));
    });
    let error = discover(&address);
    assert_eq!(error.kind, ErrorKind::Protocol);
    assert!(error.message.contains("never sent"), "{error:?}");
}

#[test]
fn a_broker_that_never_answers_costs_its_time_out() {
    let address = peer(|mut stream| while frame(&mut stream).is_some() {});
    let error = discover(&address);
    assert_eq!(error.kind, ErrorKind::Timeout, "{error:?}");
}

#[test]
fn a_body_that_does_not_fit_its_version() {
    let address = peer(|mut stream| {
        let Some(request) = frame(&mut stream) else { return };
        answer(&mut stream, &request[4..8], &versions());
        while let Some(request) = frame(&mut stream) {
            answer(&mut stream, &request[4..8], &[0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
        }
    });
    let error = discover(&address);
    assert_eq!(error.kind, ErrorKind::Protocol, "{error:?}");
    assert!(error.message.contains(&address), "{error:?}");
}

#[test]
fn a_listener_that_wants_a_login_is_recognised() {
    let address = peer(|mut stream| {
        let Some(request) = frame(&mut stream) else { return };
        answer(&mut stream, &request[4..8], &versions());
        drop(frame(&mut stream));
    });
    let error = discover(&address);
    assert_eq!(error.kind, ErrorKind::Unauthenticated, "{error:?}");
    assert!(error.message.contains("SASL_SSL"), "{error:?}");
}

#[test]
fn a_request_that_the_broker_does_not_know_is_unsupported() {
    let address = peer(|mut stream| {
        let Some(request) = frame(&mut stream) else { return };
        answer(&mut stream, &request[4..8], &versions());
        drop(frame(&mut stream));
    });
    let edit = Action::Edit(vec![headgate_sdk::Edit {
        path: "/config/retention.ms".to_owned(),
        value: Some("\"1\"".to_owned()),
    }]);
    let outcomes = open(&address).write_resources(&[write("a", edit)], false).unwrap();
    let [Outcome::Failed(error)] = outcomes.as_slice() else { panic!("{outcomes:?}") };
    assert_eq!(error.code.as_deref(), Some("UNSUPPORTED_VERSION"));
}

#[test]
fn a_write_whose_answer_is_lost_is_unknown() {
    let address = peer(|mut stream| {
        let Some(request) = frame(&mut stream) else { return };
        answer(&mut stream, &request[4..8], &versions());
        drop(frame(&mut stream));
    });
    let create = || Action::Create("{}".to_owned());
    let writes = [
        write("a", create()),
        write("b", Action::Delete),
        write_of("acl", RULE, create()),
        write_of("acl", RULE, Action::Delete),
        write_of("quota", "user=alice", Action::Delete),
    ];
    for write in writes {
        let outcomes = open(&address).write_resources(&[write], false).unwrap();
        assert!(matches!(outcomes.as_slice(), [Outcome::Unknown(_)]), "{outcomes:?}");
    }
}

#[test]
fn a_write_that_was_never_sent_failed() {
    let address = peer(drop);
    let create = || Action::Create("{}".to_owned());
    let quota = write_of("quota", "user=alice", Action::Delete);
    for write in [write("a", create()), write_of("acl", RULE, create()), quota] {
        let outcomes = open(&address).write_resources(&[write], false).unwrap();
        assert!(matches!(outcomes.as_slice(), [Outcome::Failed(_)]), "{outcomes:?}");
    }
}

#[test]
fn a_broker_from_before_there_were_users_lists_none_and_takes_none() {
    let address = peer(|mut stream| {
        let Some(request) = frame(&mut stream) else { return };
        answer(&mut stream, &request[4..8], &versions());
        drop(frame(&mut stream));
    });
    let query = Query {
        metadata_type: "user".to_owned(),
        place: Place::Cluster,
        brief: false,
        fields: Vec::new(),
        since: None,
        cursor: None,
        limit: 0,
        extra: None,
    };
    let page = open(&address).list_resources(&query).unwrap();
    assert!(page.resources.is_empty() && page.failures.is_empty() && page.next.is_none());
    let outcomes =
        open(&address).write_resources(&[write_of("user", "alice", Action::Delete)], false).unwrap();
    let [Outcome::Failed(error)] = outcomes.as_slice() else { panic!("{outcomes:?}") };
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Unsupported, Some("TOO_OLD")));
}

/// One request for the first credential of each user, one for the second; the second of carol is refused.
#[test]
fn users_are_written_together_and_one_that_is_half_written_is_unknown() {
    const DESCRIBE: i16 = DescribeUserScramCredentialsRequest::KEY;
    const ALTER: i16 = AlterUserScramCredentialsRequest::KEY;
    let address = peer(|mut stream| {
        let Some(request) = frame(&mut stream) else { return };
        answer(&mut stream, &request[4..8], &versions_with(&[DESCRIBE, ALTER]));
        for codes in [None, Some([("bob", 0), ("carol", 0)]), Some([("bob", 0), ("carol", 31)])] {
            let Some(request) = frame(&mut stream) else { return };
            let mut body = vec![0];
            if let Some(codes) = codes {
                assert_eq!(request[..2], ALTER.to_be_bytes());
                let result = |(name, code)| {
                    let result = AlterUserScramCredentialsResult::default().with_error_code(code);
                    result.with_user(StrBytes::from_static_str(name))
                };
                let results = codes.into_iter().map(result).collect();
                let told = AlterUserScramCredentialsResponse::default().with_results(results);
                told.encode(&mut body, 0).unwrap();
            } else {
                assert_eq!(request[..2], DESCRIBE.to_be_bytes());
                DescribeUserScramCredentialsResponse::default().encode(&mut body, 0).unwrap();
            }
            answer(&mut stream, &request[4..8], &body);
        }
    });
    native::secrets::set("both", b"hunter2");
    let both = json!({"SCRAM-SHA-256": {"iterations": 4096}, "SCRAM-SHA-512": {"iterations": 4096}});
    let spec = json!({"mechanisms": both, "password": {"$secret": "both"}}).to_string();
    let writes = ["bob", "carol"].map(|name| write_of("user", name, Action::Create(spec.clone())));
    let outcomes = open(&address).write_resources(&writes, false).unwrap();
    let [Outcome::Accepted(_), Outcome::Unknown(error)] = outcomes.as_slice() else { panic!("{outcomes:?}") };
    assert!(error.message.contains("give the login `alter` on the cluster"), "{error:?}");
    assert!(error.message.ends_with("another of its mechanisms was written before"), "{error:?}");
}

#[test]
fn rules_get_their_answers_in_the_order_of_the_questions_or_not_at_all() {
    for (told, expected) in [(2, "accepted, failed"), (1, "unknown, unknown")] {
        let address = peer(move |mut stream| {
            let Some(request) = frame(&mut stream) else { return };
            answer(&mut stream, &request[4..8], &versions());
            while let Some(request) = frame(&mut stream) {
                let result = |code| AclCreationResult::default().with_error_code(code);
                let results = [result(0), result(31)].into_iter().take(told).collect();
                let mut body = vec![0];
                CreateAclsResponse::default().with_results(results).encode(&mut body, 3).unwrap();
                answer(&mut stream, &request[4..8], &body);
            }
        });
        let writes = [RULE, OTHER_RULE].map(|rule| write_of("acl", rule, Action::Create("{}".to_owned())));
        let outcomes = open(&address).write_resources(&writes, false).unwrap();
        let words = outcomes.iter().map(|outcome| match outcome {
            Outcome::Accepted(_) => "accepted",
            Outcome::Failed(_) => "failed",
            Outcome::Unknown(_) => "unknown",
            Outcome::Done(_) | Outcome::Started(_) => "something else",
        });
        assert_eq!(words.collect::<Vec<_>>().join(", "), expected, "{outcomes:?}");
    }
}

#[test]
fn bad_writes_are_refused_before_anything_is_sent() {
    let address = peer(|_| panic!("somebody called"));
    let bad = [
        Action::Create("[]".to_owned()),
        Action::Create(r#"{"partitons": 1}"#.to_owned()),
        Action::Replace("{}".to_owned()),
        Action::Run(("reassign".to_owned(), "{}".to_owned())),
        Action::Edit(vec![headgate_sdk::Edit {
            path: "/replication_factor".to_owned(),
            value: Some("3".to_owned()),
        }]),
        Action::Edit(vec![headgate_sdk::Edit { path: "/colour".to_owned(), value: None }]),
    ];
    let writes: Vec<Write> = bad.into_iter().map(|action| write("a", action)).collect();
    let outcomes = open(&address).write_resources(&writes, false).unwrap();
    assert_eq!(outcomes.len(), writes.len());
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Failed(_))), "{outcomes:?}");
}
