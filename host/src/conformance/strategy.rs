//! What decides: the same answer each time, one form for each wish, and no steps where nothing differs.

use serde_json::{Value, json, to_value};

use super::backend::{listed, unlisted};
use super::report::{Finding, Verdict};
use super::stage::{Opened, Stage, unanswered};
use super::wish;
use crate::domain::contract::{Change, EditRule, Issue, MetadataType, Severity, StrategyStep};
use crate::domain::error::BackendError;
use crate::domain::place::Place;
use crate::domain::resource::{Observed, ResourceKey};
use crate::domain::{compare, fields};
use crate::plugins::alone::Terms;
use crate::plugins::driver::{CallError, Kind};

/// Resources that are asked about in one call.
const BATCH_MAX: usize = 200;

/// Another beginning of counted time and random bytes.
const ANOTHER_MOMENT: u64 = 1_893_456_000;

const LACKS: &str = "the plugin has no `config-strategy`";

pub(super) async fn decides(stage: &Stage<'_>) -> Verdict {
    if !stage.subject.has("config-strategy") {
        return Verdict::skipped(LACKS);
    }
    let samples = samples(stage);
    if samples.is_empty() {
        return Verdict::skipped(
            "no type gives an example: give --wish FILE, or `examples` in the schema of a type's spec",
        );
    }
    let version = stage.subject.version;
    let kinds = [0, ANOTHER_MOMENT].map(|moment| version.kind(Terms { moment, ..stage.terms() }));
    let mut findings = Vec::new();
    for (metadata_type, spec) in &samples {
        let mut answers = Vec::new();
        // The same instance's kind twice, then one of another time.
        for kind in [&kinds[0], &kinds[0], &kinds[1]] {
            match decided(&**kind, metadata_type, spec).await {
                Ok(answer) => answers.push(answer),
                Err(error) => return unanswered("normalize", &error),
            }
        }
        let first = answers.first().cloned().unwrap_or_default();
        if let Some(other) = answers.iter().find(|answer| **answer != first) {
            let found = format!("{metadata_type}: {other} where it was {first}");
            let advice = "decide by the question alone: no clock, no random bytes, no order of a hash map";
            findings.push(Finding::new("the same answer to the same question", found, advice));
        }
    }
    Verdict::of(findings, Some(format!("{} wishes", samples.len())))
}

/// Of the wishes, and of the schemas.
fn samples(stage: &Stage<'_>) -> Vec<(String, Value)> {
    let wished = stage.subject.wishes.iter().map(|wish| (wish.metadata_type.clone(), wish.spec.clone()));
    let shapes = stage.subject.facts.types.iter().filter(|shape| !shape.verbs.read_only());
    let given = shapes.flat_map(|shape| {
        wish::examples(&shape.spec).into_iter().map(|spec| (shape.name.clone(), spec.clone()))
    });
    wished.chain(given).collect()
}

/// All that is decided of one wish, as text.
async fn decided(kind: &dyn Kind, metadata_type: &str, spec: &Value) -> Result<String, CallError> {
    let facts = json!({});
    let normal = kind.normalize(metadata_type, vec![spec.clone()], &facts).await?;
    let valid = kind.validate(metadata_type, vec![spec.clone()], &facts).await?;
    let key = ResourceKey {
        metadata_type: metadata_type.to_owned(),
        id: "sample".to_owned(),
        place: Place::Cluster,
    };
    let steps = kind.steps(vec![change(key, None, Some(spec.clone()))], &facts).await?;
    let steps: Vec<Value> =
        steps.iter().map(|steps| json!(steps.as_ref().map_err(ToString::to_string).ok())).collect();
    let normal: Vec<Value> = normal.iter().map(|answer| json!(answer.as_ref().ok())).collect();
    Ok(json!([normal, to_value(valid).unwrap_or_default(), steps]).to_string())
}

pub(super) fn change(key: ResourceKey, before: Option<Value>, after: Option<Value>) -> Change {
    Change { key, before, after, status: None, effective: None, revision: None, incarnation: None }
}

/// What is there, and how it should stay.
fn unchanged(one: &Observed) -> Change {
    Change {
        status: Some((*one.status).clone()),
        effective: one.effective.clone(),
        revision: one.revision.clone(),
        incarnation: one.incarnation.clone(),
        ..change(one.key.clone(), Some((*one.spec).clone()), Some((*one.spec).clone()))
    }
}

