//! A new plugin's project: the template under another name, with the contract and the SDK beside it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::KitError;
use super::language::Language;
use super::sources;
use crate::domain::kind::{KIND_RULE, is_kind};

/// A file of the project, by its path in it.
#[derive(Debug, PartialEq, Eq)]
pub struct File {
    path: PathBuf,
    runs: bool,
    bytes: Vec<u8>,
}

/// Words of Rust, and crates that are always there: none of them names a crate that a test imports.
const RUST_WORDS: &str = "abstract alloc as async await become box break const continue core crate do dyn else enum extern false final \
    fn for gen if impl in let loop macro match mod move mut override priv proc_macro pub ref return self static std struct super test \
    trait true try type typeof unsafe unsized use virtual where while yield";

/// What stands for the name in the templates, and what takes its place.
struct Names {
    pairs: [(&'static str, String); 4],
}

impl Names {
    fn of(name: &str, template: &str) -> Self {
        let words: Vec<String> = name.split('-').map(capitalized).collect();
        let mut class = words.concat();
        // A type that the template uses itself, such as `Node`, would be shadowed.
        if has_word(template, &class) {
            class += "Kind";
        }
        let title = capitalized(&name.replace('-', " "));
        Self {
            pairs: [
                ("my-kind", name.to_owned()),
                ("my_kind", name.replace('-', "_")),
                ("MyKind", class),
                ("My kind", title),
            ],
        }
    }

    fn put(&self, text: &str) -> String {
        self.pairs.iter().fold(text.to_owned(), |text, (old, new)| text.replace(old, new))
    }
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|char: char| !char.is_alphanumeric() && char != '_').any(|found| found == word)
}

/// The files of a project, or why there can be none of that name.
pub fn plan(name: &str, language: Language) -> Result<Vec<File>, KitError> {
    if !is_kind(name) {
        return Err(KitError::Name { name: name.to_owned(), expected: KIND_RULE });
    }
    let template = format!("sdk-guest/templates/{}", language.word());
    let code = |path: &str| !path.ends_with(".lock") && !path.ends_with("-lock.json");
    let text: String = sources::below(&template)
        .filter(|(path, ..)| code(path))
        .map(|(_, _, bytes)| String::from_utf8_lossy(bytes))
        .collect();
    is_free(name, language, &template)?;
    let names = Names::of(name, &text);
    let renamed = sources::below(&template).map(|(path, runs, bytes)| File {
        path: path.into(),
        runs,
        bytes: names.put(&String::from_utf8_lossy(bytes)).into_bytes(),
    });
    let beside = |from: &'static str, to: &'static str| {
        sources::below(from).map(move |(path, runs, bytes)| File {
            path: Path::new(to).join(path),
            runs,
            bytes: bytes.to_vec(),
        })
    };
    let mut files: Vec<File> = renamed.chain(beside("wit", "wit")).collect();
    match language {
        Language::Rust => {
            files.extend(beside("sdk-guest/src", "sdk/src"));
            files.extend(beside("sdk-guest", "sdk").filter(|file| file.path == Path::new("sdk/Cargo.toml")));
        }
        Language::Js => files.extend(beside("sdk-guest/js", "sdk")),
        Language::Python => files.extend(beside("sdk-guest/python", "sdk")),
    }
    Ok(files)
}

/// The project is a package of its language, among those that it depends on.
fn is_free(name: &str, language: Language, template: &str) -> Result<(), KitError> {
    let taken = |reason: &str| {
        Err(KitError::NameTaken { name: name.to_owned(), language, reason: reason.to_owned() })
    };
    let lock = |file: &str| {
        let found = sources::below(template).find(|(path, ..)| *path == file);
        found.map(|(_, _, bytes)| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
    };
    let packages: BTreeSet<String> = match language {
        Language::Rust if RUST_WORDS.split_whitespace().any(|word| word == name.replace('-', "_")) => {
            return taken("it is a word of the language");
        }
        Language::Rust => {
            let lock = lock("Cargo.lock");
            lock.lines()
                .filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
                .map(str::to_owned)
                .collect()
        }
        Language::Js => {
            let lock = lock("package-lock.json");
            let paths = lock
                .lines()
                .filter_map(|line| line.trim().strip_prefix("\"node_modules/")?.split('"').next());
            paths.map(str::to_owned).collect()
        }
        Language::Python => BTreeSet::new(),
    };
    if packages.contains(name) { taken("it depends on a package of that name") } else { Ok(()) }
}

/// Into an empty folder, or one that is not there yet: that one is made beside its place first, whole or not at all.
pub fn write(folder: &Path, files: &[File]) -> Result<(), KitError> {
    match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(false) => return Err(KitError::NotEmpty(folder.to_owned())),
        // Deliberately not replaced: it may be where the author stands.
        Ok(true) => return fill(folder, files),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(KitError::io(folder)(error)),
    }
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let staged = above.join(format!(".{name}.new-{}", std::process::id()));
    let written =
        fill(&staged, files).and_then(|()| fs::rename(&staged, folder).map_err(KitError::io(folder)));
    if written.is_err() {
        // What is left of it says less than the error.
        fs::remove_dir_all(&staged).unwrap_or_default();
    }
    written
}

fn fill(folder: &Path, files: &[File]) -> Result<(), KitError> {
    for File { path, runs, bytes } in files {
        let path = folder.join(path);
        if let Some(above) = path.parent() {
            fs::create_dir_all(above).map_err(KitError::io(above))?;
        }
        fs::write(&path, bytes).map_err(KitError::io(&path))?;
        if *runs {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).map_err(KitError::io(&path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(files: &[File], path: &str) -> String {
        let found = files.iter().find(|file| file.path == Path::new(path));
        String::from_utf8(found.unwrap_or_else(|| panic!("no {path}")).bytes.clone()).unwrap()
    }

    #[test]
    fn a_project_bears_its_name_and_has_contract_and_sdk_beside_it() {
        for (language, named, text_of_it, sdk) in [
            (Language::Rust, "src/session.rs", "pub struct WineCellar {", "sdk/Cargo.toml"),
            (Language::Js, "package.json", "\"name\": \"wine-cellar\"", "sdk/build.js"),
            (Language::Python, "src/plugin.py", "class WineCellar(Plugin)", "sdk/headgate/build.py"),
        ] {
            let files = plan("wine-cellar", language).unwrap();
            let own = |file: &&File| !file.path.starts_with("sdk") && !file.path.starts_with("wit");
            for file in files.iter().filter(own) {
                let text = String::from_utf8_lossy(&file.bytes);
                for left in ["my-kind", "my_kind", "MyKind", "My kind"] {
                    assert!(!text.contains(left), "{left} is left in {}", file.path.display());
                }
            }
            assert!(text(&files, named).contains(text_of_it), "{language}");
            assert!(!text(&files, sdk).is_empty() && !text(&files, "wit/deps/host/host.wit").is_empty());
        }
    }

    #[test]
    fn a_type_of_the_templates_own_is_not_shadowed() {
        let files = plan("node", Language::Rust).unwrap();
        assert!(text(&files, "src/session.rs").contains("pub struct NodeKind {"));
        assert!(text(&files, "src/lib.rs").contains("kind: \"node\".to_owned()"));
        let files = plan("plugin", Language::Python).unwrap();
        assert!(text(&files, "src/plugin.py").contains("class PluginKind(Plugin):"));
    }

    #[test]
    fn a_name_that_cannot_be_one_says_why() {
        let refused = |name, language| plan(name, language).unwrap_err().to_string();
        insta::assert_snapshot!(
            [
                refused("Wine_Cellar", Language::Js),
                refused("match", Language::Rust),
                refused("serde", Language::Rust),
                refused("esbuild", Language::Js),
            ]
            .join("\n"),
            @"
        `Wine_Cellar` cannot be the plugin's name: expected a kind of a-z, 0-9 and `-`, beginning with a letter, of at most 40 characters
        `match` cannot be the name of a plugin in Rust: it is a word of the language; take another
        `serde` cannot be the name of a plugin in Rust: it depends on a package of that name; take another
        `esbuild` cannot be the name of a plugin in JavaScript: it depends on a package of that name; take another
        "
        );
        assert!(plan("match", Language::Python).is_ok());
    }

    #[test]
    fn a_folder_with_anything_in_it_is_left_alone() {
        let above = tempfile::tempdir().unwrap();
        let folder = above.path().join("cellar");
        let files = plan("cellar", Language::Python).unwrap();
        fs::create_dir(&folder).unwrap();
        write(&folder, &files).unwrap();
        let mode = fs::metadata(folder.join("build.sh")).unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111);
        fs::write(folder.join("build.sh"), "mine").unwrap();
        let refused = write(&folder, &files).unwrap_err().to_string();
        assert!(refused.contains("is not empty"), "{refused}");
        assert_eq!(fs::read_to_string(folder.join("build.sh")).unwrap(), "mine");
        assert_eq!(fs::read_dir(above.path()).unwrap().count(), 1, "nothing is left beside it");
    }
}
