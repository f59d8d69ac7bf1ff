//! The plugin without a host: opens a cluster natively and prints what it answers, one JSON text a line.
//!
//! ```text
//! native NAME_SERVERS[?KEY=VALUE&…] discover
//! native NAME_SERVERS list TYPE [brief] [limit=N] [group=NAME | node=ID]
//! native NAME_SERVERS get TYPE ID [group=NAME | node=ID]
//! native NAME_SERVERS write TYPE ID create|delete|edit [SPEC | /PATH=JSON…] [dry] [group=NAME | node=ID]
//! native NAME_SERVERS fill COUNT [delete] [group=NAME]
//! native NAME_SERVERS bench [ROUNDS] [limit=N]
//! ```
//! `cluster` and `access_key` go into the form; `HEADGATE_SECRET_KEY` is the secret, and `HEADGATE_USER_PASSWORD` what a user's
//! `{"password": {"$secret": "user_password"}}` names.

use std::time::Instant;

use headgate_rocketmq::RocketMq;
use headgate_sdk::json::{Map, Value, json};
use headgate_sdk::{
    Action, Edit, Error, Lookup, Outcome, Page, Place, Query, Resource, ResourceKey, Result, StorageDriver,
    Target, Write, native,
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
    let mut rocketmq = RocketMq::open(&target(address))?;
    match (*command, rest) {
        ("discover", _) => {
            let cluster = rocketmq.discover()?;
            say(&format!("{:?} {:?} {}", cluster.identity, cluster.version, cluster.facts));
            cluster.nodes.iter().for_each(|node| say(&format!("{node:?}")));
            rocketmq.probe()?.iter().for_each(|check| say(&format!("{check:?}")));
        }
        ("list", [name, options @ ..]) => {
            sweep(&mut rocketmq, name, options, |page| {
                page.resources.iter().for_each(|one| say(&shown(one)));
                page.failures.iter().for_each(|failure| say(&format!("{failure:?}")));
            })?;
        }
        ("get", [name, id, options @ ..]) => {
            match rocketmq.get_resources(&[key(name, id, options)])?.into_iter().next() {
                Some(Lookup::Found(one)) => say(&shown(&one)),
                other => say(&format!("{other:?}")),
            }
        }
        ("write", [name, id, verb, options @ ..]) => {
            let write = Write {
                key: key(name, id, options),
                action: action(verb, options)?,
                revision: None,
                incarnation: value_of(options, "incarnation=").map(str::to_owned),
                extra: None,
            };
            let outcomes: Vec<Outcome> = rocketmq.write_resources(&[write], options.contains(&"dry"))?;
            say(&format!("{outcomes:?}"));
        }
        ("fill", [count, options @ ..]) => fill(&mut rocketmq, count.parse().unwrap_or(1), options)?,
        ("bench", options) => bench(&mut rocketmq, options)?,
        _ => return Err(Error::invalid_argument("there is no such command: see the head of this file")),
    }
    Ok(())
}

/// Makes, or deletes, so many topics in one batch and prints what came of it.
fn fill(rocketmq: &mut RocketMq, count: usize, options: &[&str]) -> Result<()> {
    let spec = r#"{"read_queues":2,"write_queues":2}"#;
    let action = if options.contains(&"delete") { Action::Delete } else { Action::Create(spec.to_owned()) };
    let write = |index: usize| Write {
        key: key("topic", &format!("fill-{index:05}"), options),
        action: action.clone(),
        revision: None,
        incarnation: None,
        extra: None,
    };
    let writes: Vec<Write> = (0..count).map(write).collect();
    let start = Instant::now();
    let outcomes = rocketmq.write_resources(&writes, false)?;
    let done = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Done(_))).count();
    say(&json!({"done": done, "of": count, "wall_ms": start.elapsed().as_millis()}).to_string());
    outcomes
        .iter()
        .filter(|outcome| !matches!(outcome, Outcome::Done(_)))
        .take(3)
        .for_each(|one| say(&format!("{one:?}")));
    Ok(())
}

