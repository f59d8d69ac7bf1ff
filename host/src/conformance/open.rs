//! Opening and closing.

use super::report::{Finding, Verdict};
use super::stage::{Opened, Stage, unanswered};
use crate::domain::cluster::Health;

pub(super) async fn opens(stage: &Stage<'_>) -> Verdict {
    let Opened { driver, discovery, types, .. } = match stage.open().await {
        Ok(opened) => opened,
        Err(verdict) => return verdict,
    };
    let checks = match driver.probe().await {
        Ok(checks) => checks,
        Err(error) => return unanswered("probe", &error),
    };
    let mut findings = Vec::new();
    if checks.is_empty() {
        let advice = "answer at least one check: it is what people see of the cluster first";
        findings.push(Finding::new("checks of the cluster", "a probe without any", advice));
    }
    let down: Vec<&str> = checks
        .iter()
        .filter(|check| matches!(check.health, Health::Down))
        .map(|check| check.name.as_str())
        .collect();
    let note = format!(
        "nodes: {}, types: {}{}{}",
        discovery.nodes.len(),
        types.len(),
        discovery.version.map(|version| format!(", release {version}")).unwrap_or_default(),
        if down.is_empty() { String::new() } else { format!(", down: {}", down.join(", ")) }
    );
    Verdict::of(findings, Some(note))
}

pub(super) async fn again(stage: &Stage<'_>) -> Verdict {
    let (cluster, secrets) = stage.backend();
    let version = stage.subject.version;
    match version.open_again(stage.terms(), &cluster, secrets).await {
        Ok(()) => Verdict::Passed { note: None },
        Err(error) => {
            let expected = "`open` with the same target changes nothing";
            let advice =
                "return where the instance is open already: a host may ask again after it lost an answer";
            Verdict::failed(Finding::new(expected, error.to_string(), advice))
        }
    }
}

/// What the host counts, and that a session begins again after it.
pub(super) async fn closes(stage: &Stage<'_>) -> Verdict {
    let opened = match stage.open().await {
        Ok(opened) => opened,
        Err(verdict) => return verdict,
    };
    let before = stage.subject.usage.left_open().len();
    opened.driver.close().await;
    let left: Vec<usize> = stage.subject.usage.left_open().into_iter().skip(before).collect();
    if let Err(error) = opened.driver.probe().await {
        let expected = "a session that begins anew after `close`";
        return Verdict::failed(Finding::new(
            expected,
            error.to_string(),
            "keep nothing closed between two calls",
        ));
    }
    opened.driver.close().await;
    Verdict::of(left_open(&left), None)
}

/// `left` of each session that ended by its own `close`.
fn left_open(left: &[usize]) -> Vec<Finding> {
    if left.is_empty() {
        let found = "a `close` that trapped or did not end";
        let advice = "let go of connections and return; a host waits 2 s for it";
        return vec![Finding::new("a `close` that ends", found, advice)];
    }
    let held = left.iter().filter(|count| **count > 0);
    held.map(|count| {
        let found = format!("{count} handles of connections and secrets held behind `close`");
        Finding::new("no handle behind `close`", found, "drop connections and secrets in `close`")
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_behind_close_are_counted() {
        assert_eq!(left_open(&[0]), []);
        assert!(left_open(&[3])[0].found.starts_with("3 handles"));
        assert!(left_open(&[])[0].found.contains("did not end"));
    }
}
