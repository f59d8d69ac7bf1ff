//! Static: what a plugin says of itself fits together.

use std::collections::BTreeSet;

use serde_json::Value;

use super::form;
use super::report::{Finding, Verdict};
use super::stage::Stage;
use super::wish;
use crate::domain::contract::{Description, MetadataType};
use crate::domain::operation::OperationType;
use crate::domain::schema;

/// It would not have come here otherwise.
pub(super) async fn loads(stage: &Stage<'_>) -> Verdict {
    let facts = stage.subject.facts;
    let compiled = facts.compile_ms.map(|ms| format!(", compiled in {ms} ms")).unwrap_or_default();
    let note = format!(
        "{} KiB{compiled}, {} imports, {} types, {} operations",
        facts.bytes >> 10,
        facts.imports.len(),
        facts.types.len(),
        facts.operations.len()
    );
    Verdict::Passed { note: Some(note) }
}

pub(super) async fn names(stage: &Stage<'_>) -> Verdict {
    let facts = stage.subject.facts;
    let mut findings = grants(stage.subject.version.description());
    findings.extend(types(&facts.types));
    findings.extend(operations(&facts.operations, &facts.types));
    Verdict::of(findings, None)
}

pub(super) async fn examples(stage: &Stage<'_>) -> Verdict {
    let facts = stage.subject.facts;
    let form = &stage.subject.version.description().connection;
    let mut schemas = vec![("the connection form".to_owned(), form)];
    schemas.extend(facts.types.iter().map(|shape| (format!("the spec of `{}`", shape.name), &shape.spec)));
    schemas.extend(facts.operations.iter().map(|one| (format!("the input of `{}`", one.name), &one.input)));
    let counted: usize = schemas.iter().map(|(_, schema)| count(schema)).sum();
    let findings = schemas.iter().flat_map(|(what, schema)| faulty(what, schema)).collect();
    Verdict::of(findings, (counted > 0).then(|| format!("{counted} examples and defaults")))
}

fn grants(description: &Description) -> Vec<Finding> {
    let known = |pointer: &String| {
        let mut keys = pointer.split('/').skip(1);
        keys.try_fold(&description.connection, |schema, key| schema.get("properties")?.get(key)).is_some()
    };
    let pointers = form::address_fields(description);
    let lost = pointers.iter().filter(|pointer| !known(pointer));
    lost.map(|pointer| {
        let found = format!("a grant for `${{connection.{pointer}}}`, which the form does not have");
        Finding::new(
            "grants that name fields of the connection form",
            found,
            "correct `grants` or `connection`",
        )
    })
    .collect()
}

fn types(types: &[MetadataType]) -> Vec<Finding> {
    let names: BTreeSet<&str> = types.iter().map(|shape| shape.name.as_str()).collect();
    let mut plurals = BTreeSet::new();
    let mut findings = Vec::new();
    for shape in types {
        if !plurals.insert(shape.plural.as_str()) {
            let found = format!("`{}` a second time, of `{}`", shape.plural, shape.name);
            findings.push(Finding::new("a plural of its own for each type", found, "name the plurals apart"));
        }
        for before in shape.after.iter().filter(|before| !names.contains(before.as_str())) {
            let found = format!("`{}` comes after `{before}`, which is no type", shape.name);
            findings.push(Finding::new("types that exist in `after`", found, "correct `after`"));
        }
        for path in shape.identity.iter().chain(shape.fields.iter().map(|field| &field.path)) {
            if !path.starts_with('/') {
                let found = format!("`{path}` in `{}`", shape.name);
                findings.push(Finding::new(
                    "JSON Pointers, which begin with `/`",
                    found,
                    "write `/` before it",
                ));
            }
        }
    }
    findings
}

