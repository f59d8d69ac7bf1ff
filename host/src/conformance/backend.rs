//! What is listed: against its schema, page by page, and by a cursor that nobody gave.

use std::collections::BTreeMap;

use serde_json::Value;

use super::listing::{self, Walk};
use super::report::{Finding, Verdict};
use super::stage::{Opened, Stage, advice};
use crate::domain::contract::MetadataType;
use crate::domain::place::Place;
use crate::domain::resource::{Observed, Page, Query};
use crate::domain::schema;
use crate::plugins::driver::{CallError, Driver};

/// The first is what the others are held against.
const LIMITS: [u32; 4] = [1_000, 7, 2, 1];

/// Pages of one listing: a large cluster is not read a thousand times, one page at a time.
const PAGES_MAX: usize = 40;

/// Behind every id that people write, for plugins whose cursor is the last id.
const NO_CURSOR: &str = "~~headgate-no-such-cursor~~";

pub(super) fn query(metadata_type: &str, cursor: Option<String>, limit: u32) -> Query {
    Query {
        metadata_type: metadata_type.to_owned(),
        place: Place::Cluster,
        brief: false,
        fields: Vec::new(),
        since: None,
        cursor,
        limit,
    }
}

/// All of a type, to the last page or to so many.
pub(super) async fn listed(
    driver: &dyn Driver,
    metadata_type: &str,
    limit: u32,
) -> Result<(Walk, Vec<Observed>), CallError> {
    let mut walk = Walk { limit, keys: Vec::new(), pages: 0, whole: false };
    let (mut resources, mut cursor) = (Vec::new(), None);
    while walk.pages < PAGES_MAX && !walk.whole {
        let page = driver.list(query(metadata_type, cursor, limit)).await?;
        walk.pages += 1;
        walk.keys.extend(page.resources.iter().map(|one| one.key.clone()));
        resources.extend(page.resources);
        walk.whole = page.next.is_none();
        cursor = page.next;
    }
    Ok((walk, resources))
}

/// What a type says it cannot be asked for is no fault of its listing.
pub(super) fn unlisted(shape: &MetadataType, error: &CallError) -> Finding {
    let found = format!("{}: {error}", shape.name);
    Finding::new("an answer of `list-resources`", found, advice(error))
}

pub(super) async fn schemas(stage: &Stage<'_>) -> Verdict {
    let Opened { driver, types, .. } = match stage.open().await {
        Ok(opened) => opened,
        Err(verdict) => return verdict,
    };
    let (mut findings, mut count) = (Vec::new(), 0);
    for shape in &types {
        match listed(&*driver, &shape.name, 1_000).await {
            Ok((_, resources)) => {
                count += resources.len();
                findings.extend(unlike(shape, &resources));
            }
            Err(error) => findings.push(unlisted(shape, &error)),
        }
    }
    Verdict::of(findings, Some(format!("{count} resources of {} types", types.len())))
}

/// Resources that their type's schemas refuse. Of a partial one what is not there is not known.
fn unlike(shape: &MetadataType, resources: &[Observed]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (part, schema, of) in [
        ("spec", &shape.spec, (|one| &one.spec) as fn(&Observed) -> &Value),
        ("status", &shape.status, |one| &one.status),
    ] {
        let validator = match schema::validator(schema) {
            Ok(validator) => validator,
            Err(error) => {
                let found = format!("the {part} of `{}`: {error}", shape.name);
                findings.push(Finding::new("a JSON Schema (2020-12)", found, "correct the schema"));
                continue;
            }
        };
        for one in resources {
            let errors = validator.iter_errors(of(one));
            let missing = |error: &jsonschema::ValidationError<'_>| {
                matches!(error.kind(), jsonschema::error::ValidationErrorKind::Required { .. })
            };
            let mut errors = errors.filter(|error| !(one.partial && missing(error)));
            if let Some(error) = errors.next() {
                let found =
                    format!("{} `{}`, {part}{}: {error}", shape.name, one.key.id, error.instance_path());
                let advice = "correct the schema, or give the value in the form that it says";
                findings.push(Finding::new(format!("a {part} as its schema says"), found, advice));
            }
        }
    }
    findings
}

