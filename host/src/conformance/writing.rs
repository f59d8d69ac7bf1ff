//! A wish is applied, read back, wished again, and taken back; whatever was made for it goes.

use std::time::Duration;

use serde_json::Value;

use super::report::{Finding, Verdict};
use super::stage::{Opened, Stage, advice};
use super::strategy::change;
use super::wish::Wish;
use crate::domain::cluster::homes;
use crate::domain::compare::{Images, Seen, compare};
use crate::domain::contract::{Change, MetadataType, Severity, StrategyStep};
use crate::domain::fields;
use crate::domain::operation::Progress;
use crate::domain::resource::{Lookup, Observed, Outcome, ResourceKey, Write};

/// What was written is looked for so often, with so much time between.
const LOOKS_MAX: usize = 40;
const BETWEEN: Duration = Duration::from_millis(250);

/// A step that cannot be gone on from.
struct Stop(Finding);

impl Stop {
    fn new(expected: &str, found: String, advice: &str) -> Self {
        Self(Finding::new(expected, found, advice))
    }
}

type Go<T> = Result<T, Stop>;

/// What was there before the first wish, and what takes each step back.
#[derive(Default)]
struct Trail {
    before: Vec<(ResourceKey, Option<Observed>)>,
    undo: Vec<Write>,
    /// Steps that nothing takes back.
    kept: Vec<String>,
}

struct Scribe<'a> {
    stage: &'a Stage<'a>,
    opened: Opened,
}

pub(super) async fn applies(stage: &Stage<'_>) -> Verdict {
    let wishes = &stage.subject.wishes;
    if wishes.is_empty() {
        return Verdict::skipped(
            "nothing to write: give --wish FILE with documents of resources that may be made and deleted, or `examples` \
             in the schema of a type's spec",
        );
    }
    let opened = match stage.open().await {
        Ok(opened) => opened,
        Err(verdict) => return verdict,
    };
    let scribe = Scribe { stage, opened };
    let (mut trail, mut findings) = (Trail::default(), Vec::new());
    for wish in wishes {
        if let Err(Stop(finding)) = scribe.wish(wish, &mut trail).await {
            findings.push(finding);
            break;
        }
    }
    findings.extend(scribe.take_back(&mut trail).await);
    findings.extend(scribe.clean_up(&trail).await);
    let kept = if trail.kept.is_empty() {
        String::new()
    } else {
        format!("; no way back of: {}", trail.kept.join(", "))
    };
    Verdict::of(findings, Some(format!("{} wishes, {} resources{kept}", wishes.len(), trail.before.len())))
}

