//! Every file says at its top what it is for.

use crate::source::{Source, has_extension};

pub(crate) fn check(files: &[Source]) -> Vec<String> {
    files
        .iter()
        .filter(|file| !says(file))
        .map(|file| format!("{}: begins with no line that says what it is for", file.path))
        .collect()
}

fn says(file: &Source) -> bool {
    let mut lines = file.text.lines();
    let first = lines.next().unwrap_or_default();
    if file.is_rust() {
        first.strip_prefix("//! ").is_some_and(|text| text.trim().len() > 3)
    } else if first.starts_with("#!") || has_extension(&file.path, "sh") {
        let line = if first.starts_with("#!") { lines.next().unwrap_or_default() } else { first };
        line.starts_with("# ") || line.starts_with("// ")
    } else {
        !has_extension(&file.path, "sql") || first.starts_with("-- ")
    }
}

#[test]
fn a_file_without_a_purpose_is_found() {
    let files = [
        Source::of("a.rs", "//! What it is for.\n"),
        Source::of("b.rs", "use std::fs;\n"),
        Source::of("c.sh", "#!/bin/sh\n# Starts it.\n"),
        Source::of("d", "#!/bin/sh\nset -e\n"),
        Source::of("e.sql", "create table t (a text);\n"),
        Source::of("f.toml", "[package]\n"),
        Source::of("g.js", "#!/usr/bin/env node\n// Builds it.\n"),
    ];
    let found = check(&files);
    let paths: Vec<&str> = found.iter().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(paths, ["b.rs", "d", "e.sql"]);
}
