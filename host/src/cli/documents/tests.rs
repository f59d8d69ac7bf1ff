//! What people write, and what they are told.

use serde_json::json;

use super::*;

fn source(name: &str, text: &str) -> Source {
    let format = if name.ends_with(".json") { Format::Json } else { Format::Yaml };
    Source { name: name.to_owned(), format, text: text.to_owned() }
}

fn good(name: &str, text: &str) -> Vec<Document> {
    let (documents, faults) = parse(&[source(name, text)], None);
    assert_eq!(faults, Vec::<String>::new());
    documents
}

fn faults(name: &str, text: &str) -> String {
    parse(&[source(name, text)], None).1.join("\n")
}

const TWO: &str = "\
# Topics of the payment team.
cluster: lab
type: topic
name: pay.events
spec:
  partitions: 6
  config:
    cleanup.policy: compact
    retention.ms: 7200000
    max: 18446744073709551615
    negative: -1
    ratio: 0.5
    eager: true
    word: yes
    version: '3.10'
    none: null
    empty:
    list: [a, b]
---
---
cluster: lab
type: broker-config
name: 1
at: node:1
delete: true
";

#[test]
fn values_keep_what_they_are() {
    let documents = good("topics.yaml", TWO);
    assert_eq!(
        documents[0].body.spec,
        Some(json!({
            "partitions": 6,
            "config": {
                "cleanup.policy": "compact", "retention.ms": 7_200_000, "max": u64::MAX, "negative": -1, "ratio": 0.5,
                "eager": true, "word": "yes", "version": "3.10", "none": null, "empty": null, "list": ["a", "b"],
            },
        }))
    );
    let second = &documents[1];
    assert_eq!((second.body.name.as_str(), second.body.delete), ("1", true));
    assert_eq!(second.body.at, Some(Place::Node("1".to_owned())));
    assert_eq!(second.body.spec, None);
}

#[test]
fn json_comes_as_one_as_an_array_or_one_after_another() {
    let one = r#"{"cluster": "lab", "type": "topic", "name": "a", "spec": {}}"#;
    let other = r#"{"cluster": "lab", "type": "topic", "name": "b", "spec": {"partitions": 3}}"#;
    for text in [format!("[{one},\n{other}]"), format!("{one}\n{other}\n"), format!("{one}{other}")] {
        let names: Vec<_> =
            good("topics.json", &text).into_iter().map(|document| document.body.name).collect();
        assert_eq!(names, ["a", "b"], "{text}");
    }
}

#[test]
fn a_number_whose_text_would_be_lost_is_refused() {
    let head = "cluster: lab\ntype: topic\nname: a\nspec:\n  version: ";
    for text in ["3.10", "007", "0x1F", "1e3", "18446744073709551616", "+5"] {
        let told = faults("a.yaml", &format!("{head}{text}\n"));
        assert!(told.starts_with("a.yaml:5: `"), "{text}: {told}");
    }
    insta::assert_snapshot!(
        faults("a.yaml", &format!("{head}3.10\n")),
        @"a.yaml:5: `3.10` is read as the number 3.1; quote it if it is text, or write 3.1"
    );
    insta::assert_snapshot!(
        faults("a.yaml", &format!("{head}18446744073709551616\n")),
        @"a.yaml:5: `18446744073709551616` is read as the number 1.8446744073709552e+19; quote it if it is text, or write 1.8446744073709552e+19"
    );
}