fn operations(operations: &[OperationType], types: &[MetadataType]) -> Vec<Finding> {
    let lost = |one: &&OperationType| {
        one.metadata_type.as_ref().is_some_and(|name| !types.iter().any(|shape| shape.name == *name))
    };
    let finding = |one: &OperationType| {
        let found = format!("`{}` works on `{}`", one.name, one.metadata_type.as_deref().unwrap_or_default());
        Finding::new("operations on types that exist", found, "correct the operation's `metadata-type`")
    };
    operations.iter().filter(lost).map(finding).collect()
}

fn count(schema: &Value) -> usize {
    let mut found = 0;
    each(schema, "", &mut |_, _, _| found += 1);
    found
}

/// Every `default` and example that its own part of the schema refuses.
fn faulty(what: &str, schema: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    each(schema, "", &mut |path, part, example| {
        // What refers to another part of the whole cannot be held against its own part.
        if part.to_string().contains("\"$ref\"") {
            return;
        }
        let Ok(validator) = schema::validator(part) else { return };
        if let Err(error) = validator.validate(example) {
            let found = format!("{what}{path}: {example}: {error}");
            findings.push(Finding::new(
                "examples and defaults that are valid",
                found,
                "correct one of the two",
            ));
        }
    });
    findings
}

fn each(schema: &Value, path: &str, work: &mut dyn FnMut(&str, &Value, &Value)) {
    for example in wish::examples(schema) {
        work(path, schema, example);
    }
    if let Some(default) = schema.get("default").filter(|default| !default.is_object()) {
        work(path, schema, default);
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, inner) in properties.into_iter().flatten() {
        each(inner, &format!("{path}/{name}"), work);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::contract::{Divergence, Grant, Granularity, Scope, Verbs};

    pub(in crate::conformance) fn description() -> Description {
        Description {
            kind: "toy".to_owned(),
            title: "Toy".to_owned(),
            version: "0.1.0".to_owned(),
            vendor: "Tests".to_owned(),
            documentation: None,
            connection: json!({"properties": {"bootstrap": {"type": "string"}}}),
            roles: Vec::new(),
            grouped: false,
            relations: Vec::new(),
            grants: vec![Grant::Network {
                host: "${connection./bootstrap}".to_owned(),
                ports: "1-65535".to_owned(),
            }],
            protocols: Vec::new(),
        }
    }

    pub(in crate::conformance) fn writable(name: &str) -> MetadataType {
        MetadataType {
            name: name.to_owned(),
            plural: format!("{name}s"),
            title: name.to_owned(),
            scope: Scope::Cluster,
            roles: Vec::new(),
            identity: Vec::new(),
            tells_defaults: true,
            verbs: Verbs { create: true, update: true, delete: true },
            granularity: Granularity::PerKey,
            divergence: Divergence::Single,
            spec: json!({"type": "object"}),
            status: json!({"type": "object"}),
            fields: Vec::new(),
            after: Vec::new(),
            since: None,
            until: None,
        }
    }

    #[test]
    fn what_is_named_and_does_not_exist_is_found() {
        assert_eq!(grants(&description()), []);
        let mut lost = description();
        lost.connection = json!({});
        assert!(grants(&lost)[0].found.contains("/bootstrap"));
        let mut other = writable("queue");
        other.after = vec!["exchange".to_owned()];
        other.plural = "topics".to_owned();
        other.identity = vec!["name".to_owned()];
        let found: Vec<String> =
            types(&[writable("topic"), other]).into_iter().map(|finding| finding.found).collect();
        assert_eq!(found.len(), 3, "{found:?}");
    }

    #[test]
    fn an_example_that_its_schema_refuses_is_found_where_it_stands() {
        let schema = json!({
            "type": "object",
            "examples": [{"size": 1}],
            "properties": {"size": {"type": "integer", "minimum": 2, "default": 1}},
        });
        let found: Vec<String> =
            faulty("the spec", &schema).into_iter().map(|finding| finding.found).collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[1].starts_with("the spec/size: 1:"), "{found:?}");
        assert_eq!(count(&schema), 2);
    }
}
