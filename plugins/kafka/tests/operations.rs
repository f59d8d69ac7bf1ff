//! Operations against a broker that is played: what is refused before anything is sent, what was sent and never answered, and
//! what is made of answers that real brokers seldom give.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the functions below the tests are parts of them"
)]

use std::io::{Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use headgate_kafka::Kafka;
use headgate_sdk::json::{Value, json};
use headgate_sdk::{
    Error, ErrorKind, Operations, Place, Progress, ResourceKey, Result, StorageDriver, Subject, Target,
};
use kafka_protocol::messages::alter_partition_reassignments_response::{
    ReassignablePartitionResponse, ReassignableTopicResponse,
};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, ApiVersionsResponse, BrokerId,
    ElectLeadersRequest, ElectLeadersResponse, ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse, MetadataRequest, MetadataResponse, TopicName,
};
use kafka_protocol::protocol::{Encodable, HeaderVersion, Message, Request, StrBytes};

/// The keys of the requests that a played broker was sent, its first exchange and Metadata left out.
type Asked = Arc<Mutex<Vec<i16>>>;

/// The body of an answer with its header's end; none where the broker hangs up instead.
type Played = fn(i16) -> Option<Vec<u8>>;

fn versions() -> Vec<u8> {
    let key = |key: i16, max: i16| ApiVersion::default().with_api_key(key).with_max_version(max);
    let keys = vec![
        key(MetadataRequest::KEY, MetadataRequest::VERSIONS.max),
        key(ElectLeadersRequest::KEY, ElectLeadersRequest::VERSIONS.max),
        key(AlterPartitionReassignmentsRequest::KEY, AlterPartitionReassignmentsRequest::VERSIONS.max),
        key(ListPartitionReassignmentsRequest::KEY, ListPartitionReassignmentsRequest::VERSIONS.max),
    ];
    let mut body = Vec::new();
    ApiVersionsResponse::default().with_api_keys(keys).encode(&mut body, 3).unwrap();
    body
}

/// Two brokers at one address, and topic t: partition 0 is led by its second replica, partition 1 by its first.
fn metadata(port: i32) -> Vec<u8> {
    let broker = |id| {
        let broker = MetadataResponseBroker::default().with_node_id(BrokerId(id)).with_port(port);
        broker.with_host(StrBytes::from_static_str("127.0.0.1"))
    };
    let partition = |index, leader| {
        let both = vec![BrokerId(1), BrokerId(2)];
        MetadataResponsePartition::default()
            .with_partition_index(index)
            .with_leader_id(BrokerId(leader))
            .with_replica_nodes(both.clone())
            .with_isr_nodes(both)
    };
    let topic = MetadataResponseTopic::default()
        .with_name(Some(name()))
        .with_partitions(vec![partition(0, 2), partition(1, 1)]);
    let answer = MetadataResponse::default()
        .with_brokers(vec![broker(1), broker(2)])
        .with_controller_id(BrokerId(1))
        .with_topics(vec![topic]);
    played::<MetadataRequest>(&answer)
}

fn name() -> TopicName {
    TopicName(StrBytes::from_static_str("t"))
}

fn played<R: Request>(answer: &R::Response) -> Vec<u8>
where
    R::Response: Encodable,
{
    let version = R::VERSIONS.max;
    let mut body = if R::Response::header_version(version) > 0 { vec![0] } else { Vec::new() };
    answer.encode(&mut body, version).unwrap();
    body
}

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

fn serve(mut stream: TcpStream, port: i32, asked: &Asked, play: Played) {
    let Some(first) = frame(&mut stream) else { return };
    answer(&mut stream, &first[4..8], &versions());
    while let Some(request) = frame(&mut stream) {
        let key = i16::from_be_bytes([request[0], request[1]]);
        let body = if key == MetadataRequest::KEY {
            Some(metadata(port))
        } else {
            asked.lock().unwrap().push(key);
            play(key)
        };
        let Some(body) = body else { return };
        answer(&mut stream, &request[4..8], &body);
    }
}

fn open(play: Played) -> (Kafka, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Asked::default();
    let heard = Arc::clone(&asked);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let heard = Arc::clone(&heard);
            thread::spawn(move || serve(stream, i32::from(address.port()), &heard, play));
        }
    });
    let connection = json!({"bootstrap": address.to_string()}).to_string();
    (
        Kafka::open(&Target { id: "t".to_owned(), name: "t".to_owned(), connection, nodes: Vec::new() })
            .unwrap(),
        asked,
    )
}

fn resource(metadata_type: &str) -> Subject {
    let metadata_type = metadata_type.to_owned();
    Subject::Resource(ResourceKey { metadata_type, id: "t".to_owned(), place: Place::Cluster })
}

fn cluster() -> Subject {
    Subject::Place(Place::Cluster)
}

fn run(kafka: &mut Kafka, name: &str, subject: &Subject, input: Value) -> Result<Progress> {
    kafka.run(name, subject, &input, "once")
}

fn nothing_moves() -> Vec<u8> {
    played::<ListPartitionReassignmentsRequest>(&ListPartitionReassignmentsResponse::default())
}