/// Of types that can be changed: what the backend made itself, and what is known in part, is nobody's wish.
struct Wishable {
    opened: Opened,
    listed: Vec<(MetadataType, Vec<Observed>)>,
    /// Why a type cannot be listed.
    findings: Vec<Finding>,
}

async fn wishable(stage: &Stage<'_>) -> Result<Wishable, Verdict> {
    if !stage.subject.has("config-strategy") {
        return Err(Verdict::skipped(LACKS));
    }
    let opened = stage.open().await?;
    let (mut all, mut findings) = (Vec::new(), Vec::new());
    for shape in opened.types.iter().filter(|shape| !shape.verbs.read_only()) {
        match listed(&*opened.driver, &shape.name, 1_000).await {
            Ok((_, mut resources)) => {
                resources.retain(|one| !one.internal && !one.partial);
                all.push((shape.clone(), resources));
            }
            Err(error) => findings.push(unlisted(shape, &error)),
        }
    }
    Ok(Wishable { opened, listed: all, findings })
}

fn judged(findings: Vec<Finding>, count: usize) -> Verdict {
    if count == 0 && findings.is_empty() {
        return Verdict::skipped("the cluster holds nothing of a type that can be changed");
    }
    Verdict::of(findings, Some(format!("{count} resources")))
}

pub(super) async fn normal_form(stage: &Stage<'_>) -> Verdict {
    let Wishable { opened, listed, mut findings } = match wishable(stage).await {
        Ok(wishable) => wishable,
        Err(verdict) => return verdict,
    };
    let mut count = 0;
    for (shape, resources) in listed {
        for some in resources.chunks(BATCH_MAX) {
            count += some.len();
            match forms(&opened, &shape, some).await {
                Ok(found) => findings.extend(found),
                Err(error) => return unanswered("normalize", &error),
            }
        }
    }
    judged(findings, count)
}

type Normal = Vec<Result<Value, Vec<Issue>>>;

async fn forms(opened: &Opened, shape: &MetadataType, some: &[Observed]) -> Result<Vec<Finding>, CallError> {
    let (kind, facts) = (&opened.kind, &opened.discovery.facts);
    let specs: Vec<Value> = some.iter().map(|one| (*one.spec).clone()).collect();
    let once: Normal = kind.normalize(&shape.name, specs.clone(), facts).await?;
    let wishes = specs.iter().map(|spec| settable(spec, shape)).collect();
    let valid = kind.validate(&shape.name, wishes, facts).await?;
    // Where there is no form, what was listed stands for it: the place in the list stays the same.
    let normal: Vec<Value> =
        once.iter().zip(&specs).map(|(once, spec)| once.as_ref().unwrap_or(spec).clone()).collect();
    let twice: Normal = kind.normalize(&shape.name, normal, facts).await?;
    let each = some.iter().zip(once).zip(twice).zip(valid);
    Ok(each.filter_map(|(((one, once), twice), valid)| formless(one, &once, &twice, &valid)).collect())
}

/// What of it a wish may hold, as where it is adopted.
fn settable(spec: &Value, shape: &MetadataType) -> Value {
    let mut paths = fields::paths(spec);
    paths.retain(|path| {
        let edits = compare::field(shape, path).map(|field| field.edits);
        !matches!(edits, Some(EditRule::ReadOnly | EditRule::WriteOnly))
    });
    fields::pick(spec, &paths)
}

fn formless(
    one: &Observed,
    once: &Result<Value, Vec<Issue>>,
    twice: &Result<Value, Vec<Issue>>,
    valid: &[Issue],
) -> Option<Finding> {
    let named = format!("{} `{}`", one.key.metadata_type, one.key.id);
    let said = |issues: &[Issue]| {
        issues.iter().map(|issue| format!("{}: {}", issue.path, issue.message)).collect::<Vec<_>>().join("; ")
    };
    let normal = match once {
        Ok(normal) => normal,
        Err(issues) => {
            let found = format!("{named} is refused by `normalize`: {}", said(issues));
            let advice = "what the backend holds must be a wish that could be made";
            return Some(Finding::new("a normal form of what is listed", found, advice));
        }
    };
    if *normal != *one.spec {
        let found = format!("{named}: listed as {}, normal is {normal}", one.spec);
        let advice = "list a spec in the form that `normalize` gives, or it differs from every wish for it";
        return Some(Finding::new("specs that are listed in their normal form", found, advice));
    }
    if twice.as_ref().ok() != Some(normal) {
        let found = format!("{named}: once {normal}, twice {}", json!(twice.as_ref().ok()));
        let advice = "`normalize` of what `normalize` gave must be the same";
        return Some(Finding::new("a normal form that stays", found, advice));
    }
    let errors: Vec<Issue> =
        valid.iter().filter(|issue| issue.severity == Severity::Error).cloned().collect();
    (!errors.is_empty()).then(|| {
        let advice =
            "what the backend holds can be adopted: allow it, warn, or say that the field is read-only";
        Finding::new("listed resources that are valid", format!("{named}: {}", said(&errors)), advice)
    })
}

