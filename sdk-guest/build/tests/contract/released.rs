//! Released versions of the contract, `wit/released/VERSION`, hold still: their texts are what was released, and what the present
//! text shares a number with, it only adds to.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ring::digest;
use wit_parser::{Function, PackageName, Resolve, TypeDef, TypeDefKind};

use crate::words::named;

/// As `sha256sum` writes them: a line for each file.
const SUMS: &str = "SHA256SUMS";

fn wit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")
}

fn contract(folder: &Path) -> Resolve {
    let mut contract = Resolve::default();
    contract.push_path(folder).unwrap();
    contract
}

fn versions() -> Vec<PathBuf> {
    let entries = fs::read_dir(wit().join("released")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir()).collect()
}

#[test]
fn a_released_text_is_what_was_released() {
    let folder = wit().join("released");
    let mut found = Vec::new();
    gather(&folder, &mut found);
    let mut sums: Vec<String> = found
        .iter()
        .map(|path| {
            let sum = digest::digest(&digest::SHA256, &fs::read(path).unwrap());
            let sum: String = sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{sum}  {}", path.strip_prefix(&folder).unwrap().display())
        })
        .collect();
    sums.sort_by(|one, other| one[66..].cmp(&other[66..]));
    let kept = fs::read_to_string(folder.join(SUMS)).unwrap();
    let kept: Vec<&str> = kept.lines().collect();
    assert_eq!(
        sums, kept,
        "a text in wit/released changed, or was added without its sum: what was released stays; a new version is added by \
         `cd wit/released && sha256sum VERSION/plugin.wit VERSION/deps/host/host.wit >>{SUMS}`, sorted by path"
    );
}

fn gather(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, found);
        } else if path.extension().is_some_and(|end| end == "wit") {
            found.push(path);
        }
    }
}

#[test]
fn a_folder_holds_the_version_of_its_name_and_the_present_text_only_adds_to_what_shares_its_number() {
    let present = contract(&wit());
    for folder in versions() {
        let released = contract(&folder);
        let version = folder.file_name().unwrap().to_string_lossy();
        assert!(released.packages.iter().any(|(_, package)| {
            package.name.name == "plugin" && package.name.version.as_ref().unwrap().to_string() == version
        }));
        assert_eq!(broken(&released, &present, same_track), Vec::<String>::new(), "since {version}");
        assert_eq!(asked_anew(&released, &present), Vec::<String>::new(), "since {version}");
    }
}

#[test]
fn the_trial_differs_from_the_present_text_in_a_record_an_enum_and_a_function() {
    let trial = contract(&wit().join("released/0.0.1"));
    let anyway = |one: &PackageName, other: &PackageName| one.name == other.name;
    assert_eq!(
        broken(&trial, &contract(&wit()), anyway),
        [
            "plugin/storage-driver health was `enum up, down, unknown`, is `enum up, degraded, down, unknown`",
            "plugin/storage-driver write-resources was `(writes: list<write>) -> result<list<outcome>, error>`, is \
             `(writes: list<write>, dry-run: bool) -> result<list<outcome>, error>`",
            "plugin/types resource was `record key: resource-key, revision: option<string>, spec: json, effective: option<json>, \
             status: json, internal: bool, partial: bool, extra: option<json>`, is `record key: resource-key, revision: \
             option<string>, incarnation: option<string>, spec: json, effective: option<json>, status: json, internal: bool, \
             partial: bool, extra: option<json>`",
        ]
    );
}

#[test]
fn who_only_adds_a_type_or_lends_more_breaks_nothing_and_who_asks_for_more_does() {
    let text = |package: &str, version: &str, more: &str| {
        let mut contract = Resolve::default();
        let text = format!(
            "package headgate:{package}@{version}; interface one {{ type id = string; ask: func(id: id); {more} }}"
        );
        contract.push_str("one.wit", &text).unwrap();
        contract
    };
    let told = |package: &str, version: &str, more: &str| {
        let (released, present) = (text(package, "0.1.0", ""), text(package, version, more));
        [broken(&released, &present, same_track), asked_anew(&released, &present)].concat()
    };
    assert_eq!(told("plugin", "0.1.1", "record more { id: id }"), Vec::<String>::new());
    assert_eq!(told("plugin", "0.1.1", "more: func();"), ["one more"]);
    assert_eq!(told("plugin", "0.2.0", "more: func();"), Vec::<String>::new());
    assert_eq!(told("host", "0.1.1", "more: func();"), Vec::<String>::new());
}