#[test]
fn every_fault_is_told_with_its_line() {
    let text = "cluster: lab\ntype: topic\nname: a\nspecs:\n  partitions: 3\n---\ntype: topic\nname: ''\nat: shelf:1\nspec: 5\n---\n- 1\n";
    insta::assert_snapshot!(faults("bad.yaml", text), @"
        bad.yaml:4 (document 1): unknown key `specs`; a document has cluster, type, name, at, spec, delete
        bad.yaml:1 (document 1): `spec` is missing: the wished fields; or say `delete: true`
        bad.yaml:7 (document 2): `cluster` is missing: the name of a registered cluster; or give --cluster NAME
        bad.yaml:8 (document 2): `name` must be a text that is not empty
        bad.yaml:9 (document 2): `at`: `shelf:1` is no place; write `cluster`, `group:NAME` or `node:ID`
        bad.yaml:10 (document 2): `spec` must hold the wished fields; write `{}` where there are none
        bad.yaml:12 (document 3): no document: its keys are missing
        ");
}

#[test]
fn what_is_no_yaml_and_no_json_is_told_with_its_line() {
    insta::assert_snapshot!(faults("bad.yaml", "cluster: lab\nspec:\n  a: [1, 2\nb: 3\n"), @"bad.yaml:4: illegal placement of ':' indicator");
    insta::assert_snapshot!(faults("bad.yaml", "cluster: lab\ncluster: prod\n"), @"bad.yaml:2: duplicate mapping key: cluster");
    insta::assert_snapshot!(faults("bad.json", "{\"cluster\": \"lab\",\n \"type\" \"topic\"}"), @"bad.json:2: no JSON: expected `:`");
    insta::assert_snapshot!(faults("bad.json", "{\"cluster\": \"lab\"}\n{\"cluster\": "), @"bad.json:2: no JSON: EOF while parsing a value");
}

#[test]
fn the_same_resource_twice_is_named_with_both_places() {
    let one = source("a.yaml", "cluster: lab\ntype: topic\nname: a\nspec: {}\n");
    let two = source("b.yaml", "\n\ncluster: lab\ntype: topic\nname: a\nspec: {}\n");
    insta::assert_snapshot!(parse(&[one, two], None).1.join("\n"), @"b.yaml:3 (document 1): topic a of cluster lab stands already at a.yaml:1 (document 1); keep one of them");
}

#[test]
fn a_few_lines_cannot_become_gigabytes() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let alias = format!("*a{}", level - 1);
        text += &format!("a{level}: &a{level} [{}]\n", [alias.as_str(); 10].join(", "));
    }
    insta::assert_snapshot!(faults("bomb.yaml", &text), @"bomb.yaml:5: alias replay limit exceeded: total_replayed_events=100001 > 100000");
    let deep = format!("cluster: lab\nspec: {}{}\n", "[".repeat(5_000), "]".repeat(5_000));
    insta::assert_snapshot!(faults("deep.yaml", &deep), @"deep.yaml:2: recursion limit exceeded");
}

#[test]
fn a_cluster_may_be_given_beside_the_files() {
    let text = "type: topic\nname: a\nspec: {}\n---\ncluster: prod\ntype: topic\nname: a\nspec: {}\n";
    let (documents, faults) = parse(&[source("a.yaml", text)], Some("lab"));
    assert_eq!(faults, Vec::<String>::new());
    let groups: Vec<_> = by_cluster(documents).into_iter().map(|(name, group)| (name, group.len())).collect();
    assert_eq!(groups, [("lab".to_owned(), 1), ("prod".to_owned(), 1)]);
}

#[test]
fn what_the_host_refuses_is_traced_to_its_line() {
    let documents = good("topics.yaml", TWO);
    let told = |pointer: &str| {
        trace(&documents, &FieldError { pointer: pointer.to_owned(), message: "must be more".to_owned() })
    };
    insta::assert_snapshot!(
        [
            told("/documents/0/spec/config/retention.ms"),
            told("/documents/0/spec/config/absent"),
            told("/documents/1"),
            told("/complete"),
        ]
        .join("\n"),
        @"
        topics.yaml:9 (document 1), topic pay.events: /spec/config/retention.ms: must be more
        topics.yaml:7 (document 1), topic pay.events: /spec/config/absent: must be more
        topics.yaml:21 (document 2), broker-config 1: must be more
        /complete: must be more
        "
    );
}

#[test]
fn files_of_a_folder_come_in_order_and_others_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    for name in ["b.yaml", "a.json", "sub/c.yml", ".hidden.yaml", "notes.txt"] {
        let body = r#"{"cluster": "lab", "type": "topic", "name": "NAME", "spec": {}}"#;
        std::fs::write(folder.path().join(name), body.replace("NAME", name)).unwrap();
    }
    let (mut terminal, _, _) = Terminal::recorded("");
    let documents = read(&[folder.path().to_owned()], None, &mut terminal).unwrap();
    let names: Vec<_> = documents.into_iter().map(|document| document.body.name).collect();
    assert_eq!(names, ["a.json", "b.yaml", "sub/c.yml"]);
}

#[test]
fn standard_input_is_either_format() {
    for text in [
        "{\"cluster\": \"lab\", \"type\": \"topic\", \"name\": \"a\", \"spec\": {}}",
        "cluster: lab\ntype: topic\nname: a\nspec: {}\n",
    ] {
        let (mut terminal, _, _) = Terminal::recorded(text);
        assert_eq!(read(&[PathBuf::from("-")], None, &mut terminal).unwrap().len(), 1);
    }
    let (mut terminal, _, _) = Terminal::recorded("# nothing\n");
    insta::assert_snapshot!(read(&[PathBuf::from("-")], None, &mut terminal).unwrap_err(), @"no document in stdin");
    insta::assert_snapshot!(read(&[PathBuf::from("absent.yaml")], None, &mut terminal).unwrap_err(), @"cannot read absent.yaml: No such file or directory (os error 2)");
}
