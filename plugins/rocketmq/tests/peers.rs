//! What may be on the other end: something that is not RocketMQ, something that breaks off, a server that never answers, a
//! broker that refuses. Each is a clear error of the call, never a trap, and a write whose answer is lost is unknown.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unnecessary_wraps,
    reason = "the functions below the tests are parts of them"
)]

#[path = "peers/access.rs"]
mod access;
#[path = "peers/discovery.rs"]
mod discovery;

use std::io::{Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use headgate_rocketmq::RocketMq;
use headgate_sdk::json::{Value, json};
use headgate_sdk::{
    Action, Edit, Error, ErrorKind, Lookup, Outcome, Page, Place, Query, ResourceKey, StorageDriver, Target,
    Write,
};

/// A request as it came.
#[derive(Clone, Debug)]
struct Asked {
    code: i64,
    opaque: i64,
    fields: Value,
    body: Vec<u8>,
}

/// Code and body of an answer; none hangs up.
type Said = Option<(i64, String)>;

/// A server that answers by a script and remembers what it was asked.
struct Fake {
    address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Fake {
    fn start(script: impl Fn(&Asked, &str) -> Said + Send + Sync + 'static) -> Self {
        let (asked, script) = (Arc::new(Mutex::new(Vec::new())), Arc::new(script));
        let log = Arc::clone(&asked);
        let address = peer(move |mut stream| {
            let own = stream.local_addr().unwrap().to_string();
            while let Some(request) = frame(&mut stream) {
                log.lock().unwrap().push(request.clone());
                match script(&request, &own) {
                    Some((code, body)) => answer(&mut stream, request.opaque, code, &body),
                    None => return,
                }
            }
        });
        Self { address, asked }
    }

    fn asked(&self, code: i64) -> Vec<Asked> {
        self.asked.lock().unwrap().iter().filter(|asked| asked.code == code).cloned().collect()
    }
}

/// Serves each connection with `serve` in a thread of its own, on an address that is given back.
fn peer(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(stream));
        }
    });
    address
}

/// Reads one request. None when the other side left.
fn frame(stream: &mut TcpStream) -> Option<Asked> {
    let mut word = [0; 4];
    stream.read_exact(&mut word).ok()?;
    let mut frame = vec![0; u32::from_be_bytes(word) as usize];
    stream.read_exact(&mut frame).ok()?;
    let (length, rest) = frame.split_first_chunk::<4>()?;
    let (header, body) = rest.split_at(u32::from_be_bytes(*length) as usize);
    let header: Value = serde_json::from_slice(header).unwrap();
    Some(Asked {
        code: header["code"].as_i64().unwrap(),
        opaque: header["opaque"].as_i64().unwrap(),
        fields: header["extFields"].clone(),
        body: body.to_vec(),
    })
}

fn answer(stream: &mut TcpStream, opaque: i64, code: i64, body: &str) {
    let header = json!({"code": code, "flag": 1, "opaque": opaque, "remark": "as scripted"}).to_string();
    send(stream, &header, body);
}

fn send(stream: &mut TcpStream, header: &str, body: &str) {
    let header_length = u32::try_from(header.len()).unwrap();
    let length = u32::try_from(4 + header.len() + body.len()).unwrap();
    let frame = [&length.to_be_bytes()[..], &header_length.to_be_bytes(), header.as_bytes(), body.as_bytes()]
        .concat();
    drop(stream.write_all(&frame));
}

