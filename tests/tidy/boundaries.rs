//! What stays where it belongs: SQL in `store`, axum in `api`, wasmtime in `plugins`, a kind's name in its plugin.

use crate::source::{Rust, Source, has_extension};

/// Libraries of the host, and the modules that may name them.
const LIBRARIES: [(&str, &[&str]); 3] =
    [("sqlx", &["store"]), ("axum", &["api", "boot"]), ("wasmtime", &["plugins"])];

/// Modules in which no kind has a name.
const WITHOUT_KINDS: [&str; 6] = ["api", "app", "domain", "pipelines", "reconcile", "store"];
const KINDS: [&str; 10] =
    ["kafka", "rocketmq", "etcd", "zookeeper", "flink", "seatunnel", "nacos", "eventmesh", "redis", "mysql"];

/// How a statement begins.
const STATEMENTS: [&str; 7] = [
    "select ",
    "insert into ",
    "update ",
    "delete from ",
    "create table ",
    "with recursive ",
    "alter table ",
];
/// What a statement of more than one word holds, so that `update the plan` in a sentence is none.
const CLAUSES: [&str; 6] = [" from ", " set ", " values", " where ", " (", "\n"];
const KEYWORDS: [&str; 14] = [
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "FROM",
    "WHERE",
    "VALUES",
    "CREATE",
    "TABLE",
    "JOIN",
    "ORDER",
    "RETURNING",
    "PRIMARY",
    "REFERENCES",
];

pub(crate) fn check(files: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        if has_extension(&file.path, "sql") {
            found.extend(upper_case(&file.path, 1, &without_remarks(&file.text)));
        }
        let Some(module) = module(&file.path).filter(|_| file.is_rust() && !file.is_test()) else { continue };
        let rust = Rust::of(&file.text);
        found.extend(libraries(file, module, &rust));
        found.extend(statements(file, module, &rust));
        if WITHOUT_KINDS.contains(&module) {
            found.extend(kinds(file, &rust));
        }
    }
    found
}

/// The top module of a file of the host: `store` for `host/src/store/plans.rs`.
pub(crate) fn module(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("host/src/")?;
    inside.split(['/', '.']).next()
}

fn libraries(file: &Source, module: &str, rust: &Rust) -> Vec<String> {
    let named = LIBRARIES
        .iter()
        .filter(|(library, modules)| !modules.contains(&module) && has_word(&rust.code, library));
    named
        .map(|(library, modules)| {
            format!("{}: names {library}, which belongs to {}", file.path, modules.join(", "))
        })
        .collect()
}

fn statements(file: &Source, module: &str, rust: &Rust) -> Vec<String> {
    let mut found = Vec::new();
    for (line, text) in rust.strings.iter().filter(|(_, text)| is_statement(text)) {
        if module == "store" {
            found.extend(upper_case(&file.path, *line, text));
        } else {
            found.push(format!("{}:{line}: SQL, which belongs to store", file.path));
        }
    }
    found
}

fn is_statement(text: &str) -> bool {
    let lower = text.trim_start().to_lowercase();
    let clause = |rest: &str| CLAUSES.iter().any(|clause| rest.contains(clause));
    STATEMENTS.iter().any(|start| lower.strip_prefix(start).is_some_and(clause))
}

fn upper_case(path: &str, line: usize, text: &str) -> Option<String> {
    let keyword = KEYWORDS.iter().find(|keyword| has_word(text, keyword))?;
    Some(format!("{path}:{line}: `{keyword}`: SQL is written in lower case"))
}

fn without_remarks(text: &str) -> String {
    text.lines().map(|line| line.split("--").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

fn kinds(file: &Source, rust: &Rust) -> Vec<String> {
    let strings: String = rust.strings.iter().map(|(_, text)| format!("{text}\n")).collect();
    let all = format!("{}\n{strings}", rust.code).to_lowercase();
    let named = KINDS.iter().filter(|kind| all.contains(**kind));
    named
        .map(|kind| format!("{}: names {kind}; what holds for one kind belongs to its plugin", file.path))
        .collect()
}

pub(crate) fn has_word(text: &str, word: &str) -> bool {
    let is_part = |char: Option<char>| char.is_some_and(|char| char.is_alphanumeric() || char == '_');
    text.match_indices(word).any(|(at, _)| {
        let (before, after) =
            (text.get(..at).unwrap_or_default(), text.get(at + word.len()..).unwrap_or_default());
        !is_part(before.chars().next_back()) && !is_part(after.chars().next())
    })
}

#[test]
fn what_is_out_of_its_place_is_found() {
    let bad = [
        Source::of("host/src/api/a.rs", "use sqlx::Row;"),
        Source::of("host/src/app/a.rs", "async fn f() -> axum::Json<u8> {}"),
        Source::of("host/src/store/a.rs", "use wasmtime::Engine;"),
        Source::of("host/src/app/b.rs", r#"let q = "select a from b";"#),
        Source::of("host/src/store/b.rs", r#"let q = "SELECT a FROM b";"#),
        Source::of("host/src/pipelines/sync.rs", r#"if kind == "kafka" {}"#),
        Source::of("host/src/domain/a.rs", "enum Kind { Kafka }"),
        Source::of("migrations/0001.sql", "-- Makes it.\nCREATE TABLE a (b text);"),
    ];
    for file in &bad {
        assert_eq!(check(std::slice::from_ref(file)).len(), 1, "{}: {}", file.path, file.text);
    }
    let good = [
        Source::of("host/src/store/a.rs", r#"use sqlx::Row; const Q: &str = "select a from b";"#),
        Source::of("host/src/api/a.rs", "use axum::Json; // Kafka lags behind, so this waits"),
        Source::of("host/src/app/a.rs", r#"bail!("update the plan and try again");"#),
        Source::of("host/src/domain/a.rs", "#[cfg(test)]\nmod tests { const K: &str = \"kafka\"; }"),
        Source::of("migrations/0001.sql", "-- CREATE says what it makes.\ncreate table a (b text);"),
        Source::of("plugins/kafka/src/lib.rs", "const KIND: &str = \"kafka\";"),
    ];
    assert_eq!(check(&good), Vec::<String>::new());
}