#[test]
fn a_bad_input_is_refused_by_its_field_before_anything_is_asked() {
    let (mut kafka, asked) = open(|_| None);
    let bad = [
        ("reset-offsets", resource("consumer-group"), json!({"to": "begin"}), "/to"),
        ("delete-group", resource("consumer-group"), json!({"force": true}), "/force"),
        ("remove-members", resource("consumer-group"), json!({"members": [1]}), "/members/0"),
        ("elect-leaders", cluster(), json!({"type": "unclean"}), "/type"),
        ("elect-unclean-leaders", cluster(), json!({}), "/topics"),
        ("delete-records", resource("topic"), json!({"before": {"0": "x"}}), "/before/0"),
        ("reassign", resource("topic"), json!({"drain": [-1]}), "/drain/0"),
    ];
    for (name, subject, input, path) in bad {
        for error in [
            kafka.preview(name, &subject, &input).unwrap_err(),
            run(&mut kafka, name, &subject, input.clone()).unwrap_err(),
        ] {
            assert_eq!(error.kind, ErrorKind::InvalidArgument, "{error:?}");
            let detail = ("path".to_owned(), path.to_owned());
            assert!(error.details.contains(&detail) && error.message.starts_with(path), "{error:?}");
        }
    }
    assert_eq!(*asked.lock().unwrap(), Vec::<i16>::new());
}

#[test]
fn every_operation_says_what_it_is_for() {
    let (mut kafka, _) = open(|_| None);
    for operation in Kafka::list_operations(None) {
        let wrong = if operation.metadata_type.is_some() { cluster() } else { resource("topic") };
        let error = run(&mut kafka, &operation.name, &wrong, json!({})).unwrap_err();
        assert!(error.message.starts_with(&format!("{} is an operation on", operation.name)), "{error:?}");
        for schema in [&operation.input, &operation.output] {
            assert!(schema.parse::<Value>().unwrap().is_object());
        }
    }
    let error = run(&mut kafka, "explode", &cluster(), json!({})).unwrap_err();
    assert!(error.message.contains("it has reset-offsets, "), "{error:?}");
    assert_eq!(kafka.poll("what?").unwrap_err().kind, ErrorKind::InvalidArgument);
    assert_eq!(kafka.cancel("{}").unwrap_err().kind, ErrorKind::InvalidArgument);
}

#[test]
fn an_answer_that_is_lost_is_unknown() {
    let (mut kafka, asked) = open(|key| (key == ListPartitionReassignmentsRequest::KEY).then(nothing_moves));
    let elected = run(&mut kafka, "elect-leaders", &cluster(), json!({}));
    assert!(matches!(elected, Ok(Progress::Unknown(_))), "{elected:?}");
    let moved = run(&mut kafka, "reassign", &resource("topic"), json!({"replication_factor": 1}));
    assert!(matches!(moved, Ok(Progress::Unknown(_))), "{moved:?}");
    let sent = [43, 46, 45];
    assert_eq!(*asked.lock().unwrap(), sent, "what changes something is sent once");
}

#[test]
fn a_whole_refusal_is_an_error() {
    let (mut kafka, _) =
        open(|_| Some(played::<ElectLeadersRequest>(&ElectLeadersResponse::default().with_error_code(31))));
    let Error { code, .. } = run(&mut kafka, "elect-leaders", &cluster(), json!({})).unwrap_err();
    assert_eq!(code.as_deref(), Some("CLUSTER_AUTHORIZATION_FAILED"));
}

#[test]
fn an_answer_that_leaves_out_what_was_asked_for_tells_nothing() {
    let (mut kafka, _) = open(|_| Some(played::<ElectLeadersRequest>(&ElectLeadersResponse::default())));
    let elected = run(&mut kafka, "elect-leaders", &cluster(), json!({})).unwrap();
    let Progress::Unknown(error) = elected else { panic!("{elected:?}") };
    assert_eq!((error.kind, error.message.contains("t-0")), (ErrorKind::Protocol, true), "{error:?}");
}

#[test]
fn a_part_that_was_refused_stays_in_the_handle_until_the_end() {
    let (mut kafka, _) = open(|key| {
        if key == ListPartitionReassignmentsRequest::KEY {
            return Some(nothing_moves());
        }
        let partition = |index, code| {
            let partition = ReassignablePartitionResponse::default().with_partition_index(index);
            partition.with_error_code(code)
        };
        let topic = ReassignableTopicResponse::default()
            .with_name(name())
            .with_partitions(vec![partition(0, 0), partition(1, 9_999)]);
        let answer = AlterPartitionReassignmentsResponse::default().with_responses(vec![topic]);
        Some(played::<AlterPartitionReassignmentsRequest>(&answer))
    });
    let topic = resource("topic");
    let input = json!({"partitions": {"0": [2], "1": [2]}});
    let Ok(Progress::Running((mut handle, _))) = run(&mut kafka, "reassign", &topic, input) else {
        panic!("it does not run")
    };
    let done = loop {
        match kafka.poll(&handle).unwrap() {
            Progress::Running((next, _)) => handle = next,
            Progress::Done(done) => break done,
            Progress::Unknown(error) => panic!("{error:?}"),
        }
    };
    let failures: Vec<(&str, Option<&str>)> =
        done.failures.iter().map(|(part, error)| (part.as_str(), error.code.as_deref())).collect();
    assert_eq!(failures, [("t-1", Some("9999")), ("t-0", Some("REASSIGNMENT_ENDED"))]);
    assert_eq!(done.summary, "moved 0 of 2 partitions of topic t");
}