/// A cluster of these brokers, all at one address.
fn table(brokers: &[&str], address: &str) -> String {
    let broker = |name: &&str| {
        format!(r#""{name}":{{"brokerAddrs":{{0:"{address}"}},"brokerName":"{name}","cluster":"c"}}"#)
    };
    let brokers: Vec<String> = brokers.iter().map(broker).collect();
    format!(r#"{{"brokerAddrTable":{{{}}},"clusterAddrTable":{{}}}}"#, brokers.join(","))
}

fn topics(names: &[&str]) -> String {
    let topic = |name: &&str| {
        let topic = json!({"topicName": name, "readQueueNums": 4, "writeQueueNums": 4, "perm": 6, "order": false,
            "topicFilterType": "SINGLE_TAG", "topicSysFlag": 0, "attributes": {}, "fromTheFuture": [1]});
        ((*name).to_owned(), topic)
    };
    let table: serde_json::Map<String, Value> = names.iter().map(topic).collect();
    json!({"dataVersion": {"counter": 1}, "topicConfigTable": table}).to_string()
}

/// A name server and a broker in one, that has the topics `a` and `b` and takes everything.
fn cluster(asked: &Asked, own: &str) -> Said {
    let body = match asked.code {
        106 => table(&["broker-a"], own),
        21 => topics(&["b", "a"]),
        305 => json!({"topicList": ["a"]}).to_string(),
        _ => String::new(),
    };
    Some((0, body))
}

fn open(name_servers: &str) -> RocketMq {
    let connection = json!({"name_servers": name_servers}).to_string();
    RocketMq::open(&Target { id: "t".to_owned(), name: "t".to_owned(), connection, nodes: Vec::new() })
        .unwrap()
}

fn discover(address: &str) -> Error {
    open(address).discover().expect_err("a cluster was found")
}

fn query(limit: u32, cursor: Option<String>) -> Query {
    Query {
        metadata_type: "topic".to_owned(),
        place: Place::Cluster,
        brief: false,
        fields: Vec::new(),
        since: None,
        cursor,
        limit,
        extra: None,
    }
}

fn ids(page: &Page) -> Vec<(&str, &str)> {
    let keys = page.resources.iter().map(|one| &one.key);
    keys.map(|key| match &key.place {
        Place::Group(group) => (key.id.as_str(), group.as_str()),
        Place::Cluster | Place::Node(_) => (key.id.as_str(), ""),
    })
    .collect()
}

fn write(id: &str, action: Action) -> Write {
    let place = Place::Group("broker-a".to_owned());
    let key = ResourceKey { metadata_type: "topic".to_owned(), id: id.to_owned(), place };
    Write { key, action, revision: None, incarnation: None, extra: None }
}

fn edit(path: &str, value: &str) -> Edit {
    Edit { path: path.to_owned(), value: Some(value.to_owned()) }
}

fn create() -> Action {
    Action::Create("{}".to_owned())
}

#[test]
fn a_web_server_is_not_rocketmq() {
    let address = peer(|mut stream| {
        drop(frame(&mut stream));
        drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"));
    });
    let error = discover(&address);
    assert_eq!(error.kind, ErrorKind::Protocol, "{error:?}");
    assert!(
        error.message.contains(&address) && error.message.contains("is a RocketMQ name server there"),
        "{error:?}"
    );
}

#[test]
fn a_frame_of_two_gibibytes_is_refused() {
    let address = peer(|mut stream| {
        drop(frame(&mut stream));
        drop(stream.write_all(&[0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1]));
        drop(frame(&mut stream));
    });
    let error = discover(&address);
    assert_eq!(
        (error.kind, error.code.as_deref()),
        (ErrorKind::Protocol, Some("FRAME_TOO_LARGE")),
        "{error:?}"
    );
}

#[test]
fn a_peer_that_hangs_up_is_named_with_advice() {
    let address = peer(drop);
    let error = discover(&address);
    assert_eq!(
        (error.kind, error.code.as_deref()),
        (ErrorKind::Unavailable, Some("NOT_ROCKETMQ")),
        "{error:?}"
    );
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
        drop(stream.write_all(&[0, 0, 0, 100, 0, 0, 0, 90, b'{', b'"']));
    });
    assert_eq!(discover(&address).kind, ErrorKind::Unavailable);
}

#[test]
fn an_answer_to_another_question() {
    let address = peer(|mut stream| {
        drop(frame(&mut stream));
        answer(&mut stream, 0x7f00_0001, 0, "{}");
        drop(frame(&mut stream));
    });
    let error = discover(&address);
    assert_eq!(error.kind, ErrorKind::Protocol);
    assert!(error.message.contains("never sent"), "{error:?}");
}

#[test]
fn a_name_server_that_never_answers_costs_its_time_out() {
    let address = peer(|mut stream| while frame(&mut stream).is_some() {});
    let error = discover(&address);
    assert_eq!(error.kind, ErrorKind::Timeout, "{error:?}");
}

#[test]
fn a_body_that_is_something_else() {
    for body in ["", "[]", "{", "{0:", "null"] {
        let fake = Fake::start(move |_, _| Some((0, body.to_owned())));
        let error = discover(&fake.address);
        assert_eq!(error.kind, ErrorKind::Protocol, "{body}: {error:?}");
    }
}

#[test]
fn a_code_that_nobody_knows_keeps_its_number() {
    let fake = Fake::start(|_, _| Some((4_242, String::new())));
    let error = discover(&fake.address);
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Other, Some("4242")));
    assert!(error.message.contains("as scripted"), "{error:?}");
}

#[test]
fn a_server_that_goes_away_is_asked_again_on_a_new_connection() {
    let first = Mutex::new(true);
    let fake = Fake::start(move |asked, own| {
        if asked.code == 21 && std::mem::take(&mut *first.lock().unwrap()) {
            return Some((1_500, String::new()));
        }
        cluster(asked, own)
    });
    assert_eq!(open(&fake.address).list_resources(&query(0, None)).unwrap().resources.len(), 2);
}

