//! Who may see whom inside the host, and that planning stays pure.

use crate::boundaries::{has_word, module};
use crate::source::{Rust, Source};

/// A module of the host and what it may name of its siblings. Every module stands here.
type Table<'a> = &'a [(&'a str, &'a [&'a str])];

/// These compose the rest and see all of it.
const COMPOSE: [&str; 3] = ["main", "lib", "boot"];

const TABLE: Table<'static> = &[
    ("domain", &[]),
    ("clock", &[]),
    ("memory", &[]),
    ("config", &["domain", "store::sqlite_url"]),
    ("telemetry", &["domain", "config"]),
    ("store", &["domain", "clock", "plugins::driver"]),
    ("plugins", &["domain", "clock", "memory"]),
    // Of one plugin, by itself: no store, no API.
    ("conformance", &["domain", "clock", "plugins"]),
    ("pipelines", &["domain", "clock", "store", "plugins::driver"]),
    ("app", &["domain", "clock", "store", "plugins", "pipelines", "telemetry"]),
    ("reconcile", &["domain", "clock", "store", "plugins::driver", "pipelines", "app"]),
    // The store's nouns and the errors of the layers below are told as JSON here; never the store itself.
    (
        "api",
        &[
            "domain",
            "clock",
            "config",
            "telemetry",
            "app",
            "plugins::driver",
            "store::Event",
            "store::StoreError",
            "store::Token",
            "store::TokenRole",
        ],
    ),
    ("kit", &["domain", "clock", "plugins"]),
    // `serve` hands over to boot; `backup` and `restore` work on the database itself, beside a host or without one.
    (
        "cli",
        &[
            "domain",
            "clock",
            "memory",
            "config",
            "telemetry",
            "api",
            "boot",
            "conformance",
            "kit",
            // What an author does with one plugin needs no host.
            "plugins::alone",
            "plugins::builtin",
            "plugins::driver::Secrets",
            "plugins::tape",
            "store::Options",
            "store::RestoreOptions",
            "store::SealingKey",
            "store::StoreError",
            "store::backup",
            "store::restore",
            "store::sqlite_url",
        ],
    ),
];

/// What a pure module must not even name.
const IMPURE: [&str; 9] =
    ["async", "tokio", "sqlx", "axum", "SystemTime", "Instant", "std::fs", "std::net", "std::env"];

pub(crate) fn check(files: &[Source]) -> Vec<String> {
    check_with(files, TABLE)
}

fn check_with(files: &[Source], table: Table<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.is_rust() && !file.is_test()) {
        let Some(module) = module(&file.path).filter(|module| !COMPOSE.contains(module)) else { continue };
        let rust = Rust::of(&file.text);
        let Some((_, allowed)) = table.iter().find(|(name, _)| *name == module) else {
            found.push(format!("{}: module {module} stands in no row of tests/tidy/modules.rs", file.path));
            continue;
        };
        for seen in siblings(&file.path, &rust.code) {
            if !is_inside(&seen, module) && !allowed.iter().any(|allowed| is_inside(&seen, allowed)) {
                found.push(format!("{}: {module} must not see {seen}", file.path));
            }
            if is_plan(&file.path) && !is_inside(&seen, "domain") && !seen.contains("::plan") {
                found.push(format!("{}: a plan sees the domain only, not {seen}", file.path));
            }
        }
        if module == "domain" || is_plan(&file.path) {
            let named = IMPURE.iter().filter(|name| has_word(&rust.code, name));
            found.extend(named.map(|name| format!("{}: is pure and must not name {name}", file.path)));
        }
    }
    found
}

/// `host/src/pipelines/sync/plan.rs` and what is below it.
fn is_plan(path: &str) -> bool {
    let inside = path.strip_prefix("host/src/pipelines/").and_then(|rest| rest.split_once('/'));
    inside.is_some_and(|(_, rest)| {
        rest.starts_with("plan.") || rest.starts_with("plan/") || rest.starts_with("plan_")
    })
}

fn is_inside(seen: &str, module: &str) -> bool {
    seen == module || seen.strip_prefix(module).is_some_and(|rest| rest.starts_with("::"))
}

/// The paths below the crate's root that the code names, by `crate::` or by as many `super::` as it takes.
fn siblings(path: &str, code: &str) -> Vec<String> {
    let depth = path.trim_start_matches("host/src/").matches('/').count() + 1;
    let supers = "super::".repeat(depth);
    let mut found = Vec::new();
    for root in ["crate::", supers.as_str()] {
        for (at, _) in code.match_indices(root) {
            let before = code.get(..at).unwrap_or_default().chars().next_back();
            let rest = code.get(at + root.len()..).unwrap_or_default();
            if !before.is_some_and(|char| char.is_alphanumeric() || char == '_' || char == ':')
                && !rest.starts_with("super")
            {
                found.extend(expand(rest));
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

/// `store::Store`, or each of `{store::Store, domain::{id, plan}}`.
fn expand(rest: &str) -> Vec<String> {
    let Some(group) = rest.strip_prefix('{') else {
        let path: String =
            rest.chars().take_while(|char| char.is_alphanumeric() || *char == '_' || *char == ':').collect();
        let path = path.trim_end_matches(':');
        let inner = rest
            .get(path.len()..)
            .and_then(|after| after.strip_prefix("::"))
            .filter(|after| after.starts_with('{'));
        // `a::{b, c}`: the group says which parts of `a` are seen.
        return inner.map_or_else(
            || vec![path.to_owned()],
            |inner| expand(inner).iter().map(|part| format!("{path}::{part}")).collect(),
        );
    };
    let (mut depth, mut parts, mut start) = (0_usize, Vec::new(), 0);
    for (at, char) in group.char_indices() {
        match char {
            '{' => depth += 1,
            '}' if depth == 0 => {
                parts.push(group.get(start..at).unwrap_or_default());
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(group.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty()).flat_map(expand).collect()
}

#[test]
fn a_look_in_the_wrong_direction_is_found() {
    let table: Table<'_> =
        &[("domain", &[]), ("store", &["domain", "plugins::driver"]), ("pipelines", &["store", "domain"])];
    let bad = [
        ("host/src/domain/a.rs", "use crate::store::Store;"),
        ("host/src/domain/a.rs", "use super::super::store;"),
        ("host/src/domain.rs", "fn f() { super::store::open() }"),
        ("host/src/store.rs", "use crate::{domain::id, plugins::{driver::Kind, session}};"),
        ("host/src/domain/a.rs", "async fn f() {}"),
        ("host/src/pipelines/sync/plan.rs", "use crate::store::Store;"),
        ("host/src/pipelines/sync/plan/order.rs", "use std::time::Instant;"),
        ("host/src/unknown.rs", "fn f() {}"),
    ];
    for (path, text) in bad {
        assert_eq!(check_with(&[Source::of(path, text)], table).len(), 1, "{path}: {text}");
    }
    let good = [
        (
            "host/src/store/a.rs",
            "use crate::domain::{id, plan}; use super::rows; use crate::plugins::driver::Kind;",
        ),
        (
            "host/src/domain/a.rs",
            "use super::id; // crate::store\n#[cfg(test)]\nmod tests { use crate::store; }",
        ),
        (
            "host/src/pipelines/sync/plan/order.rs",
            "use crate::domain::plan::Plan; use crate::pipelines::sync::plan::Draft;",
        ),
        ("host/src/boot.rs", "use crate::anything;"),
        ("tests/src/lib.rs", "use crate::host;"),
    ];
    for (path, text) in good {
        assert_eq!(check_with(&[Source::of(path, text)], table), Vec::<String>::new(), "{path}: {text}");
    }
}
