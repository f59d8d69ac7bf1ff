//! What may be on the other end: something that is not Redis, something that breaks off, a server that never answers, a server
//! that refuses. Each is a clear error of the call, never a trap, and a write whose answer is lost is unknown.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unnecessary_wraps,
    reason = "the functions below the tests are parts of them"
)]

use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use headgate_redis::Redis;
use headgate_sdk::json::{Value, json};
use headgate_sdk::{
    Action, Edit, Error, ErrorKind, Health, Lookup, Outcome, Page, Place, Query, ResourceKey, StorageDriver,
    Target, Write, native,
};

/// The bytes of an answer; none hangs up.
type Said = Option<String>;

/// A server that answers by a script and remembers what it was asked.
struct Fake {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    /// The script is given the command, its words with a space between, and the server's address.
    fn start(script: impl Fn(&str, &str) -> Said + Send + Sync + 'static) -> Self {
        let (asked, script) = (Arc::new(Mutex::new(Vec::new())), Arc::new(script));
        let log = Arc::clone(&asked);
        let address = peer(move |mut stream| {
            let own = stream.local_addr().unwrap().to_string();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while let Some(command) = command(&mut reader) {
                log.lock().unwrap().push(command.clone());
                match script(&command, &own) {
                    Some(answer) => drop(stream.write_all(answer.as_bytes())),
                    None => return,
                }
            }
        });
        Self { address, asked }
    }

    fn asked(&self, start: &str) -> Vec<String> {
        self.asked.lock().unwrap().iter().filter(|asked| asked.starts_with(start)).cloned().collect()
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

/// Where nobody listens.
fn nobody() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// Reads one command. None when the other side left.
fn command(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let count = length(reader)?;
    let mut words = Vec::new();
    for _ in 0..count {
        let length = length(reader)?;
        let mut word = vec![0; length + 2];
        reader.read_exact(&mut word).ok()?;
        words.push(String::from_utf8_lossy(&word[..length]).into_owned());
    }
    Some(words.join(" "))
}

/// Behind the sign that a line begins with.
fn length(reader: &mut BufReader<TcpStream>) -> Option<usize> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    line.trim_end().get(1..)?.parse().ok()
}

fn bulk(text: &str) -> String {
    format!("${}\r\n{text}\r\n", text.len())
}

fn texts(words: &[&str]) -> String {
    format!("*{}\r\n{}", words.len(), words.iter().map(|word| bulk(word)).collect::<String>())
}

fn info(own: &str, more: &str) -> String {
    bulk(&format!(
        "redis_version:7.0.15\r\nredis_mode:standalone\r\nrun_id:{own}\r\nconfig_file:/etc/redis.conf\r\nrole:master\r\n\
        db0:keys=3,expires=1,avg_ttl=0\r\n{more}"
    ))
}

/// A single server with one user beside `default`, that takes everything.
fn server(asked: &str, own: &str) -> Said {
    match asked {
        "INFO" => Some(info(own, "")),
        "CONFIG GET aclfile" => Some(texts(&["aclfile", ""])),
        "CONFIG GET *" => {
            Some(texts(&["maxmemory", "0", "timeout", "0", "port", "6379", "requirepass", "hunter2"]))
        }
        "ACL LIST" => Some(texts(&[
            "user alice on #abcdef ~app:* resetchannels -@all +get",
            "user default on nopass ~* &* +@all",
        ])),
        _ => Some("+OK\r\n".to_owned()),
    }
}

fn open_with(connection: &Value) -> Redis {
    let connection = connection.to_string();
    Redis::open(&Target { id: "t".to_owned(), name: "t".to_owned(), connection, nodes: Vec::new() }).unwrap()
}

fn open(addresses: &str) -> Redis {
    open_with(&json!({"addresses": addresses}))
}

fn discover(address: &str) -> Error {
    open(address).discover().expect_err("a cluster was found")
}

fn listed(plugin: &mut Redis, metadata_type: &str) -> Page {
    let query = Query {
        metadata_type: metadata_type.to_owned(),
        place: Place::Cluster,
        brief: false,
        fields: Vec::new(),
        since: None,
        cursor: None,
        limit: 0,
        extra: None,
    };
    plugin.list_resources(&query).unwrap()
}

fn ids(page: &Page) -> Vec<&str> {
    page.resources.iter().map(|one| one.key.id.as_str()).collect()
}

fn key(metadata_type: &str, id: &str, node: &str) -> ResourceKey {
    let place = Place::Node(node.to_owned());
    ResourceKey { metadata_type: metadata_type.to_owned(), id: id.to_owned(), place }
}

fn write(key: ResourceKey, action: Action) -> Write {
    Write { key, action, revision: None, incarnation: None, extra: None }
}

fn edit(settings: &[(&str, &str)]) -> Action {
    let edit = |(path, value): &(&str, &str)| Edit {
        path: (*path).to_owned(),
        value: Some(Value::from(*value).to_string()),
    };
    Action::Edit(settings.iter().map(edit).collect())
}

#[test]
fn nobody_listens() {
    let address = nobody();
    let error = discover(&address);
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains(&address), "{error:?}");
}