#[test]
fn pages_are_in_order_of_id_then_group() {
    let fake = Fake::start(|asked, own| match asked.code {
        106 => Some((0, table(&["broker-b", "broker-a"], own))),
        _ => cluster(asked, own),
    });
    let mut plugin = open(&fake.address);
    let first = plugin.list_resources(&query(3, None)).unwrap();
    assert_eq!(ids(&first), [("a", "broker-a"), ("a", "broker-b"), ("b", "broker-a")]);
    assert!(first.resources[0].internal && !first.resources[2].internal);
    let second = plugin.list_resources(&query(3, first.next)).unwrap();
    assert_eq!((ids(&second), &second.next), (vec![("b", "broker-b")], &None));
}

#[test]
fn a_group_that_is_down_is_one_failure_and_lists_nothing() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let fake = Fake::start(move |asked, own| match asked.code {
        106 => {
            let there = table(&["broker-a"], own);
            let both = there.replacen(
                r#""brokerAddrTable":{"#,
                &format!(
                    r#""brokerAddrTable":{{"broker-b":{{"brokerAddrs":{{0:"{nobody}"}},"cluster":"c"}},"#
                ),
                1,
            );
            Some((0, both))
        }
        _ => cluster(asked, own),
    });
    let page = open(&fake.address).list_resources(&query(0, None)).unwrap();
    assert_eq!(ids(&page), [("a", "broker-a"), ("b", "broker-a")]);
    let [failure] = page.failures.as_slice() else { panic!("{:?}", page.failures) };
    assert_eq!((failure.id.as_deref(), &failure.place), (None, &Place::Group("broker-b".to_owned())));
    assert_eq!(failure.error.kind, ErrorKind::Unavailable);
}

#[test]
fn a_broker_that_the_name_server_forgot_is_down_and_its_copies_are_not_gone() {
    let calls = Mutex::new(0);
    let fake = Fake::start(move |asked, own| {
        let mut calls = calls.lock().unwrap();
        *calls += i32::from(asked.code == 106);
        match asked.code {
            106 if *calls == 1 => Some((0, table(&["broker-a", "broker-b"], own))),
            _ => cluster(asked, own),
        }
    });
    let mut plugin = open(&fake.address);
    assert_eq!(plugin.list_resources(&query(0, None)).unwrap().resources.len(), 4);
    let page = plugin.list_resources(&query(0, None)).unwrap();
    assert_eq!((page.resources.len(), page.failures.len()), (2, 1));
    let place = Place::Group("broker-b".to_owned());
    let key = ResourceKey { place, ..write("a", Action::Delete).key };
    let found = plugin.get_resources(&[key]).unwrap();
    assert!(matches!(found.as_slice(), [Lookup::Failed(_)]), "{found:?}");
    let cluster = plugin.discover().unwrap();
    let gone = cluster.nodes.iter().find(|node| node.id == "broker-b:0").unwrap();
    assert_eq!((gone.health, gone.group.as_deref()), (headgate_sdk::Health::Down, Some("broker-b")));
    let later = open(&fake.address).list_resources(&query(0, None)).unwrap();
    assert_eq!((later.resources.len(), later.failures.len()), (2, 1), "another session remembers it");
}

#[test]
fn a_server_takes_a_setting_only_where_it_says_so_afterwards() {
    let fake = Fake::start(|asked, own| match asked.code {
        26 => Some((0, "brokerName=broker-a\nfileReservedTime=72\n".to_owned())),
        _ => cluster(asked, own),
    });
    let place = Place::Node("broker-a:0".to_owned());
    let key = ResourceKey { metadata_type: "broker-config".to_owned(), id: "broker".to_owned(), place };
    let set = |path: &str, value: &str| {
        let action = Action::Edit(vec![edit(path, value)]);
        let write = Write { key: key.clone(), ..write("", action) };
        open(&fake.address).write_resources(&[write], false).unwrap().remove(0)
    };
    assert!(matches!(set("/config/fileReservedTime", "\"72\""), Outcome::Done(_)));
    let Outcome::Failed(error) = set("/config/fileReservedTime", "\"abc\"") else { panic!("taken") };
    assert_eq!(error.code.as_deref(), Some("NOT_TAKEN"));
    let sent = fake.asked(25).len();
    assert!(matches!(set("/config/fileReserved", "\"1\""), Outcome::Failed(_)));
    assert_eq!(fake.asked(25).len(), sent, "what it does not have is not sent");
}

#[test]
fn a_single_topic_is_found_or_absent() {
    let fake = Fake::start(cluster);
    let keys = [write("b", Action::Delete).key, write("c", Action::Delete).key];
    let found = open(&fake.address).get_resources(&keys).unwrap();
    assert!(matches!(found.as_slice(), [Lookup::Found(_), Lookup::Absent]), "{found:?}");
}