impl Scribe<'_> {
    fn shape(&self, metadata_type: &str) -> Go<&MetadataType> {
        let found = self.opened.types.iter().find(|shape| shape.name == metadata_type);
        found.ok_or_else(|| {
            let names: Vec<&str> = self.opened.types.iter().map(|shape| shape.name.as_str()).collect();
            let advice = "correct the document's `type`";
            Stop::new(
                "wishes of types that exist",
                format!("`{metadata_type}`, not of {}", names.join(", ")),
                advice,
            )
        })
    }

    /// At each of its places.
    async fn wish(&self, wish: &Wish, trail: &mut Trail) -> Go<()> {
        let shape = self.shape(&wish.metadata_type)?;
        let places = match &wish.at {
            Some(place) => vec![place.clone()],
            None => homes(shape, self.opened.discovery.nodes.iter()),
        };
        let key = |place| ResourceKey { metadata_type: shape.name.clone(), id: wish.name.clone(), place };
        let keys: Vec<ResourceKey> = places.into_iter().map(key).collect();
        let wanted = self.wanted(shape, wish).await?;
        let before = self.look(&keys).await?;
        for (key, one) in keys.iter().zip(&before) {
            if !trail.before.iter().any(|(known, _)| known == key) {
                trail.before.push((key.clone(), one.clone()));
            }
        }
        let steps = self.steps(&keys, &before, Some(&wanted)).await?;
        for step in steps {
            let (undo, summary) = (step.undo.clone(), step.summary.clone());
            self.write(step.write, &summary).await?;
            match undo {
                Some(undo) => trail.undo.push(undo),
                None => trail.kept.push(summary),
            }
        }
        let after = self
            .look_until(&keys, |one| one.is_some_and(|one| differing(shape, &wanted, one).is_none()))
            .await?;
        for (key, one) in keys.iter().zip(&after) {
            let found = match one {
                None => format!("{key} is absent"),
                Some(one) => match differing(shape, &wanted, one) {
                    None => continue,
                    Some(path) => format!("{key}: {path} in {}", one.spec),
                },
            };
            let advice = "list and read what was set in the form that `normalize` gives";
            return Err(Stop::new(&format!("what was written to read back as {wanted}"), found, advice));
        }
        let again = self.steps(&keys, &after, Some(&wanted)).await?;
        match again.first() {
            None => Ok(()),
            Some(step) => {
                let advice = "compare with what reads back: the same wish again changes nothing";
                Err(Stop::new(
                    "no steps for the same wish again",
                    format!("{}: {}", step.write.key, step.summary),
                    advice,
                ))
            }
        }
    }

    /// The wish in its normal form, which is valid.
    async fn wanted(&self, shape: &MetadataType, wish: &Wish) -> Go<Value> {
        let (kind, facts) = (&self.opened.kind, &self.opened.discovery.facts);
        let named = format!("{}/{}", wish.metadata_type, wish.name);
        let said = |issues: &[crate::domain::contract::Issue]| {
            issues
                .iter()
                .map(|issue| format!("{}: {}", issue.path, issue.message))
                .collect::<Vec<_>>()
                .join("; ")
        };
        let normal = kind.normalize(&shape.name, vec![wish.spec.clone()], facts).await;
        let normal = normal
            .map_err(|error| Stop::new("an answer of `normalize`", error.to_string(), advice(&error)))?;
        let wanted = match normal.into_iter().next() {
            Some(Ok(wanted)) => wanted,
            Some(Err(issues)) => {
                return Err(Stop::new(
                    "a wish that `normalize` takes",
                    format!("{named}: {}", said(&issues)),
                    "correct the wish",
                ));
            }
            None => Value::Null,
        };
        let valid = kind.validate(&shape.name, vec![wanted.clone()], facts).await;
        let valid =
            valid.map_err(|error| Stop::new("an answer of `validate`", error.to_string(), advice(&error)))?;
        let mut errors = valid.into_iter().flatten().collect::<Vec<_>>();
        errors.retain(|issue| issue.severity == Severity::Error);
        if errors.is_empty() {
            return Ok(wanted);
        }
        Err(Stop::new("a wish that is valid", format!("{named}: {}", said(&errors)), "correct the wish"))
    }

    /// `wanted` is nothing where the resources shall go.
    async fn steps(
        &self,
        keys: &[ResourceKey],
        before: &[Option<Observed>],
        wanted: Option<&Value>,
    ) -> Go<Vec<StrategyStep>> {
        let changes =
            keys.iter().zip(before).map(|(key, before)| asked(key, before.as_ref(), wanted)).collect();
        let answers = self.opened.kind.steps(changes, &self.opened.discovery.facts).await;
        let answers =
            answers.map_err(|error| Stop::new("an answer of `steps`", error.to_string(), advice(&error)))?;
        let mut steps = Vec::new();
        for (answer, key) in answers.into_iter().zip(keys) {
            let answer = answer.map_err(|error| {
                let advice = "correct the wish, or what refuses it";
                Stop::new("steps that lead to the wish", format!("{key}: {}", error.message), advice)
            })?;
            steps.extend(answer);
        }
        Ok(steps)
    }

    async fn write(&self, write: Write, summary: &str) -> Go<()> {
        let key = write.key.to_string();
        let refuse = |found: String, advice: &str| {
            Err(Stop::new(&format!("`{summary}` of {key} to be done"), found, advice))
        };
        let outcomes = match self.opened.driver.write(vec![write], false).await {
            Ok(outcomes) => outcomes,
            Err(error) => return refuse(error.to_string(), advice(&error)),
        };
        match outcomes.into_iter().next() {
            Some(Outcome::Done(_) | Outcome::Accepted { .. }) => Ok(()),
            Some(Outcome::Started { handle }) => self.follow(&handle, &key).await,
            Some(Outcome::Failed { error }) => refuse(error.message, "correct the wish, or the write"),
            Some(Outcome::Unknown { error }) => {
                refuse(format!("its outcome is unknown: {}", error.message), "is the cluster well?")
            }
            None => refuse("no outcome".to_owned(), "answer with an outcome for each write"),
        }
    }

    /// A write that goes on in the backend.
    async fn follow(&self, handle: &str, key: &str) -> Go<()> {
        let refuse = |found: String| {
            let advice = "`poll` tells the end of what `write-resources` started";
            Err(Stop::new(&format!("the started write of {key} to end"), found, advice))
        };
        for _ in 0..LOOKS_MAX {
            match self.opened.driver.poll(handle).await {
                Ok(Progress::Done(_)) => return Ok(()),
                Ok(Progress::Running { .. }) => self.stage.wait(BETWEEN).await,
                Ok(Progress::Unknown(error)) => return refuse(error.message),
                Err(error) => return refuse(error.to_string()),
            }
        }
        refuse(format!("it still runs after {} s", (BETWEEN * 40).as_secs()))
    }

    async fn look(&self, keys: &[ResourceKey]) -> Go<Vec<Option<Observed>>> {
        let lookups = self.opened.driver.get(keys.to_vec()).await;
        let lookups = lookups
            .map_err(|error| Stop::new("an answer of `get-resources`", error.to_string(), advice(&error)))?;
        let each = lookups.into_iter().zip(keys).map(|(lookup, key)| match lookup {
            Lookup::Found(one) => Ok(Some(*one)),
            Lookup::Absent => Ok(None),
            Lookup::Failed(error) => {
                let advice = "answer `found` or `absent` where the backend can be asked";
                Err(Stop::new(&format!("{key} to be read"), error.message, advice))
            }
        });
        each.collect()
    }

    /// Backends promise and do later: until all are as they should be, or for ten seconds.
    async fn look_until(
        &self,
        keys: &[ResourceKey],
        well: impl Fn(Option<&Observed>) -> bool,
    ) -> Go<Vec<Option<Observed>>> {
        let mut found = self.look(keys).await?;
        for _ in 1..LOOKS_MAX {
            if found.iter().all(|one| well(one.as_ref())) {
                break;
            }
            self.stage.wait(BETWEEN).await;
            found = self.look(keys).await?;
        }
        Ok(found)
    }

    /// The inverse of every step, the last first; then all is as it was.
    async fn take_back(&self, trail: &mut Trail) -> Vec<Finding> {
        for undo in std::mem::take(&mut trail.undo).into_iter().rev() {
            if let Err(Stop(finding)) = self.write(undo, "the inverse of a step").await {
                return vec![finding];
            }
        }
        if !trail.kept.is_empty() {
            return Vec::new();
        }
        let mut findings = Vec::new();
        for (key, before) in &trail.before {
            let is_back =
                |now: Option<&Observed>| now.map(|now| &now.spec) == before.as_ref().map(|was| &was.spec);
            let found = match self.look_until(std::slice::from_ref(key), is_back).await {
                Ok(found) => found.into_iter().next().flatten(),
                Err(Stop(finding)) => return vec![finding],
            };
            if !is_back(found.as_ref()) {
                let show =
                    |one: Option<&Observed>| one.map_or("absent".to_owned(), |one| one.spec.to_string());
                let found = format!("{key}: {} where it was {}", show(found.as_ref()), show(before.as_ref()));
                let advice = "give each step the write that takes it back, with all that it overwrote";
                findings.push(Finding::new("the inverse of the steps to restore what was", found, advice));
            }
        }
        findings
    }

    /// What was not there before, and still is.
    async fn clean_up(&self, trail: &Trail) -> Vec<Finding> {
        let mut left = Vec::new();
        for (key, _) in trail.before.iter().rev().filter(|(_, before)| before.is_none()) {
            let keys = std::slice::from_ref(key);
            let now = self.look(keys).await.unwrap_or_default();
            if now.iter().all(Option::is_none) {
                continue;
            }
            let gone = async {
                for step in self.steps(keys, &now, None).await? {
                    self.write(step.write, &step.summary).await?;
                }
                self.look_until(keys, |one| one.is_none()).await
            };
            if !gone.await.is_ok_and(|now| now.iter().all(Option::is_none)) {
                left.push(key.to_string());
            }
        }
        if left.is_empty() {
            return Vec::new();
        }
        let advice = "delete it by hand; a type that can be made should be deletable too";
        vec![Finding::new("nothing to be left behind", format!("left behind: {}", left.join(", ")), advice)]
    }
}

