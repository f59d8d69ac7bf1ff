//! The plugin without a host: opens a cluster natively and prints what it answers, one JSON text a line.
//!
//! ```text
//! native BOOTSTRAP[;KEY=VALUE…] discover
//! native BOOTSTRAP list TYPE [brief] [limit=N] [field=/config/KEY…]
//! native BOOTSTRAP get TYPE ID [node=ID]
//! native BOOTSTRAP write TYPE ID create|delete|edit|reassign [SPEC | /PATH=JSON…] [dry] [node=ID] [incarnation=ID]
//! native BOOTSTRAP operations
//! native BOOTSTRAP preview|run OPERATION [TYPE ID] INPUT
//! native BOOTSTRAP poll|cancel|wait HANDLE
//! native BOOTSTRAP fill COUNT [delete]
//! native BOOTSTRAP bench [ROUNDS] [brief] [limit=N] [field=/config/KEY…]
//! ```
//! `mechanism`, `username`, `security` go into the form; `HEADGATE_PASSWORD` is the secret, `HEADGATE_USER_PASSWORD` that
//! of users that are written, by the name `user`.

use std::time::{Duration, Instant};

use headgate_kafka::Kafka;
use headgate_sdk::json::{Map, Value, json};
use headgate_sdk::{
    Action, Edit, Error, Lookup, Operations, Outcome, Page, Place, Progress, Query, Resource, ResourceKey,
    Result, StorageDriver, Subject, Target, Write, native,
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
    let mut kafka = Kafka::open(&target(address))?;
    match (*command, rest) {
        ("discover", _) => {
            let cluster = kafka.discover()?;
            say(&format!("{:?} {:?} {}", cluster.identity, cluster.version, cluster.facts));
            cluster.nodes.iter().for_each(|node| say(&format!("{node:?}")));
            kafka.probe()?.iter().for_each(|check| say(&format!("{check:?}")));
        }
        ("list", [name, options @ ..]) => {
            sweep(&mut kafka, name, options, |page| {
                page.resources.iter().for_each(|one| say(&shown(one)));
                page.failures.iter().for_each(|failure| say(&format!("{failure:?}")));
            })?;
        }
        ("get", [name, id, options @ ..]) => {
            match kafka.get_resources(&[key(name, id, options)])?.into_iter().next() {
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
            let outcomes: Vec<Outcome> = kafka.write_resources(&[write], options.contains(&"dry"))?;
            say(&format!("{outcomes:?}"));
        }
        ("operations" | "preview" | "run" | "poll" | "cancel" | "wait", rest) => {
            act(&mut kafka, command, rest)?;
        }
        ("fill", [count, options @ ..]) => fill(&mut kafka, count.parse().unwrap_or(1), options)?,
        ("bench", options) => bench(&mut kafka, options)?,
        _ => return Err(Error::invalid_argument("there is no such command: see the head of this file")),
    }
    Ok(())
}

fn act(kafka: &mut Kafka, command: &str, words: &[&str]) -> Result<()> {
    match (command, words) {
        ("operations", _) => {
            Kafka::list_operations(None).iter().for_each(|one| say(&format!("{one:?}")));
        }
        ("preview" | "run", [name, subject @ .., input]) => {
            let input: Value = input.parse()?;
            let subject = match subject {
                [metadata_type, id] => Subject::Resource(key(metadata_type, id, &[])),
                _ => Subject::Place(Place::Cluster),
            };
            if command == "run" {
                told(&kafka.run(name, &subject, &input, "native")?);
            } else {
                let forecast = kafka.preview(name, &subject, &input)?;
                forecast.lines.iter().for_each(|line| say(line));
                forecast.warnings.iter().for_each(|warning| say(&format!("warning: {warning}")));
                say(&forecast.document);
            }
        }
        ("poll", [handle]) => told(&kafka.poll(handle)?),
        ("wait", [handle]) => {
            let mut progress = kafka.poll(handle)?;
            while let Progress::Running((handle, share)) = &progress {
                say(&format!("running {share:?}"));
                std::thread::sleep(Duration::from_millis(300));
                progress = kafka.poll(handle)?;
            }
            told(&progress);
        }
        ("cancel", [handle]) => kafka.cancel(handle)?,
        _ => return Err(Error::invalid_argument("see the head of this file")),
    }
    Ok(())
}

fn told(progress: &Progress) {
    match progress {
        Progress::Done(done) => {
            say(&format!("done: {}", done.summary));
            say(&done.output);
            done.failures.iter().for_each(|(part, error)| say(&format!("failed {part}: {}", error.message)));
            done.undo.iter().for_each(|undo| say(&format!("undo {undo}")));
        }
        Progress::Running((handle, share)) => {
            say(&format!("running {share:?}"));
            say(handle);
        }
        Progress::Unknown(error) => say(&format!("unknown: {}", error.message)),
    }
}

/// Makes, or deletes, so many topics in one batch and prints what came of it.
fn fill(kafka: &mut Kafka, count: usize, options: &[&str]) -> Result<()> {
    let spec = r#"{"partitions":1,"replication_factor":1,"config":{"retention.ms":"7200000"}}"#;
    let action = if options.contains(&"delete") { Action::Delete } else { Action::Create(spec.to_owned()) };
    let write = |index: usize| Write {
        key: key("topic", &format!("fill-{index:05}"), &[]),
        action: action.clone(),
        revision: None,
        incarnation: None,
        extra: None,
    };
    let writes: Vec<Write> = (0..count).map(write).collect();
    let start = Instant::now();
    let outcomes = kafka.write_resources(&writes, false)?;
    let accepted = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Accepted(_))).count();
    say(&json!({"accepted": accepted, "of": count, "wall_ms": start.elapsed().as_millis()}).to_string());
    outcomes
        .iter()
        .filter(|outcome| !matches!(outcome, Outcome::Accepted(_)))
        .take(3)
        .for_each(|one| say(&format!("{one:?}")));
    Ok(())
}