pub(super) async fn paging(stage: &Stage<'_>) -> Verdict {
    let Opened { driver, types, .. } = match stage.open().await {
        Ok(opened) => opened,
        Err(verdict) => return verdict,
    };
    let (mut findings, mut counts) = (Vec::new(), BTreeMap::new());
    for shape in &types {
        let mut walks = Vec::new();
        for limit in LIMITS {
            match listed(&*driver, &shape.name, limit).await {
                Ok((walk, _)) => walks.push(walk),
                Err(error) => findings.push(unlisted(shape, &error)),
            }
        }
        // What changes while it is listed says nothing of the pages.
        let again = listed(&*driver, &shape.name, 1_000).await.map(|(walk, _)| walk.keys);
        let stands = walks.first().is_some_and(|first| again.as_ref().is_ok_and(|keys| *keys == first.keys));
        if stands {
            findings.extend(listing::judge(&shape.name, &walks));
        }
        counts.insert(shape.name.as_str(), walks.first().map_or(0, |walk| walk.keys.len()));
    }
    let few: Vec<&str> = counts.iter().filter(|(_, count)| **count < 3).map(|(name, _)| *name).collect();
    let mut note = format!("{} resources of {} types", counts.values().sum::<usize>(), counts.len());
    if !few.is_empty() {
        note.push_str(&format!("; of fewer than three nothing is shown: {}", few.join(", ")));
    }
    Verdict::of(findings, Some(note))
}

pub(super) async fn cursor(stage: &Stage<'_>) -> Verdict {
    let Opened { driver, types, .. } = match stage.open().await {
        Ok(opened) => opened,
        Err(verdict) => return verdict,
    };
    let mut findings = Vec::new();
    for shape in &types {
        let answer = driver.list(query(&shape.name, Some(NO_CURSOR.to_owned()), 7)).await;
        findings.extend(strange(&shape.name, &answer));
    }
    Verdict::of(findings, Some(format!("{} types", types.len())))
}

/// An error with a name, or the end: where a cursor is the last id, nothing lies behind this one.
fn strange(metadata_type: &str, answer: &Result<Page, CallError>) -> Option<Finding> {
    let expected = "an error such as `invalid-argument` for a cursor that nobody gave";
    match answer {
        Err(CallError::Backend(_)) => None,
        Ok(page) => {
            let first = page.resources.first().filter(|one| one.key.id.as_str() < NO_CURSOR)?;
            let found = format!("{metadata_type}: a page that begins with `{}`", first.key.id);
            Some(Finding::new(
                expected,
                found,
                "refuse it: a listing that begins anew gives everything twice",
            ))
        }
        Err(error) => {
            let found = format!("{metadata_type}: {error}");
            Some(Finding::new(expected, found, advice(error)))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::conformance::shape::tests::writable;
    use crate::domain::error::{BackendError, ErrorKind};
    use crate::domain::resource::ResourceKey;

    fn observed(id: &str, spec: Value, partial: bool) -> Observed {
        Observed {
            key: ResourceKey { metadata_type: "topic".to_owned(), id: id.to_owned(), place: Place::Cluster },
            revision: None,
            incarnation: None,
            spec: spec.into(),
            effective: None,
            status: json!({}).into(),
            internal: false,
            partial,
        }
    }

    #[test]
    fn a_resource_that_its_schema_refuses_is_named_with_the_place() {
        let mut shape = writable("topic");
        shape.spec = json!({"required": ["size"], "properties": {"size": {"type": "integer"}}});
        let resources = [
            observed("good", json!({"size": 1}), false),
            observed("bad", json!({"size": "1"}), false),
            observed("short", json!({}), false),
            observed("partial", json!({}), true),
        ];
        let found: Vec<String> =
            unlike(&shape, &resources).into_iter().map(|finding| finding.found).collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("topic `bad`, spec/size:") && found[1].contains("`short`"), "{found:?}");
    }

    #[test]
    fn a_cursor_that_nobody_gave_leads_to_an_error_or_to_the_end() {
        let page = |ids: &[&str]| {
            let resources = ids.iter().map(|id| observed(id, json!({}), false)).collect();
            Ok(Page { resources, ..Page::default() })
        };
        assert_eq!(strange("topic", &page(&[])), None);
        let refused = BackendError::new(ErrorKind::InvalidArgument, "no such cursor");
        assert_eq!(strange("topic", &Err(CallError::Backend(refused))), None);
        assert!(strange("topic", &page(&["a"])).is_some());
        let trapped = CallError::Plugin {
            plugin: "toy".to_owned(),
            call: "list-resources",
            failure: crate::plugins::driver::Failure::Trap("unreachable".to_owned()),
        };
        assert!(strange("topic", &Err(trapped)).unwrap().found.contains("trapped"));
    }
}
