//! A file of the tree, and Rust text taken apart: code, comments and literals.

use std::fs;
use std::path::Path;

/// Folders that hold nothing of ours.
const SKIPPED: [&str; 6] = [".git", "target", "node_modules", "dist", ".venv", "__pycache__"];

/// A file by its path from the root, with `/` between.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
    /// Declared by a `#[cfg(test)] mod …;`.
    guarded: bool,
}

impl Source {
    #[cfg(test)]
    pub(crate) fn of(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), guarded: false }
    }

    pub(crate) fn is_rust(&self) -> bool {
        has_extension(&self.path, "rs")
    }

    /// Only there for tests. What `#[cfg(test)]` guards inside a file is taken out by [`Rust::of`].
    pub(crate) fn is_test(&self) -> bool {
        self.guarded || self.path.starts_with("tests/")
    }
}

/// Every text file below the root.
pub(crate) fn tree(root: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    walk(root, root, &mut found);
    found.sort_by(|one, other| one.path.cmp(&other.path));
    mark_guarded(&mut found);
    found
}

/// Marks the files of modules that only tests see, and what is below them.
pub(crate) fn mark_guarded(files: &mut [Source]) {
    let guarded: Vec<String> = files.iter().filter(|file| file.is_rust()).flat_map(guarded_modules).collect();
    for file in files {
        let stem = file.path.trim_end_matches(".rs");
        let is_in = |module: &String| {
            stem.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        file.guarded = guarded.iter().any(is_in);
    }
}

/// `host/src/store/tests` for `#[cfg(test)] mod tests;` in `host/src/store.rs`.
fn guarded_modules(file: &Source) -> Vec<String> {
    let stem = file.path.trim_end_matches(".rs");
    let folder = match stem.rsplit_once('/') {
        Some((folder, "lib" | "main")) => folder,
        _ => stem,
    };
    let code = Rust::with_tests(&file.text).code;
    let items = code.match_indices("#[cfg(test)]").filter_map(|(at, guard)| code.get(at + guard.len()..));
    let declared = items.filter_map(|item| {
        let item = item.get(..item_length(item))?;
        let (_, name) = item.strip_suffix(';')?.rsplit_once("mod ")?;
        Some(name.trim().to_owned())
    });
    declared.map(|name| format!("{folder}/{name}")).collect()
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() {
            if !SKIPPED.iter().any(|skipped| name == *skipped) {
                walk(root, &path, found);
            }
        } else if let (Ok(text), Ok(relative)) = (fs::read_to_string(&path), path.strip_prefix(root)) {
            found.push(Source { path: relative.to_string_lossy().replace('\\', "/"), text, guarded: false });
        }
    }
}

pub(crate) fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

/// Rust text in which comments and the insides of literals are blanks, so that braces and words are code's own.
pub(crate) struct Rust {
    pub(crate) code: String,
    /// String literals with the line that they begin on.
    pub(crate) strings: Vec<(usize, String)>,
}

impl Rust {
    /// Without what `#[cfg(test)]` guards.
    pub(crate) fn of(text: &str) -> Self {
        let mut rust = Self::with_tests(text);
        let kept = without_tests(&rust.code);
        let is_kept = |line: usize| {
            let blank = kept.lines().nth(line - 1).is_none_or(|text| text.trim().is_empty());
            let code = rust.code.lines().nth(line - 1).is_none_or(|text| text.trim().is_empty());
            !blank || code
        };
        let strings = rust.strings.iter().filter(|(line, _)| is_kept(*line)).cloned().collect();
        rust.strings = strings;
        rust.code = kept;
        rust
    }

    pub(crate) fn with_tests(text: &str) -> Self {
        Lexer { rest: text, line: 1, code: String::with_capacity(text.len()), strings: Vec::new() }.run()
    }
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    code: String,
    strings: Vec<(usize, String)>,
}

impl Lexer<'_> {
    fn run(mut self) -> Rust {
        while let Some(first) = self.rest.chars().next() {
            let word =
                self.code.chars().next_back().is_some_and(|last| last.is_alphanumeric() || last == '_');
            if self.rest.starts_with("//") {
                self.blank(self.rest.find('\n').unwrap_or(self.rest.len()));
            } else if self.rest.starts_with("/*") {
                self.blank(comment_length(self.rest));
            } else if let Some(hashes) = raw_string(self.rest).filter(|_| !word) {
                self.raw(hashes);
            } else if first == '"' {
                self.string(quoted_length(self.rest));
            } else if let Some(length) = char_length(self.rest) {
                self.blank(length);
            } else {
                self.keep(first);
            }
        }
        Rust { code: self.code, strings: self.strings }
    }

    fn keep(&mut self, first: char) {
        self.line += usize::from(first == '\n');
        self.code.push(first);
        self.rest = self.rest.get(first.len_utf8()..).unwrap_or_default();
    }

    fn blank(&mut self, length: usize) {
        let (gone, rest) = self.rest.split_at(length);
        self.line += gone.matches('\n').count();
        self.code.extend(gone.chars().map(|char| if char == '\n' { '\n' } else { ' ' }));
        self.rest = rest;
    }

    fn string(&mut self, length: usize) {
        let inside = self.rest.get(1..length.saturating_sub(1)).unwrap_or_default();
        self.strings.push((self.line, inside.to_owned()));
        self.quoted(length);
    }

    fn raw(&mut self, hashes: usize) {
        let open = self.rest.find('"').unwrap_or(0) + 1;
        let closing = format!("\"{}", "#".repeat(hashes));
        let body = self.rest.get(open..).unwrap_or_default();
        let inside = body.find(&closing).unwrap_or(body.len());
        self.strings.push((self.line, body.get(..inside).unwrap_or_default().to_owned()));
        self.quoted((open + inside + closing.len()).min(self.rest.len()));
    }

    /// Leaves a pair of quotes behind, so that a line that holds only a literal is still a line of code.
    fn quoted(&mut self, length: usize) {
        self.code.push('"');
        self.blank(length);
        self.code.push('"');
    }
}

