//! The plugin without a host: opens servers natively and prints what it answers.
//!
//! ```text
//! native ADDRESSES[?username=NAME] discover
//! native ADDRESSES probe
//! native ADDRESSES list config|user|keyspace [limit=N]
//! native ADDRESSES get config|user|keyspace ID node=ID
//! ```
//! `HEADGATE_PASSWORD` is the password.

use headgate_redis::Redis;
use headgate_sdk::json::{Map, Value};
use headgate_sdk::{
    Error, Lookup, Place, Query, Resource, ResourceKey, Result, StorageDriver, Target, native,
};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if let Err(error) = run(&words) {
        say(&format!("{:?} {} {}", error.kind, error.code.unwrap_or_default(), error.message));
        std::process::exit(1);
    }
}

fn run(words: &[&str]) -> Result<()> {
    let [address, command, rest @ ..] = words else {
        return Err(Error::invalid_argument("give an address and a command: see the head of this file"));
    };
    let mut redis = Redis::open(&target(address))?;
    match (*command, rest) {
        ("discover", _) => {
            let cluster = redis.discover()?;
            say(&format!("{:?} {}", cluster.version, cluster.facts));
            cluster.nodes.iter().for_each(|node| say(&format!("{node:?}")));
        }
        ("probe", _) => redis.probe()?.iter().for_each(|check| say(&format!("{check:?}"))),
        ("list", [name, options @ ..]) => list(&mut redis, name, options)?,
        ("get", [name, id, options @ ..]) => {
            let node = options.iter().find_map(|word| word.strip_prefix("node=")).unwrap_or_default();
            let place = Place::Node(node.to_owned());
            let key = ResourceKey { metadata_type: (*name).to_owned(), id: (*id).to_owned(), place };
            for found in redis.get_resources(&[key])? {
                match found {
                    Lookup::Found(one) => say(&shown(&one)),
                    other => say(&format!("{other:?}")),
                }
            }
        }
        _ => return Err(Error::invalid_argument("there is no such command: see the head of this file")),
    }
    Ok(())
}

fn list(redis: &mut Redis, name: &str, options: &[&str]) -> Result<()> {
    let limit = options.iter().find_map(|word| word.strip_prefix("limit=")?.parse().ok());
    let mut query = Query {
        metadata_type: name.to_owned(),
        place: Place::Cluster,
        brief: false,
        fields: Vec::new(),
        since: None,
        cursor: None,
        limit: limit.unwrap_or(1_000),
        extra: None,
    };
    loop {
        let page = redis.list_resources(&query)?;
        page.resources.iter().for_each(|one| say(&shown(one)));
        page.failures.iter().for_each(|failure| say(&format!("{failure:?}")));
        query.cursor = page.next;
        if query.cursor.is_none() {
            return Ok(());
        }
    }
}

fn target(address: &str) -> Target {
    let (addresses, rest) = address.split_once('?').unwrap_or((address, ""));
    let mut form = Map::new();
    form.insert("addresses".to_owned(), addresses.into());
    let fields = rest.split('&').filter_map(|part| part.split_once('='));
    form.extend(fields.map(|(key, value)| (key.to_owned(), value.into())));
    if let Ok(password) = std::env::var("HEADGATE_PASSWORD") {
        native::secrets::set("password", password.as_bytes());
        form.insert("password".to_owned(), "password".into());
    }
    let connection = Value::Object(form).to_string();
    Target { id: "native".to_owned(), name: "native".to_owned(), connection, nodes: Vec::new() }
}

fn shown(one: &Resource) -> String {
    let flag = |set: bool, word: &'static str| if set { word } else { "" };
    let (internal, partial) = (flag(one.internal, " internal"), flag(one.partial, " partial"));
    format!("{} {:?}{internal}{partial} spec={} status={}", one.key.id, one.key.place, one.spec, one.status)
}

#[expect(clippy::print_stdout, reason = "this is what the example is for")]
fn say(line: &str) {
    println!("{line}");
}
