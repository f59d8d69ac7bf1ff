//! Bad input: a clear message with what to do, the right exit code, and nothing is lost or written.

use std::io::{Read, Write};
use std::net::TcpListener;

use anyhow::Result;
use headgate_tests::{Database, Host, Kafka, for_each_database};
use serde_json::json;

use crate::documents::{replicated, topic};
use crate::topics::{apply, own};

for_each_database!(
    what_is_wrong_with_a_file_is_said_with_its_place,
    values_that_the_cluster_cannot_hold_are_refused,
    partitions_are_never_taken_away,
    unknown_names_are_named,
    a_connection_form_is_checked,
    something_else_behind_the_port_is_named,
    refused_addresses_are_refused_by_their_number,
    without_a_terminal_nothing_is_applied_unasked,
    the_api_names_the_place_of_an_error,
);

fn what_is_wrong_with_a_file_is_said_with_its_place(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let good = topic(&own("file", database), 1, &[]);
    let cases = [
        ("a: [1, 2".to_owned(), "bad.yaml"),
        ("just a sentence\n".to_owned(), "bad.yaml"),
        (good.replace("type: topic", "type: tropic"), "tropic"),
        (good.replace("cluster: lab\n", ""), "cluster"),
        (good.replace("name:", "nmae:"), "nmae"),
        (good.replace("partitions:", "partitons:"), "partitons"),
        (good.replace("partitions: 1", "partitions: many"), "partitions"),
        (good.replace("partitions: 1", "partitions: null"), "partitions"),
        (format!("{good}  config: null\n"), "config"),
        // One bad document spoils the whole file: the good one beside it is not applied.
        (format!("{good}---\ncluster: lab\ntype: topic\n"), "name"),
    ];
    for (text, part) in cases {
        let file = host.file("bad.yaml", &text)?;
        for command in [vec!["plan", "-f", &file], vec!["apply", "-f", &file, "--yes"]] {
            host.cli(&command)?.refused(3, &[part])?;
        }
    }
    host.cli(&["plan", "-f", "no/such/file.yaml"])?.refused(3, &["no/such/file.yaml"])?;
    assert!(kafka.topic_names_of(&own("file", database))?.is_empty());
    Ok(())
}

fn values_that_the_cluster_cannot_hold_are_refused(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(3)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let name = own("values", database);
    let cases = [
        (replicated(&name, 1, 5, &[]), vec!["replication_factor", "5", "3"]),
        (replicated(&name, 0, 3, &[]), vec!["partitions"]),
        (replicated(&name, 1, 3, &[("retention.mss", "1")]), vec!["retention.mss"]),
        (replicated(&name, 1, 3, &[("retention.ms", "soon")]), vec!["retention.ms", "soon"]),
        (replicated(&name, 1, 3, &[("cleanup.policy", "burn")]), vec!["cleanup.policy", "burn"]),
    ];
    for (text, parts) in cases {
        let file = host.file("bad.yaml", &text)?;
        host.cli(&["apply", "-f", &file, "--yes"])?.refused(3, &parts)?;
    }
    assert!(kafka.topic(&name)?.is_none());
    // The name is no part of the spec: the plan is blocked, with the rule that it breaks.
    let file = host.file("bad.yaml", &replicated("a name with blanks", 1, 3, &[]))?;
    let blocked = host.cli(&["apply", "-f", &file, "--yes"])?;
    assert_eq!(blocked.code, 5, "{blocked}");
    assert!(
        blocked.to_string().contains("[a-zA-Z0-9._-]") || blocked.to_string().contains("letters"),
        "{blocked}"
    );
    Ok(())
}

fn partitions_are_never_taken_away(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let name = own("shrink", database);
    apply(&host, &topic(&name, 4, &[]))?;
    let file = host.file("fewer.yaml", &topic(&name, 2, &[]))?;

    let applied = host.cli(&["apply", "-f", &file, "--yes", "--allow-destructive"])?;
    assert_ne!(applied.code, 0, "{applied}");
    for part in ["partitions", "4", "2"] {
        assert!(applied.to_string().contains(part), "no {part}: {applied}");
    }
    assert_eq!(kafka.topic(&name)?.map(|topic| topic.partitions), Some(4));
    Ok(())
}

