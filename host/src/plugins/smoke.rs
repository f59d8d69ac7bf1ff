//! What a new version must show before it serves: its types and operations can be listed and make sense.

use std::collections::BTreeSet;

use super::describe::is_schema;
use super::driver::Kind;
use super::refusal::{Refusal, Stage};

/// Types and operations of one kind: more are no kind, they are a mistake in a loop.
const LISTED_MAX: usize = 500;

pub(super) async fn check(plugin: &str, kind: &dyn Kind) -> Result<(), Refusal> {
    let refuse = |expected: &str, found: String, advice: &str| {
        Err(Refusal::new(plugin, Stage::Test, expected, found, advice))
    };
    let calls = "try it with the plugin's own tests";
    let types = match kind.types(None).await {
        Ok(types) => types,
        Err(failed) => return refuse("its metadata types", failed.to_string(), calls),
    };
    let operations = match kind.operations(None).await {
        Ok(operations) => operations,
        Err(failed) => return refuse("its operations", failed.to_string(), calls),
    };
    let names = types.iter().map(|one| one.name.as_str());
    if let Err(found) = named(names) {
        return refuse("metadata types with names of their own", found, "correct `list-types`");
    }
    let names = operations.iter().map(|one| one.name.as_str());
    if let Err(found) = named(names) {
        return refuse("operations with names of their own", found, "correct `list-operations`");
    }
    let of_types =
        types.iter().flat_map(|one| [(&one.name, "spec", &one.spec), (&one.name, "status", &one.status)]);
    let of_operations = operations
        .iter()
        .flat_map(|one| [(&one.name, "input", &one.input), (&one.name, "output", &one.output)]);
    for (name, part, schema) in of_types.chain(of_operations) {
        if let Err(found) = is_schema(schema) {
            let expected = format!("a JSON Schema (2020-12) as the {part} of `{name}`");
            return refuse(&expected, found, "correct the schema");
        }
    }
    Ok(())
}

fn named<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for name in names {
        if name.is_empty() {
            return Err("one without a name".to_owned());
        }
        if !seen.insert(name) {
            return Err(format!("two of the name `{name}`"));
        }
    }
    if seen.len() > LISTED_MAX { Err(format!("{} of them", seen.len())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_there_and_of_one_thing() {
        assert_eq!(named(["a", "b"].into_iter()), Ok(()));
        assert_eq!(named(["a", ""].into_iter()), Err("one without a name".to_owned()));
        assert_eq!(named(["a", "b", "a"].into_iter()), Err("two of the name `a`".to_owned()));
    }
}