#[test]
fn several_edits_of_several_topics_are_one_request() {
    let fake = Fake::start(cluster);
    let edits = || Action::Edit(vec![edit("/read_queues", "8"), edit("/permission", "\"R\"")]);
    let writes = [write("a", edits()), write("b", edits())];
    let outcomes = open(&fake.address).write_resources(&writes, false).unwrap();
    assert!(matches!(outcomes.as_slice(), [Outcome::Done(_), Outcome::Done(_)]), "{outcomes:?}");
    let lists = fake.asked(18);
    let [list] = lists.as_slice() else { panic!("{lists:?}") };
    let list: Value = serde_json::from_slice(&list.body).unwrap();
    let first = &list["topicConfigList"][0];
    assert_eq!(
        (&first["readQueueNums"], &first["writeQueueNums"], &first["perm"]),
        (&json!(8), &json!(4), &json!(4))
    );
    assert_eq!(first["fromTheFuture"], json!([1]), "what nobody knows is kept");
}

#[test]
fn a_refused_list_is_sent_one_by_one() {
    let fake = Fake::start(|asked, own| match asked.code {
        18 => Some((3, String::new())),
        17 if asked.fields["topic"] == "x" => Some((29, String::new())),
        _ => cluster(asked, own),
    });
    let writes = [write("x", create()), write("y", create())];
    let outcomes = open(&fake.address).write_resources(&writes, false).unwrap();
    let [Outcome::Failed(error), Outcome::Done(_)] = outcomes.as_slice() else { panic!("{outcomes:?}") };
    assert_eq!(error.code.as_deref(), Some("INVALID_PARAMETER"));
}

#[test]
fn a_route_goes_with_the_last_copy_only() {
    let deleted = Mutex::new(false);
    let fake = Fake::start(move |asked, own| {
        let mut deleted = deleted.lock().unwrap();
        *deleted |= asked.code == 215;
        match asked.code {
            106 => Some((0, table(&["broker-a"], own))),
            21 if *deleted => Some((0, topics(&["b"]))),
            _ => cluster(asked, own),
        }
    });
    let writes = [write("a", Action::Delete), write("b", Action::Delete)];
    let outcomes = open(&fake.address).write_resources(&writes, false).unwrap();
    assert!(matches!(outcomes.as_slice(), [Outcome::Done(_), Outcome::Done(_)]), "{outcomes:?}");
    let routes: Vec<Value> = fake.asked(216).into_iter().map(|asked| asked.fields["topic"].clone()).collect();
    assert_eq!(routes, ["a"], "b is still there");
}

#[test]
fn a_write_whose_answer_is_lost_is_unknown() {
    for code in [17, 215] {
        let fake = Fake::start(move |asked, own| cluster(asked, own).filter(|_| asked.code != code));
        let action = if code == 17 { create() } else { Action::Delete };
        let outcomes = open(&fake.address).write_resources(&[write("new", action)], false).unwrap();
        assert!(matches!(outcomes.as_slice(), [Outcome::Unknown(_)]), "{outcomes:?}");
        assert_eq!(fake.asked(code).len(), 1, "a write is never sent twice");
    }
}

#[test]
fn a_write_that_was_never_sent_failed() {
    let outcomes = open(&peer(drop)).write_resources(&[write("a", create())], false).unwrap();
    assert!(matches!(outcomes.as_slice(), [Outcome::Failed(_)]), "{outcomes:?}");
}

#[test]
fn a_dry_run_writes_nothing() {
    let fake = Fake::start(cluster);
    let writes = [write("new", create()), write("a", create()), write("a", Action::Delete)];
    let outcomes = open(&fake.address).write_resources(&writes, true).unwrap();
    assert!(
        matches!(outcomes.as_slice(), [Outcome::Done(_), Outcome::Failed(_), Outcome::Done(_)]),
        "{outcomes:?}"
    );
    assert!([17, 18, 215, 216].iter().all(|code| fake.asked(*code).is_empty()));
}

#[test]
fn bad_writes_are_refused_before_anything_is_written() {
    let fake = Fake::start(cluster);
    let bad = [
        Action::Create("[]".to_owned()),
        Action::Create(r#"{"read_queue": 1}"#.to_owned()),
        Action::Replace(r#"{"permission": "99"}"#.to_owned()),
        Action::Run(("recreate".to_owned(), "{}".to_owned())),
        Action::Edit(vec![edit("/read_queues", "-3")]),
        Action::Edit(vec![edit("/colour", "1")]),
    ];
    let mut writes: Vec<Write> = bad.into_iter().map(|action| write("a", action)).collect();
    writes.push(Write {
        key: ResourceKey { place: Place::Cluster, ..writes[0].key.clone() },
        ..write("a", create())
    });
    let outcomes = open(&fake.address).write_resources(&writes, false).unwrap();
    assert_eq!(outcomes.len(), writes.len());
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Failed(_))), "{outcomes:?}");
    assert!([17, 18].iter().all(|code| fake.asked(*code).is_empty()));
}