/// Functions that an interface of the plugin's side did not have: a component of before does not answer them. A new interface
/// is not asked of it.
fn asked_anew(released: &Resolve, present: &Resolve) -> Vec<String> {
    let functions = |contract: &Resolve, package: &wit_parser::Package| -> Vec<(String, String)> {
        let names = |(name, id): (&String, &wit_parser::InterfaceId)| {
            let functions = contract.interfaces[*id].functions.keys();
            functions.map(|function| (name.clone(), function.clone())).collect::<Vec<_>>()
        };
        package.interfaces.iter().flat_map(names).collect()
    };
    let mut anew = Vec::new();
    for (_, package) in released.packages.iter().filter(|(_, package)| package.name.name == "plugin") {
        let later = present.packages.iter().find(|(_, later)| same_track(&package.name, &later.name));
        let Some((_, later)) = later else { continue };
        let known = functions(released, package);
        let is_new = |(interface, function): &(String, String)| {
            package.interfaces.contains_key(interface)
                && !known.contains(&(interface.clone(), function.clone()))
        };
        let found = functions(present, later).into_iter().filter(is_new);
        anew.extend(found.map(|(interface, function)| format!("{interface} {function}")));
    }
    anew
}

/// Components of the one are taken for those of the other: `0.1.0` and `0.1.3`, `1.0.0` and `1.2.0`, `0.0.1` alone.
fn same_track(one: &PackageName, other: &PackageName) -> bool {
    let track = |name: &PackageName| {
        let version = name.version.clone().unwrap();
        match (version.major, version.minor) {
            (0, 0) => (0, 0, version.patch),
            (0, minor) => (0, minor, 0),
            (major, _) => (major, 0, 0),
        }
    };
    one.name == other.name && track(one) == track(other)
}

/// What the one has and the other has not, or has another way, in the packages that go together.
fn broken(
    one: &Resolve,
    other: &Resolve,
    go_together: impl Fn(&PackageName, &PackageName) -> bool,
) -> Vec<String> {
    let mut broken = Vec::new();
    for (_, package) in &one.packages {
        let later = other.packages.iter().find(|(_, later)| go_together(&package.name, &later.name));
        let Some((_, later)) = later else { continue };
        let (was, is) = (items(one, package), items(other, later));
        for (name, shape) in was {
            let of = &package.name.name;
            match is.get(&name) {
                None => broken.push(format!("{of}/{name} is gone")),
                Some(now) if *now != shape => {
                    broken.push(format!("{of}/{name} was `{shape}`, is `{now}`"));
                }
                Some(_) => {}
            }
        }
    }
    broken.sort();
    broken
}

/// Types and functions of all interfaces, without what they say of themselves.
fn items(contract: &Resolve, package: &wit_parser::Package) -> BTreeMap<String, String> {
    let mut items = BTreeMap::new();
    for (interface, id) in &package.interfaces {
        let definition = &contract.interfaces[*id];
        for (name, id) in &definition.types {
            items.insert(format!("{interface} {name}"), shape(contract, &contract.types[*id]));
        }
        for (name, function) in &definition.functions {
            items.insert(format!("{interface} {name}"), signature(contract, function));
        }
    }
    items
}

fn signature(contract: &Resolve, function: &Function) -> String {
    let parameter =
        |parameter: &wit_parser::Param| format!("{}: {}", parameter.name, named(contract, &parameter.ty));
    let parameters: Vec<String> = function.params.iter().map(parameter).collect();
    let result = function.result.as_ref().map(|result| format!(" -> {}", named(contract, result)));
    format!("({}){}", parameters.join(", "), result.unwrap_or_default())
}

fn shape(contract: &Resolve, definition: &TypeDef) -> String {
    let parts: Vec<String> = match &definition.kind {
        TypeDefKind::Record(record) => {
            let field = |field: &wit_parser::Field| format!("{}: {}", field.name, named(contract, &field.ty));
            record.fields.iter().map(field).collect()
        }
        TypeDefKind::Variant(variant) => {
            let case = |case: &wit_parser::Case| {
                let held = case.ty.as_ref().map(|of| format!("({})", named(contract, of)));
                format!("{}{}", case.name, held.unwrap_or_default())
            };
            variant.cases.iter().map(case).collect()
        }
        TypeDefKind::Enum(cases) => cases.cases.iter().map(|case| case.name.clone()).collect(),
        TypeDefKind::Flags(flags) => flags.flags.iter().map(|flag| flag.name.clone()).collect(),
        TypeDefKind::Type(of) => vec![named(contract, of)],
        TypeDefKind::Resource => Vec::new(),
        other => vec![format!("{other:?}")],
    };
    format!("{} {}", definition.kind.as_str(), parts.join(", "))
}