fn asked(key: &ResourceKey, before: Option<&Observed>, wanted: Option<&Value>) -> Change {
    let under = before.map(|one| (*one.spec).clone());
    let after = wanted.map(|wanted| match &under {
        Some(under) => fields::overlay(under, wanted),
        None => wanted.clone(),
    });
    Change {
        status: before.map(|one| (*one.status).clone()),
        effective: before.and_then(|one| one.effective.clone()),
        revision: before.and_then(|one| one.revision.clone()),
        incarnation: before.and_then(|one| one.incarnation.clone()),
        ..change(key.clone(), under, after)
    }
}

/// The first field of the wish that does not read back as wished.
fn differing(shape: &MetadataType, wanted: &Value, one: &Observed) -> Option<String> {
    let images =
        Images { desired: Some(wanted), applied: None, seen: Seen::Present(&one.spec), partial: one.partial };
    let differs = compare(&images, shape, &|_| false).fields.into_iter().next()?;
    // What can only be written is applied, and never seen.
    (!crate::domain::compare::is_write_only(shape, &differs.path, differs.desired.as_ref()))
        .then_some(differs.path)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::conformance::shape::tests::writable;
    use crate::domain::place::Place;

    fn observed(spec: Value) -> Observed {
        Observed {
            key: ResourceKey { metadata_type: "topic".to_owned(), id: "t".to_owned(), place: Place::Cluster },
            revision: Some("7".to_owned()),
            incarnation: None,
            spec: spec.into(),
            effective: None,
            status: json!({"leader": 1}).into(),
            internal: false,
            partial: false,
        }
    }

    #[test]
    fn a_wish_is_laid_over_what_is_there() {
        let before = observed(json!({"size": 1, "name": "a"}));
        let change = asked(&before.key, Some(&before), Some(&json!({"size": 2})));
        assert_eq!(change.after, Some(json!({"size": 2, "name": "a"})));
        assert_eq!((change.revision.as_deref(), change.status), (Some("7"), Some(json!({"leader": 1}))));
        assert_eq!(asked(&before.key, Some(&before), None).after, None);
        assert_eq!(asked(&before.key, None, Some(&json!({"size": 2}))).after, Some(json!({"size": 2})));
    }

    #[test]
    fn only_fields_of_the_wish_are_looked_at() {
        let shape = writable("topic");
        let now = observed(json!({"size": 2, "other": true}));
        assert_eq!(differing(&shape, &json!({"size": 2}), &now), None);
        assert_eq!(differing(&shape, &json!({"size": 3}), &now).as_deref(), Some("/size"));
    }
}
