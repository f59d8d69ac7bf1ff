//! Failures are told by the kind that they are: what is not there, and who may not come in.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use zeroize::Zeroizing;

use super::report::{Finding, Verdict};
use super::stage::{Opened, Stage, advice};
use crate::domain::cluster::homes;
use crate::domain::contract::MetadataType;
use crate::domain::error::ErrorKind;
use crate::domain::resource::{Lookup, ResourceKey};
use crate::plugins::driver::{CallError, Secrets};
use crate::plugins::tape::stand_in;

/// What cannot be read now is asked for so often, with so much time between.
const ASKED_MAX: usize = 20;
const BETWEEN: Duration = Duration::from_millis(500);

/// Nothing is called so.
const NOBODY: &str = "headgate-conformance-absent";

pub(super) async fn absent(stage: &Stage<'_>) -> Verdict {
    let Opened { driver, types, discovery, .. } = match stage.open().await {
        Ok(opened) => opened,
        Err(verdict) => return verdict,
    };
    let (mut findings, mut asked) = (Vec::new(), 0);
    for shape in &types {
        let Some(place) = homes(shape, discovery.nodes.iter()).into_iter().next() else { continue };
        asked += 1;
        let key = ResourceKey { metadata_type: shape.name.clone(), id: stranger(shape), place };
        let mut answer = driver.get(vec![key.clone()]).await;
        for _ in 1..ASKED_MAX {
            if !is_passing(answer.as_ref()) {
                break;
            }
            stage.wait(BETWEEN).await;
            answer = driver.get(vec![key.clone()]).await;
        }
        findings.extend(present(shape, answer.as_ref().map(|lookups| lookups.first())));
    }
    Verdict::of(findings, Some(format!("{asked} types")))
}

/// Backends make some of their parts when they are first asked for them.
fn is_passing(answer: Result<&Vec<Lookup>, &CallError>) -> bool {
    let passing = |kind: ErrorKind| matches!(kind, ErrorKind::Unavailable | ErrorKind::Timeout);
    match answer {
        Ok(lookups) => matches!(lookups.first(), Some(Lookup::Failed(error)) if passing(error.kind)),
        Err(CallError::Backend(error)) => passing(error.kind),
        Err(CallError::Plugin { .. } | CallError::Busy { .. } | CallError::Refused(_)) => false,
    }
}

/// An id of the type's form.
fn stranger(shape: &MetadataType) -> String {
    if shape.identity.is_empty() {
        return NOBODY.to_owned();
    }
    let values: Vec<Value> = shape.identity.iter().map(|_| Value::from(NOBODY)).collect();
    Value::Array(values).to_string()
}

fn present(shape: &MetadataType, answer: Result<Option<&Lookup>, &CallError>) -> Option<Finding> {
    let found = match answer {
        Ok(Some(Lookup::Absent)) => return None,
        // An id that could be none of this type's is refused as well as absent.
        Ok(Some(Lookup::Failed(error)))
            if matches!(error.kind, ErrorKind::NotFound | ErrorKind::InvalidArgument) =>
        {
            return None;
        }
        Ok(Some(Lookup::Failed(error))) => format!("{:?}: {}", error.kind, error.message),
        Ok(Some(Lookup::Found(one))) => format!("a {} called `{}`", shape.name, one.key.id),
        Ok(None) => "no answer".to_owned(),
        Err(error) => error.to_string(),
    };
    let expected = format!("a {} that does not exist to be absent", shape.name);
    let advice =
        "answer `absent` where the backend says that there is none; `failed` is for what could not be read";
    Some(Finding::new(expected, found, advice))
}

/// With a secret that is as long as the true one.
pub(super) async fn credentials(stage: &Stage<'_>) -> Verdict {
    let (mut cluster, secrets) = stage.backend();
    if secrets.0.is_empty() {
        return Verdict::skipped("the connection has no secrets: give one of a login with --secret");
    }
    let wrong = |(name, value): (&String, &Zeroizing<Vec<u8>>)| {
        (name.clone(), stand_in(&format!("wrong {name}"), value.len()))
    };
    let secrets = Secrets(Arc::new(secrets.0.iter().map(wrong).collect()));
    cluster.credential_revision += 1;
    let driver = match stage.kind().driver(&cluster, secrets).await {
        Ok(driver) => driver,
        Err(error) => return Verdict::failed(unlike(&error)),
    };
    match driver.discover().await {
        Ok(_) => Verdict::skipped("the cluster takes any credentials: is authentication switched on?"),
        Err(CallError::Backend(error))
            if matches!(error.kind, ErrorKind::Unauthenticated | ErrorKind::PermissionDenied) =>
        {
            Verdict::Passed { note: Some(error.message) }
        }
        Err(error) => Verdict::failed(unlike(&error)),
    }
}

fn unlike(error: &CallError) -> Finding {
    let (found, advice) = match error {
        CallError::Backend(error) => (
            format!("{:?}: {}", error.kind, error.message),
            "tell it as `unauthenticated`: a host then asks for credentials instead of trying again",
        ),
        CallError::Plugin { .. } | CallError::Busy { .. } | CallError::Refused(_) => {
            (error.to_string(), advice(error))
        }
    };
    Finding::new("`unauthenticated` for wrong credentials", found, advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::shape::tests::writable;
    use crate::domain::error::BackendError;

    #[test]
    fn what_is_not_there_is_absent_and_nothing_else() {
        let shape = writable("topic");
        let failed = |kind| Lookup::Failed(BackendError::new(kind, "no"));
        assert_eq!(present(&shape, Ok(Some(&Lookup::Absent))), None);
        assert_eq!(present(&shape, Ok(Some(&failed(ErrorKind::InvalidArgument)))), None);
        let finding = present(&shape, Ok(Some(&failed(ErrorKind::Internal)))).unwrap();
        assert_eq!(finding.found, "Internal: no");
        assert!(is_passing(Ok(&vec![failed(ErrorKind::Unavailable)])));
        assert!(
            !is_passing(Ok(&vec![failed(ErrorKind::Internal)])) && !is_passing(Ok(&vec![Lookup::Absent]))
        );
        assert!(present(&shape, Ok(None)).is_some());
    }

    #[test]
    fn an_id_that_fields_make_is_a_list_of_them() {
        let mut shape = writable("binding");
        shape.identity = vec!["/from".to_owned(), "/to".to_owned()];
        assert_eq!(stranger(&shape), format!("[\"{NOBODY}\",\"{NOBODY}\"]"));
    }
}