/// Lists all topics so often and prints wall time of each round, rows and bytes of `spec`.
fn bench(kafka: &mut Kafka, options: &[&str]) -> Result<()> {
    let rounds = options.first().and_then(|rounds| rounds.parse().ok()).unwrap_or(1);
    for _ in 0..rounds {
        let start = Instant::now();
        let (mut rows, mut bytes) = (0, 0);
        sweep(kafka, "topic", options, |page| {
            rows += page.resources.len();
            bytes += page.resources.iter().map(|one| one.spec.len()).sum::<usize>();
        })?;
        say(&json!({"rows": rows, "bytes": bytes, "wall_us": start.elapsed().as_micros()}).to_string());
    }
    Ok(())
}

fn sweep(kafka: &mut Kafka, name: &str, options: &[&str], mut on_page: impl FnMut(Page)) -> Result<()> {
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
        let page = kafka.list_resources(&query)?;
        query.cursor.clone_from(&page.next);
        on_page(page);
        if query.cursor.is_none() {
            return Ok(());
        }
    }
}

fn target(address: &str) -> Target {
    let mut parts = address.split(';');
    let mut form = Map::new();
    form.insert("bootstrap".to_owned(), parts.next().unwrap_or_default().into());
    form.extend(
        parts.filter_map(|part| part.split_once('=')).map(|(key, value)| (key.to_owned(), value.into())),
    );
    if let Ok(password) = std::env::var("HEADGATE_PASSWORD") {
        native::secrets::set("password", password.as_bytes());
        form.insert("password".to_owned(), "password".into());
    }
    if let Ok(password) = std::env::var("HEADGATE_USER_PASSWORD") {
        native::secrets::set("user", password.as_bytes());
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
        "reassign" => Ok(Action::Run((verb.to_owned(), options.first().unwrap_or(&"{}").to_string()))),
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
    value_of(options, "node=").map_or(Place::Cluster, |id| Place::Node(id.to_owned()))
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