fn unknown_names_are_named(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let cases: [(&[&str], &str); 7] = [
        (&["get", "topic", "-c", "nowhere"], "nowhere"),
        (&["get", "topic", "no.such.topic", "-c", "lab"], "no.such.topic"),
        (&["sync", "nowhere"], "nowhere"),
        (&["kind", "show", "kafak"], "kafak"),
        (&["plan", "show", "01970000-0000-7000-8000-000000000000"], "01970000-0000-7000-8000-000000000000"),
        (&["drift", "-c", "nowhere"], "nowhere"),
        (&["cluster", "remove", "nowhere", "--yes"], "nowhere"),
    ];
    for (command, name) in cases {
        host.cli(command)?.refused(4, &[name])?;
    }
    host.cli(&["get", "tropic", "-c", "lab"])?.refused(3, &["tropic", "broker-config"])?;
    let file = host.file("elsewhere.yaml", &topic("a", 1, &[]).replace("lab", "nowhere"))?;
    host.cli(&["plan", "-f", &file])?.refused(4, &["nowhere"])?;
    Ok(())
}

fn a_connection_form_is_checked(database: &Database) -> Result<()> {
    let host = Host::start(database)?;
    let cases: [(&[&str], i32, &str); 5] = [
        (&["add", "lab", "--kind", "kafak", "--set", "bootstrap=127.0.0.1:9092"], 4, "kafak"),
        (&["add", "lab", "--kind", "kafka"], 3, "bootstrap"),
        (&["add", "lab", "--kind", "kafka", "--set", "bootstrap=127.0.0.1:no"], 3, "bootstrap"),
        (
            &["add", "lab", "--kind", "kafka", "--set", "bootstrap=127.0.0.1:1", "--set", "colour=red"],
            3,
            "colour",
        ),
        (&["add", "La b", "--kind", "kafka", "--set", "bootstrap=127.0.0.1:1"], 3, "La b"),
    ];
    for (arguments, code, part) in cases {
        host.cli(&[&["cluster"], arguments].concat())?.refused(code, &[part])?;
    }
    assert_eq!(host.get("/api/v1/clusters")?.pointer("/items"), Some(&json!([])), "none of them was kept");
    Ok(())
}

fn something_else_behind_the_port_is_named(database: &Database) -> Result<()> {
    let host = Host::start(database)?;
    let stranger = TcpListener::bind("127.0.0.1:0")?;
    let address = stranger.local_addr()?.to_string();
    // A web server, to everybody who comes; the thread ends with the process.
    std::thread::spawn(move || {
        for connection in stranger.incoming() {
            let Ok(mut connection) = connection else { return };
            let mut request = [0; 64];
            let answered = connection.read(&mut request);
            drop(answered.and_then(|_| {
                connection.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
            }));
        }
    });
    let bootstrap = format!("bootstrap={address}");
    host.cli(&["cluster", "add", "lab", "--kind", "kafka", "--set", &bootstrap])?;
    host.cli(&["sync", "lab"])?.refused(6, &[&address])?;
    // Such an answer is not the plugin's fault: it still serves others.
    host.add_kafka("real", Kafka::shared(1)?)
}

fn refused_addresses_are_refused_by_their_number(database: &Database) -> Result<()> {
    let host = Host::start(database)?;
    // The address from which clouds hand out their credentials.
    let bootstrap = "bootstrap=169.254.169.254:9092";
    let added = host.cli(&["cluster", "add", "lab", "--kind", "kafka", "--set", bootstrap])?;
    let refused = if added.code == 0 { host.cli(&["sync", "lab"])? } else { added };
    assert_ne!(refused.code, 0, "{refused}");
    assert!(refused.stderr.contains("169.254.169.254"), "{refused}");
    Ok(())
}

fn without_a_terminal_nothing_is_applied_unasked(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let name = own("unasked", database);
    let file = host.file("topics.yaml", &topic(&name, 1, &[]))?;
    let unasked = host.cli(&["apply", "-f", &file])?;
    assert_ne!(unasked.code, 0, "{unasked}");
    assert!(unasked.stderr.contains("--yes"), "{unasked}");
    assert!(kafka.topic(&name)?.is_none());
    Ok(())
}

fn the_api_names_the_place_of_an_error(database: &Database) -> Result<()> {
    let (kafka, host) = (Kafka::shared(1)?, Host::start(database)?);
    host.add_kafka("lab", kafka)?;
    let spec = json!({"partitions": 1, "replication_factor": 1, "config": {"a/b": "1"}});
    let plan = json!({"cluster": "lab", "documents": [{"type": "topic", "name": "a", "spec": spec}]});
    let answer = host.api("POST", "/api/v1/plans", Some(&plan))?;
    let problem = answer.problem(422, "invalid-documents")?;
    assert_eq!(
        problem.pointer("/errors/0/pointer"),
        Some(&json!("/documents/0/spec/config/a~1b")),
        "{problem}"
    );
    Ok(())
}