/// `r"`, `r#"`, `br##"`: how many hashes.
fn raw_string(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = after.chars().take_while(|char| *char == '#').count();
    after.chars().nth(hashes).filter(|char| *char == '"').map(|_| hashes)
}

fn quoted_length(rest: &str) -> usize {
    let mut escaped = false;
    for (at, char) in rest.char_indices().skip(1) {
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// A character literal, not a lifetime.
fn char_length(rest: &str) -> Option<usize> {
    let mut chars = rest.strip_prefix('\'')?.char_indices();
    let (_, first) = chars.next()?;
    if first == '\\' {
        let (escaped, _) = chars.next()?;
        return rest.get(escaped + 2..)?.find('\'').map(|end| escaped + end + 3);
    }
    chars.next().filter(|(_, second)| *second == '\'').map(|(at, _)| at + 2)
}

fn comment_length(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(text) = rest.get(at..).filter(|text| !text.is_empty()) {
        if text.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if text.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += text.chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// Blanks each item that follows `#[cfg(test)]`, to its closing brace or semicolon.
fn without_tests(code: &str) -> String {
    let mut kept = code.to_owned();
    while let Some(start) = kept.find("#[cfg(test)]") {
        let end = start + item_length(kept.get(start..).unwrap_or_default());
        let blank: String = kept
            .get(start..end)
            .unwrap_or_default()
            .chars()
            .map(|char| if char == '\n' { '\n' } else { ' ' })
            .collect();
        kept.replace_range(start..end, &blank);
    }
    kept
}

/// From here to the brace that closes the first one, or to a semicolon before any.
pub(crate) fn item_length(code: &str) -> usize {
    let (mut braces, mut brackets) = (0_usize, 0_usize);
    for (at, char) in code.char_indices() {
        match char {
            '{' => braces += 1,
            '}' if braces <= 1 => return at + 1,
            '}' => braces -= 1,
            '[' | '(' => brackets += 1,
            ']' | ')' => brackets = brackets.saturating_sub(1),
            ';' if braces == 0 && brackets == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

#[test]
fn code_is_told_from_comments_and_literals() {
    let text = r##"let a = "{ // no"; // } comment
let b = r#"select " x"#; let c = '{'; let d = 'x: loop {}; /* { /* nested */ } */ let e = b"y\"z"; let f = '\'';"##;
    let rust = Rust::with_tests(text);
    assert_eq!(rust.code.matches('{').count(), 1, "{}", rust.code);
    assert!(!rust.code.contains("comment") && !rust.code.contains("nested"), "{}", rust.code);
    let strings: Vec<&str> = rust.strings.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(strings, ["{ // no", "select \" x", "y\\\"z"]);
    assert_eq!(rust.code.lines().count(), 2);
}

#[test]
fn what_only_tests_see_is_taken_out() {
    let rust =
        Rust::of("use a::b;\n#[cfg(test)]\nmod tests {\n  fn f() { g(\"x\") }\n}\nfn h() { i(\"y\") }\n");
    assert!(!rust.code.contains("mod tests") && rust.code.contains("fn h()"), "{}", rust.code);
    assert_eq!(rust.strings, [(6, "y".to_owned())]);
}

#[test]
fn files_of_modules_that_only_tests_see_are_known() {
    let mut files = [
        Source::of("host/src/lib.rs", "#[cfg(test)]\nmod model;\nmod store;"),
        Source::of("host/src/model.rs", ""),
        Source::of("host/src/store.rs", "#[cfg(test)]\npub(crate) mod testing; mod rows;"),
        Source::of("host/src/store/testing/data.rs", ""),
        Source::of("host/src/store/rows.rs", ""),
        Source::of("tests/src/lib.rs", ""),
    ];
    mark_guarded(&mut files);
    let tests: Vec<&str> =
        files.iter().filter(|file| file.is_test()).map(|file| file.path.as_str()).collect();
    assert_eq!(tests, ["host/src/model.rs", "host/src/store/testing/data.rs", "tests/src/lib.rs"]);
}