pub(super) async fn no_steps(stage: &Stage<'_>) -> Verdict {
    let Wishable { opened, listed, mut findings } = match wishable(stage).await {
        Ok(wishable) => wishable,
        Err(verdict) => return verdict,
    };
    let mut count = 0;
    for (_, resources) in listed {
        for some in resources.chunks(BATCH_MAX) {
            count += some.len();
            let changes = some.iter().map(unchanged).collect();
            match opened.kind.steps(changes, &opened.discovery.facts).await {
                Ok(answers) => {
                    let each = some.iter().zip(answers);
                    findings.extend(each.filter_map(|(one, steps)| needless(one, &steps)));
                }
                Err(error) => return unanswered("steps", &error),
            }
        }
    }
    judged(findings, count)
}

fn needless(one: &Observed, steps: &Result<Vec<StrategyStep>, BackendError>) -> Option<Finding> {
    let found = match steps {
        Ok(steps) => steps.first()?.summary.clone(),
        Err(error) => error.message.clone(),
    };
    let found = format!("{} `{}`: {found}", one.key.metadata_type, one.key.id);
    let advice = "compare before and after, and answer with no steps where nothing differs";
    Some(Finding::new("no steps from what is to the same", found, advice))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::error::ErrorKind;

    fn observed(spec: Value) -> Observed {
        Observed {
            key: ResourceKey {
                metadata_type: "topic".to_owned(),
                id: "pay".to_owned(),
                place: Place::Cluster,
            },
            revision: None,
            incarnation: None,
            spec: spec.into(),
            effective: None,
            status: json!({}).into(),
            internal: false,
            partial: false,
        }
    }

    fn issue(severity: Severity) -> Issue {
        Issue { severity, path: "/size".to_owned(), message: "is too large".to_owned() }
    }

    #[test]
    fn a_form_is_that_of_the_listing_stays_and_is_valid() {
        let one = observed(json!({"size": 1}));
        let found = |once: &Result<Value, Vec<Issue>>, twice: Value, valid: &[Issue]| {
            formless(&one, once, &Ok(twice), valid).map(|finding| finding.found).unwrap_or_default()
        };
        let good = Ok(json!({"size": 1}));
        assert_eq!(found(&good, json!({"size": 1}), &[issue(Severity::Warning)]), "");
        assert!(found(&Ok(json!({"size": "1"})), json!({}), &[]).contains("normal is"));
        assert!(found(&good, json!({"size": 2}), &[]).contains(r#"twice {"size":2}"#));
        assert!(found(&good, json!({"size": 1}), &[issue(Severity::Error)]).contains("/size: is too large"));
        assert!(found(&Err(vec![issue(Severity::Error)]), json!({}), &[]).contains("refused by `normalize`"));
    }

    #[test]
    fn what_is_read_only_is_no_part_of_a_wish() {
        let mut shape = crate::conformance::shape::tests::writable("config");
        let read_only = crate::domain::contract::Field {
            path: "/config/id".to_owned(),
            default: None,
            edits: EditRule::ReadOnly,
            divergence: crate::domain::contract::Divergence::Single,
            restart: false,
            unordered: false,
            since: None,
            until: None,
        };
        shape.fields = vec![read_only];
        let spec = json!({"config": {"id": 1, "size": 2}});
        assert_eq!(settable(&spec, &shape), json!({"config": {"size": 2}}));
    }

    #[test]
    fn steps_and_refusals_where_nothing_differs_are_found() {
        let one = observed(json!({}));
        assert_eq!(needless(&one, &Ok(Vec::new())), None);
        let refused = BackendError::new(ErrorKind::InvalidArgument, "no");
        assert!(needless(&one, &Err(refused)).unwrap().found.contains("topic `pay`: no"));
    }
}