/// Lists all topics so often and prints wall time of each round, rows and bytes of `spec`.
fn bench(rocketmq: &mut RocketMq, options: &[&str]) -> Result<()> {
    let rounds = options.first().and_then(|rounds| rounds.parse().ok()).unwrap_or(1);
    for _ in 0..rounds {
        let start = Instant::now();
        let (mut rows, mut bytes) = (0, 0);
        sweep(rocketmq, "topic", options, |page| {
            rows += page.resources.len();
            bytes += page.resources.iter().map(|one| one.spec.len()).sum::<usize>();
        })?;
        say(&json!({"rows": rows, "bytes": bytes, "wall_us": start.elapsed().as_micros()}).to_string());
    }
    Ok(())
}

fn sweep(rocketmq: &mut RocketMq, name: &str, options: &[&str], mut on_page: impl FnMut(Page)) -> Result<()> {
    let mut query = Query {
        metadata_type: name.to_owned(),
        place: place(options),
        brief: options.contains(&"brief"),
        fields: options.iter().filter_map(|word| word.strip_prefix("field=")).map(str::to_owned).collect(),
        since: None,
        cursor: None,
        limit: value_of(options, "limit=").and_then(|limit| limit.parse().ok()).unwrap_or(1_000),
        extra: None,
    };
    loop {
        let page = rocketmq.list_resources(&query)?;
        query.cursor.clone_from(&page.next);
        on_page(page);
        if query.cursor.is_none() {
            return Ok(());
        }
    }
}

fn target(address: &str) -> Target {
    let (name_servers, rest) = address.split_once('?').unwrap_or((address, ""));
    let mut form = Map::new();
    form.insert("name_servers".to_owned(), name_servers.into());
    let fields = rest.split('&').filter_map(|part| part.split_once('='));
    form.extend(fields.map(|(key, value)| (key.to_owned(), value.into())));
    if let Ok(secret) = std::env::var("HEADGATE_SECRET_KEY") {
        native::secrets::set("secret_key", secret.as_bytes());
        form.insert("secret_key".to_owned(), "secret_key".into());
    }
    if let Ok(password) = std::env::var("HEADGATE_USER_PASSWORD") {
        native::secrets::set("user_password", password.as_bytes());
    }
    let connection = Value::Object(form).to_string();
    Target { id: "native".to_owned(), name: "native".to_owned(), connection, nodes: Vec::new() }
}

fn action(verb: &str, options: &[&str]) -> Result<Action> {
    match verb {
        "create" => {
            Ok(Action::Create(options.iter().find(|word| word.starts_with('{')).unwrap_or(&"{}").to_string()))
        }
        "delete" => Ok(Action::Delete),
        "edit" => {
            let edits =
                options.iter().filter(|word| word.starts_with('/')).filter_map(|word| word.split_once('='));
            let edit = |(path, value): (&str, &str)| Edit {
                path: path.to_owned(),
                value: (value != "null").then(|| value.to_owned()),
            };
            Ok(Action::Edit(edits.map(edit).collect()))
        }
        other => Err(Error::invalid_argument(format_args!("{other} is no verb"))),
    }
}

fn key(name: &str, id: &str, options: &[&str]) -> ResourceKey {
    ResourceKey { metadata_type: name.to_owned(), id: id.to_owned(), place: place(options) }
}

fn place(options: &[&str]) -> Place {
    match (value_of(options, "group="), value_of(options, "node=")) {
        (Some(group), _) => Place::Group(group.to_owned()),
        (None, Some(node)) => Place::Node(node.to_owned()),
        (None, None) => Place::Cluster,
    }
}

fn value_of<'a>(options: &[&'a str], name: &str) -> Option<&'a str> {
    options.iter().find_map(|word| word.strip_prefix(name))
}

fn shown(one: &Resource) -> String {
    let partial = if one.partial { " partial" } else { "" };
    let internal = if one.internal { " internal" } else { "" };
    let effective = one.effective.as_ref().map(|text| format!(" effective={text}")).unwrap_or_default();
    let incarnation = one.incarnation.as_deref().unwrap_or("-");
    format!(
        "{} {:?} {incarnation}{internal}{partial} spec={} status={}{effective}",
        one.key.id, one.key.place, one.spec, one.status
    )
}

#[expect(clippy::print_stdout, reason = "this is what the example is for")]
fn say(line: &str) {
    println!("{line}");
}
