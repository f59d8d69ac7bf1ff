//! The plugin without a host: opens a cluster natively and prints what it answers.
//!
//! ```text
//! native ENDPOINTS[?username=NAME&security=SSL&ca=@FILE] discover
//! native ENDPOINTS probe
//! native ENDPOINTS list TYPE [limit=N]
//! native ENDPOINTS get TYPE ID…
//! ```
//! `HEADGATE_PASSWORD` is the password.

use headgate_etcd::Etcd;
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
    let mut etcd = Etcd::open(&target(address))?;
    match (*command, rest) {
        ("discover", _) => {
            let cluster = etcd.discover()?;
            say(&format!("{:?} {:?} {}", cluster.identity, cluster.version, cluster.facts));
            cluster.nodes.iter().for_each(|node| say(&format!("{node:?}")));
        }
        ("probe", _) => etcd.probe()?.iter().for_each(|check| say(&format!("{check:?}"))),
        ("list", [name, options @ ..]) => list(&mut etcd, name, options)?,
        ("get", [name, paths @ ..]) => {
            let key = |path: &&str| ResourceKey {
                metadata_type: (*name).to_owned(),
                id: (*path).to_owned(),
                place: Place::Cluster,
            };
            let keys: Vec<ResourceKey> = paths.iter().map(key).collect();
            for found in etcd.get_resources(&keys)? {
                match found {
                    Lookup::Found(one) => say(&shown(&one)),
                    other => say(&format!("{other:?}")),
                }
            }
        }
        _ => return Err(Error::invalid_argument("there is no such command: see the head of this file")),
    }
    etcd.close();
    Ok(())
}

fn list(etcd: &mut Etcd, name: &str, options: &[&str]) -> Result<()> {
    let limit = options.iter().find_map(|word| word.strip_prefix("limit=")?.parse().ok());
    let mut query = Query {
        metadata_type: name.to_owned(),
        place: Place::Cluster,
        brief: true,
        fields: Vec::new(),
        since: None,
        cursor: None,
        limit: limit.unwrap_or(1_000),
        extra: None,
    };
    loop {
        let page = etcd.list_resources(&query)?;
        page.resources.iter().for_each(|one| say(&shown(one)));
        query.cursor = page.next;
        if query.cursor.is_none() {
            return Ok(());
        }
    }
}

fn target(address: &str) -> Target {
    let (endpoints, rest) = address.split_once('?').unwrap_or((address, ""));
    let mut form = Map::new();
    form.insert("endpoints".to_owned(), endpoints.into());
    for (key, value) in rest.split('&').filter_map(|part| part.split_once('=')) {
        let file = value.strip_prefix('@');
        if let Some(text) = file.and_then(|file| std::fs::read(file).ok()) {
            native::secrets::set(key, &text);
        }
        form.insert(key.to_owned(), if file.is_some() { key } else { value }.into());
    }
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
    let incarnation = one.incarnation.as_deref().unwrap_or("-");
    format!("{} {incarnation}{internal}{partial} spec={} status={}", one.key.id, one.spec, one.status)
}

#[expect(clippy::print_stdout, reason = "this is what the example is for")]
fn say(line: &str) {
    println!("{line}");
}
