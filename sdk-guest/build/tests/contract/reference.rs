//! `docs/plugins/reference.md` says what the contract in `wit/` says. `HEADGATE_UPDATE=1 cargo test --test contract` writes it.

use std::path::Path;
use std::{env, fs};

use wit_parser::{
    Docs, Function, FunctionKind, Interface, Resolve, Type, TypeDef, TypeDefKind, TypeId, World, WorldItem,
};

use crate::words::named;

const HEAD: &str = "# The contract, word by word

Made of `wit/deps/host/host.wit`, which the host lends, and `wit/plugin.wit`, which a plugin answers; change it there. Names are
WIT's: the SDK for Rust has them in snake case and camel case as Rust does, those for JavaScript in camel case, those for Python in snake
case.
";

#[test]
fn the_reference_is_that_of_the_contract() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut contract = Resolve::default();
    contract.push_path(project.join("wit")).unwrap();
    let text = reference(&contract);
    let file = project.join("docs/plugins/reference.md");
    if env::var_os("HEADGATE_UPDATE").is_some() {
        fs::write(&file, &text).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == text,
        "{} is not that of wit/: write it by HEADGATE_UPDATE=1 cargo test -p headgate-plugin-build --test contract",
        file.display()
    );
}

fn reference(contract: &Resolve) -> String {
    let mut text = HEAD.to_owned();
    for (_, package) in &contract.packages {
        text.push_str(&format!("\n## `{}`\n{}", package.name, paragraph(&package.docs)));
        for id in package.interfaces.values() {
            text.push_str(&interface(contract, &contract.interfaces[*id]));
        }
        for id in package.worlds.values() {
            text.push_str(&world(contract, &contract.worlds[*id]));
        }
    }
    text
}

fn interface(contract: &Resolve, interface: &Interface) -> String {
    let name = interface.name.as_deref().unwrap_or_default();
    let mut text = format!("\n### `{name}`\n{}", paragraph(&interface.docs));
    for (name, id) in &interface.types {
        text.push_str(&definition(contract, name, &contract.types[*id]));
        let is_method = |function: &&Function| owner(&function.kind) == Some(*id);
        for method in interface.functions.values().filter(is_method) {
            text.push_str(&format!("- {}\n", signature(contract, method)));
        }
    }
    let free = interface.functions.values().filter(|function| owner(&function.kind).is_none());
    let functions: String = free.map(|function| format!("- {}\n", signature(contract, function))).collect();
    if !functions.is_empty() {
        text.push_str(&format!("\n**Functions**\n\n{functions}"));
    }
    text
}

fn owner(kind: &FunctionKind) -> Option<TypeId> {
    kind.resource()
}

/// `name(a: u32) -> string`, and what it says of itself.
fn signature(contract: &Resolve, function: &Function) -> String {
    let own = |name: &str| name != "self";
    let parameters: Vec<String> = function
        .params
        .iter()
        .filter(|parameter| own(&parameter.name))
        .map(|parameter| format!("{}: {}", parameter.name, named(contract, &parameter.ty)))
        .collect();
    let result =
        function.result.as_ref().map(|result| format!(" -> {}", named(contract, result))).unwrap_or_default();
    format!("`{}({}){result}`{}", function.item_name(), parameters.join(", "), sentence(&function.docs))
}

fn definition(contract: &Resolve, name: &str, definition: &TypeDef) -> String {
    let parts: Vec<String> = match &definition.kind {
        TypeDefKind::Record(record) => {
            let field = |field: &wit_parser::Field| {
                format!("`{}: {}`{}", field.name, named(contract, &field.ty), sentence(&field.docs))
            };
            record.fields.iter().map(field).collect()
        }
        TypeDefKind::Variant(variant) => {
            let case = |case: &wit_parser::Case| match &case.ty {
                Some(of) => format!("`{}({})`{}", case.name, named(contract, of), sentence(&case.docs)),
                None => format!("`{}`{}", case.name, sentence(&case.docs)),
            };
            variant.cases.iter().map(case).collect()
        }
        TypeDefKind::Enum(cases) => {
            cases.cases.iter().map(|case| format!("`{}`{}", case.name, sentence(&case.docs))).collect()
        }
        TypeDefKind::Flags(flags) => {
            flags.flags.iter().map(|flag| format!("`{}`{}", flag.name, sentence(&flag.docs))).collect()
        }
        // What is taken from another interface stands there.
        TypeDefKind::Type(Type::Id(_)) => return String::new(),
        TypeDefKind::Type(other) => vec![format!("`{}`", named(contract, other))],
        _ => Vec::new(),
    };
    let parts: String = parts.iter().map(|part| format!("- {part}\n")).collect();
    format!("\n**{} `{name}`**{}\n\n{parts}", definition.kind.as_str(), sentence(&definition.docs))
}

fn world(contract: &Resolve, world: &World) -> String {
    let names = |items: Vec<&WorldItem>| -> String {
        let mut names: Vec<String> = items.into_iter().filter_map(|item| item_name(contract, item)).collect();
        names.sort();
        names.join(", ")
    };
    let (imports, exports) =
        (names(world.imports.values().collect()), names(world.exports.values().collect()));
    let mut text = format!("\n### world `{}`\n{}", world.name, paragraph(&world.docs));
    if !imports.is_empty() {
        text.push_str(&format!("\nThe host lends: {imports}.\n"));
    }
    if !exports.is_empty() {
        text.push_str(&format!("\nA plugin answers: {exports}.\n"));
    }
    text
}

fn item_name(contract: &Resolve, item: &WorldItem) -> Option<String> {
    match item {
        WorldItem::Interface { id, .. } => Some(format!("`{}`", contract.interfaces[*id].name.as_deref()?)),
        WorldItem::Function(_) | WorldItem::Type { .. } => None,
    }
}

fn contents(docs: &Docs) -> String {
    docs.contents.as_deref().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Behind what it speaks of.
fn sentence(docs: &Docs) -> String {
    let contents = contents(docs);
    if contents.is_empty() { contents } else { format!(": {contents}") }
}

fn paragraph(docs: &Docs) -> String {
    let contents = contents(docs);
    if contents.is_empty() { contents } else { format!("\n{contents}\n") }
}