#[test]
fn something_else_listens() {
    for words in ["HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-x\r\n", "\0\0\0\u{10}", "+PONG\r\n+PONG\r\n"] {
        let address = peer(move |mut stream| {
            drop(stream.write_all(words.as_bytes()));
            drop(stream.read(&mut [0; 64]));
            thread::sleep(std::time::Duration::from_millis(200));
        });
        let error = discover(&address);
        assert_eq!(error.kind, ErrorKind::Protocol, "{words}: {error:?}");
        assert!(error.message.contains("Redis"), "{error:?}");
    }
}

#[test]
fn a_truncated_answer() {
    let fake = Fake::start(|_, _| None);
    assert_eq!(discover(&fake.address).kind, ErrorKind::Unavailable);
    let address = peer(|mut stream| {
        drop(stream.read(&mut [0; 64]));
        drop(stream.write_all(b"$100\r\nredis_ver"));
    });
    assert_eq!(discover(&address).kind, ErrorKind::Unavailable);
}

#[test]
fn a_server_that_never_answers_costs_its_time_out() {
    let address = peer(|mut stream| while stream.read(&mut [0; 64]).is_ok_and(|count| count > 0) {});
    let error = discover(&address);
    assert_eq!(error.kind, ErrorKind::Timeout, "{error:?}");
}

#[test]
fn who_is_not_let_in_is_told_so() {
    for (said, kind) in [
        ("-WRONGPASS invalid username-password pair\r\n", ErrorKind::Unauthenticated),
        ("-ERR Client sent AUTH, but no password is set\r\n", ErrorKind::Unauthenticated),
        ("-LOADING Redis is loading the dataset in memory\r\n", ErrorKind::Unavailable),
    ] {
        let fake =
            Fake::start(
                move |asked, own| {
                    if asked.starts_with("AUTH") { Some(said.to_owned()) } else { server(asked, own) }
                },
            );
        native::secrets::set("password", b"hunter2");
        let form = json!({"addresses": fake.address, "username": "ops", "password": "password"});
        let error = open_with(&form).discover().unwrap_err();
        assert_eq!(error.kind, kind, "{error:?}");
        assert_eq!(fake.asked("AUTH"), ["AUTH ops hunter2"]);
        assert_eq!(fake.asked("INFO"), [""; 0], "nobody is asked as somebody else");
    }
    let denied = peer(|mut stream| drop(stream.write_all(b"-DENIED Redis is running in protected mode\r\n")));
    assert_eq!(discover(&denied).kind, ErrorKind::PermissionDenied);
}

#[test]
fn a_sentinel_is_no_server() {
    let fake = Fake::start(|_, _| Some(bulk("redis_version:7.0.15\r\nredis_mode:sentinel\r\nrun_id:x")));
    assert_eq!(discover(&fake.address).code.as_deref(), Some("SENTINEL"));
}

#[test]
fn one_of_two_servers_is_enough_and_the_other_is_down() {
    let (fake, gone) = (Fake::start(server), nobody());
    let mut plugin = open(&format!("{gone},{}", fake.address));
    let cluster = plugin.discover().unwrap();
    let health = |id: &str| cluster.nodes.iter().find(|node| node.id == id).unwrap().health;
    assert_eq!((health(&gone), health(&fake.address)), (Health::Down, Health::Up));
    let page = listed(&mut plugin, "user");
    assert_eq!(ids(&page), ["alice", "default"]);
    let [failure] = page.failures.as_slice() else { panic!("{:?}", page.failures) };
    assert_eq!((failure.id.as_deref(), &failure.place), (None, &Place::Node(gone.clone())));
    assert_eq!(failure.error.kind, ErrorKind::Unavailable);
    let writes =
        [&gone, &fake.address].map(|node| write(key("user", "bob", node), Action::Create("{}".to_owned())));
    let outcomes = plugin.write_resources(&writes, false).unwrap();
    assert!(matches!(outcomes.as_slice(), [Outcome::Failed(_), Outcome::Done(_)]), "{outcomes:?}");
}

