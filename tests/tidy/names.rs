//! Names that say nothing: of files, modules, types and functions.

use crate::source::{Rust, Source};

/// As a word of a name, in either case, with or without an `s`.
const EMPTY: [&str; 5] = ["util", "helper", "common", "misc", "manager"];
/// Names of protocols and algorithms that happen to end so.
const WITH_NUMBER: [&str; 2] = ["http2", "sha2"];

pub(crate) fn check(files: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let parts = file.path.trim_end_matches(".rs").split('/');
        found.extend(
            parts.filter_map(|part| reason(part, "")).map(|reason| format!("{}: {reason}", file.path)),
        );
        let code = Rust::with_tests(&file.text).code;
        for (number, line) in code.lines().enumerate() {
            let reasons = definitions(line).filter_map(|(keyword, name)| reason(name, keyword));
            found.extend(reasons.map(|reason| format!("{}:{}: {reason}", file.path, number + 1)));
        }
    }
    found
}

fn reason(name: &str, keyword: &str) -> Option<String> {
    let words = words(name);
    let empty =
        |word: &String| EMPTY.iter().any(|empty| word == empty || word.strip_suffix('s') == Some(empty));
    if let Some(word) = words.iter().find(|word| empty(word)) {
        return Some(format!("`{name}`: `{word}` says nothing; name what it does"));
    }
    if name == "mod" {
        return Some("`mod.rs`: use `foo.rs` beside `foo/`".to_owned());
    }
    if keyword == "fn" && name.starts_with("new_") {
        return Some(format!("`{name}`: say what is made, or from what, without `new_`"));
    }
    let numbered = name.strip_suffix('2').is_some_and(|rest| rest.ends_with(char::is_alphabetic));
    let known = words.last().is_some_and(|word| WITH_NUMBER.contains(&word.as_str()));
    (numbered && !known && !keyword.is_empty())
        .then(|| format!("`{name}`: say how it differs from the first"))
}

/// `fn name`, `struct Name`, …: what a line defines.
fn definitions(line: &str) -> impl Iterator<Item = (&str, &str)> {
    let words: Vec<&str> = line
        .split(|char: char| !char.is_alphanumeric() && char != '_')
        .filter(|word| !word.is_empty())
        .collect();
    let pairs: Vec<(&str, &str)> = words.iter().copied().zip(words.iter().skip(1).copied()).collect();
    pairs.into_iter().filter(|(keyword, _)| {
        ["fn", "struct", "enum", "trait", "type", "mod", "const", "static"].contains(keyword)
    })
}

/// `PluginManager` and `plugin_manager` are `plugin`, `manager`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for char in name.chars() {
        let is_new = char == '_' || char == '-' || char.is_uppercase();
        if is_new && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| char != '_' && char != '-') {
            word.extend(char.to_lowercase());
        }
    }
    words
}

#[test]
fn empty_names_are_found() {
    let bad = [
        Source::of("host/src/util.rs", ""),
        Source::of("host/src/helpers/a.rs", ""),
        Source::of("host/src/a/mod.rs", ""),
        Source::of("a.rs", "struct PluginManager;"),
        Source::of("b.rs", "pub(crate) async fn new_plan() {}"),
        Source::of("c.rs", "fn apply2() {}"),
        Source::of("d.rs", "mod common;"),
    ];
    assert_eq!(check(&bad).len(), bad.len(), "{:#?}", check(&bad));
    let good = [
        Source::of("host/src/commons_of_a_kind.rs", ""),
        Source::of(
            "e.rs",
            "// a helper\nfn new() {} fn renew_plan() {} fn serve_http2() {} fn sha512() {} fn exits_with_2() {} let a2 = 1;",
        ),
    ];
    assert_eq!(check(&good).len(), 1, "only the plural in the path: {:#?}", check(&good));
}
