//! Files of 500 lines and functions of 70 at most. What was let through stands in a list that can only shrink.

use crate::source::{Rust, Source, has_extension, item_length};

const FILE_LINES: usize = 500;
const FUNCTION_LINES: usize = 70;

/// Something over its budget: `PATH` or `PATH FUNCTION`, and its lines.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Over {
    pub(crate) what: String,
    pub(crate) lines: usize,
}

impl std::fmt::Display for Over {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.what, self.lines)
    }
}

/// All that is over its budget, the longest first.
pub(crate) fn listing(files: &[Source]) -> Vec<Over> {
    let counted = files
        .iter()
        .filter(|file| ["rs", "sh", "sql", "wit"].iter().any(|one| has_extension(&file.path, one)));
    let mut over = Vec::new();
    for file in counted {
        let lines = file.text.lines().count();
        if lines > FILE_LINES {
            over.push(Over { what: file.path.clone(), lines });
        }
        if file.is_rust() {
            let functions = functions(&file.text).into_iter().filter(|(_, lines)| *lines > FUNCTION_LINES);
            over.extend(functions.map(|(name, lines)| Over { what: format!("{} {name}", file.path), lines }));
        }
    }
    over.sort_by(|one, other| other.lines.cmp(&one.lines).then_with(|| one.what.cmp(&other.what)));
    over
}

/// `allowed` holds lines `PATH [FUNCTION] LINES`, with `#` before a remark. Each entry must still be needed, to the line.
pub(crate) fn check(files: &[Source], allowed: &str) -> Vec<String> {
    let over = listing(files);
    let entries = allowed.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let entries: Vec<(&str, usize)> = entries
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(what, lines)| (what, lines.parse().unwrap_or(0)))
        .collect();
    let mut found = Vec::new();
    for Over { what, lines } in &over {
        let allowed = entries.iter().find(|(entry, _)| entry == what).map(|(_, lines)| *lines);
        match allowed {
            None => found.push(format!(
                "{what}: {lines} lines; take it apart (files {FILE_LINES}, functions {FUNCTION_LINES})"
            )),
            Some(allowed) if *lines > allowed => {
                found.push(format!("{what}: grew from {allowed} to {lines} lines"));
            }
            Some(allowed) if *lines < allowed => {
                found.push(format!("{what}: only {lines} lines now; write that into tests/tidy/allowed.txt"));
            }
            Some(_) => {}
        }
    }
    let unneeded = entries.iter().filter(|(entry, _)| !over.iter().any(|over| over.what == *entry));
    found.extend(
        unneeded
            .map(|(entry, _)| format!("{entry}: is within its budget; take it off tests/tidy/allowed.txt")),
    );
    found
}

/// Each function with its lines, from its `fn` to its closing brace.
fn functions(text: &str) -> Vec<(String, usize)> {
    let code = Rust::with_tests(text).code;
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let before = code.get(..at).unwrap_or_default().chars().next_back();
        let rest = code.get(at..).unwrap_or_default();
        let name: String =
            rest.chars().skip(3).take_while(|char| char.is_alphanumeric() || *char == '_').collect();
        if name.is_empty() || before.is_some_and(|char| char.is_alphanumeric() || char == '_') {
            continue;
        }
        let body = rest.get(..item_length(rest)).unwrap_or_default();
        found.push((name, body.lines().count()));
    }
    found
}

#[test]
fn what_is_over_its_budget_is_found_and_the_list_can_only_shrink() {
    let function = |lines: usize| format!("//! x\nfn long() {{\n{}}}\n", "    a();\n".repeat(lines - 2));
    let file = |lines: usize| format!("//! x\n{}", "use a;\n".repeat(lines - 1));
    let good = [Source::of("a.rs", &function(70)), Source::of("b.rs", &file(500))];
    assert_eq!(check(&good, ""), Vec::<String>::new());
    assert_eq!(check(&good, "a.rs long 71\n").len(), 1, "an entry that is not needed");

    let bad = [Source::of("a.rs", &function(71)), Source::of("b.rs", &file(501))];
    assert_eq!(check(&bad, "").len(), 2);
    assert_eq!(check(&bad, "# remark\na.rs long 71\nb.rs 501\n"), Vec::<String>::new());
    assert_eq!(check(&bad, "a.rs long 70\nb.rs 501\n").len(), 1, "it grew");
    assert_eq!(check(&bad, "a.rs long 72\nb.rs 501\n").len(), 1, "it shrank");
}