#[test]
fn a_master_names_its_replica_and_who_is_gone_is_remembered() {
    let replica = Fake::start(|asked, own| match asked {
        "INFO" => Some(info(
            own,
            "role:slave\r\nmaster_host:127.0.0.1\r\nmaster_port:1\r\nmaster_link_status:up\r\n",
        )),
        _ => server(asked, own),
    });
    let port = replica.address.rsplit(':').next().unwrap().to_owned();
    let named = Arc::new(Mutex::new(true));
    let told = Arc::clone(&named);
    let master = Fake::start(move |asked, own| match asked {
        "INFO" if *told.lock().unwrap() => {
            Some(info(own, &format!("slave0:ip=127.0.0.1,port={port},state=online\r\n")))
        }
        _ => server(asked, own),
    });
    let nodes = |plugin: &mut Redis| plugin.discover().unwrap().nodes.len();
    // The replica names a master that is not there: it is a third.
    assert_eq!(nodes(&mut open(&master.address)), 3);
    *named.lock().unwrap() = false;
    assert_eq!(nodes(&mut open(&master.address)), 3, "another session remembers them");
}

#[test]
fn what_a_server_holds_is_listed_without_its_credentials() {
    let fake = Fake::start(server);
    let mut plugin = open(&fake.address);
    let config = listed(&mut plugin, "config");
    assert_eq!(config.resources[0].spec, r#"{"config":{"maxmemory":"0","port":"6379","timeout":"0"}}"#);
    let users = listed(&mut plugin, "user");
    assert!(!format!("{users:?}").contains("abcdef"), "{users:?}");
    assert!(users.resources[1].internal && !users.resources[0].internal);
    let own = fake.address.as_str();
    let keys =
        [("keyspace", "db0"), ("user", "eve"), ("config", "server"), ("config", "other"), ("colour", "x")];
    let found = plugin.get_resources(&keys.map(|(kind, id)| key(kind, id, own))).unwrap();
    let [Lookup::Found(keyspace), Lookup::Absent, Lookup::Found(_), Lookup::Absent, Lookup::Failed(_)] =
        found.as_slice()
    else {
        panic!("{found:?}")
    };
    assert_eq!(keyspace.status, r#"{"expires":1,"keys":3}"#);
}

#[test]
fn what_may_not_be_read_is_a_failure_beside_what_may() {
    let fake = Fake::start(|asked, own| match asked {
        "ACL LIST" => Some("-NOPERM this user has no permissions\r\n".to_owned()),
        _ => server(asked, own),
    });
    let mut plugin = open(&fake.address);
    let page = listed(&mut plugin, "user");
    assert_eq!((page.resources.len(), page.failures[0].error.kind), (0, ErrorKind::PermissionDenied));
    assert_eq!(listed(&mut plugin, "keyspace").resources.len(), 1);
}

#[test]
fn settings_go_together_and_are_kept() {
    let fake = Fake::start(server);
    let own = fake.address.as_str();
    let settings = edit(&[("/config/maxmemory", "1000"), ("/config/timeout", "5")]);
    let writes =
        [write(key("config", "server", own), settings), write(key("user", "alice", own), Action::Delete)];
    let outcomes = open(own).write_resources(&writes, false).unwrap();
    assert!(matches!(outcomes.as_slice(), [Outcome::Done(_), Outcome::Done(_)]), "{outcomes:?}");
    assert_eq!(fake.asked("CONFIG SET"), ["CONFIG SET maxmemory 1000 timeout 5"]);
    assert_eq!(fake.asked("ACL DELUSER"), ["ACL DELUSER alice"]);
    assert_eq!(fake.asked("CONFIG REWRITE").len(), 2, "after each sort of write");
}

#[test]
fn a_user_s_password_is_put_in_by_the_host_and_commands_are_shown_as_wished() {
    let made = Arc::new(Mutex::new(false));
    let is_made = Arc::clone(&made);
    let fake = Fake::start(move |asked, own| match asked {
        "ACL LIST" if *is_made.lock().unwrap() => {
            Some(texts(&["user bob on #abcdef ~* resetchannels +@all -flushall -keys"]))
        }
        asked if asked.starts_with("ACL SETUSER") => {
            *is_made.lock().unwrap() = true;
            Some("+OK\r\n".to_owned())
        }
        asked => server(asked, own),
    });
    native::secrets::set("bob-1", b"hunter2");
    let own = fake.address.as_str();
    let wish = json!({"enabled": true, "keys": ["*"], "commands": ["+@all", "-@dangerous"], "password": {"$secret": "bob-1"}});
    let mut plugin = open(own);
    let create = write(key("user", "bob", own), Action::Create(wish.to_string()));
    let outcomes = plugin.write_resources(std::slice::from_ref(&create), false).unwrap();
    assert!(matches!(outcomes.as_slice(), [Outcome::Done(_)]), "{outcomes:?}");
    let words = "ACL SETUSER bob reset resetpass on +@all -@dangerous resetkeys ~* resetchannels clearselectors resetpass >hunter2";
    assert_eq!(fake.asked("ACL SETUSER"), [words]);
    let found = plugin.get_resources(std::slice::from_ref(&create.key)).unwrap();
    let [Lookup::Found(bob)] = found.as_slice() else { panic!("{found:?}") };
    let spec: Value = serde_json::from_str(&bob.spec).unwrap();
    assert_eq!(spec["commands"], json!(["+@all", "-@dangerous"]));
    let again = plugin.write_resources(&[create], false).unwrap();
    let [Outcome::Failed(error)] = again.as_slice() else { panic!("{again:?}") };
    assert_eq!(error.kind, ErrorKind::AlreadyExists);
}

#[test]
fn a_write_whose_answer_is_lost_is_unknown_and_the_other_server_s_is_done() {
    let (lost, good) = (
        Fake::start(|asked, own| server(asked, own).filter(|_| !asked.starts_with("CONFIG SET"))),
        Fake::start(server),
    );
    let mut plugin = open(&format!("{},{}", lost.address, good.address));
    let set = |fake: &Fake| write(key("config", "server", &fake.address), edit(&[("/config/timeout", "5")]));
    let outcomes = plugin.write_resources(&[set(&lost), set(&good)], false).unwrap();
    assert!(matches!(outcomes.as_slice(), [Outcome::Unknown(_), Outcome::Done(_)]), "{outcomes:?}");
    assert_eq!(lost.asked("CONFIG SET").len(), 1, "a write is never sent twice");
}

#[test]
fn what_redis_refuses_is_told_in_its_words() {
    let fake = Fake::start(|asked, own| {
        let refused =
            "-ERR CONFIG SET failed (possibly related to argument 'timeout') - argument must be a number\r\n";
        if asked.starts_with("CONFIG SET") { Some(refused.to_owned()) } else { server(asked, own) }
    });
    let set = write(key("config", "server", &fake.address), edit(&[("/config/timeout", "soon")]));
    let outcomes = open(&fake.address).write_resources(&[set], false).unwrap();
    let [Outcome::Failed(error)] = outcomes.as_slice() else { panic!("{outcomes:?}") };
    assert_eq!(error.kind, ErrorKind::InvalidArgument);
    assert!(error.message.contains("argument must be a number"), "{error:?}");
}

#[test]
fn a_dry_run_writes_nothing_and_bad_writes_are_refused_before_anything_is_sent() {
    let fake = Fake::start(server);
    let own = fake.address.as_str();
    let config = |settings: &[(&str, &str)]| write(key("config", "server", own), edit(settings));
    let good = [config(&[("/config/timeout", "5")]), write(key("user", "alice", own), Action::Delete)];
    let outcomes = open(own).write_resources(&good, true).unwrap();
    assert!(matches!(outcomes.as_slice(), [Outcome::Done(_), Outcome::Done(_)]), "{outcomes:?}");
    let bad = [
        config(&[("/config/port", "1")]),
        config(&[("/config/requirepass", "x")]),
        config(&[("/config/timeuot", "1")]),
        config(&[("/x", "1")]),
        write(key("config", "server", "elsewhere"), edit(&[("/config/timeout", "5")])),
        write(key("user", "default", own), Action::Delete),
        write(key("user", "eve", own), edit(&[("/enabled", "x")])),
        write(key("user", "alice", own), Action::Create("{}".to_owned())),
        write(key("keyspace", "db0", own), Action::Delete),
    ];
    let outcomes = open(own).write_resources(&bad, false).unwrap();
    assert_eq!(outcomes.len(), bad.len());
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Failed(_))), "{outcomes:?}");
    for verb in ["CONFIG SET", "ACL SETUSER", "ACL DELUSER", "CONFIG REWRITE"] {
        assert_eq!(fake.asked(verb), [""; 0]);
    }
}
