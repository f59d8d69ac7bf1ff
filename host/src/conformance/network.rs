//! The hostile network: whatever a server does, a plugin answers with an error of a fitting kind, in time, and lives.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::backend::query;
use super::hostile::{Hostile, Manner};
use super::report::{Finding, Verdict};
use super::stage::{Stage, advice};
use crate::domain::cluster::Health;
use crate::domain::error::ErrorKind;
use crate::plugins::alone::Terms;
use crate::plugins::driver::{CallError, Driver};
use crate::plugins::limits::Limits;
use crate::plugins::usage::{Peak, Usage};

/// Of `open` and of every call behind it: nobody wants to wait for a server that is never going to answer.
const WALL: Duration = Duration::from_millis(2_500);

/// A call that is cut may still answer for so long.
const GRACE_MS: u64 = 1_000;

/// When a call is cancelled that waits.
const CANCELLED_AFTER: Duration = Duration::from_millis(500);

const DISTRUST: &str = "check what is read before it is used, and answer with an error of that kind";

/// What a call said.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    Error(ErrorKind, String),
    /// The plugin failed, or the host refused.
    Broke(String),
    /// An answer that tells of trouble: a check that is down, a node, a place that could not be listed.
    Trouble,
    /// An answer as of a good server.
    AllWell,
}

pub(super) async fn refused(stage: &Stage<'_>) -> Verdict {
    tried(stage, Manner::Refused).await
}

pub(super) async fn no_name(stage: &Stage<'_>) -> Verdict {
    tried(stage, Manner::NoName).await
}

pub(super) async fn silent(stage: &Stage<'_>) -> Verdict {
    tried(stage, Manner::Silent).await
}

pub(super) async fn slow(stage: &Stage<'_>) -> Verdict {
    tried(stage, Manner::Slow).await
}

pub(super) async fn truncated(stage: &Stage<'_>) -> Verdict {
    tried(stage, Manner::Truncated).await
}

pub(super) async fn oversized(stage: &Stage<'_>) -> Verdict {
    tried(stage, Manner::Oversized).await
}

pub(super) async fn reset(stage: &Stage<'_>) -> Verdict {
    tried(stage, Manner::Reset).await
}

pub(super) async fn tls(stage: &Stage<'_>) -> Verdict {
    tried(stage, Manner::Tls).await
}

/// A session with such a server, under short deadlines.
struct Trial {
    server: Hostile,
    driver: Arc<dyn Driver>,
    usage: Arc<Usage>,
}

fn impatient() -> Limits {
    let mut limits = Limits::default();
    (limits.open.wall, limits.talk.wall) = (WALL, WALL);
    limits
}

async fn begin(stage: &Stage<'_>, manner: Manner) -> Result<Trial, Verdict> {
    let broken = |error: std::io::Error| Verdict::skipped(format!("no server can be started here: {error}"));
    let server = Hostile::start(manner).await.map_err(broken)?;
    let (connection, secrets) = stage.aimed(&server.address)?;
    let usage: Arc<Usage> = Arc::default();
    let terms = Terms {
        limits: Some(impatient()),
        usage: Some(Arc::clone(&usage)),
        ..Terms::of_author(stage.subject.version.description())
    };
    let kind = stage.subject.version.kind(terms);
    let cluster = stage.cluster("hostile", connection);
    let driver = kind.driver(&cluster, secrets).await;
    let driver = driver
        .map_err(|error| Verdict::failed(Finding::new("a session", error.to_string(), advice(&error))))?;
    Ok(Trial { server, driver, usage })
}

async fn tried(stage: &Stage<'_>, manner: Manner) -> Verdict {
    let trial = match begin(stage, manner).await {
        Ok(trial) => trial,
        Err(verdict) => return verdict,
    };
    let driver = &trial.driver;
    let mut findings = Vec::new();
    let said = driver
        .probe()
        .await
        .map(|checks| checks.is_empty() || checks.iter().any(|check| !matches!(check.health, Health::Up)));
    findings.extend(judge(manner, "probe", &said_of(said)));
    let said = driver
        .discover()
        .await
        .map(|found| found.nodes.iter().any(|node| !matches!(node.health, Health::Up)));
    findings.extend(judge(manner, "discover", &said_of(said)));
    if let Some(shape) = stage.subject.facts.types.first() {
        let said = driver.list(query(&shape.name, None, 7)).await.map(|page| !page.failures.is_empty());
        findings.extend(judge(manner, "list-resources", &said_of(said)));
    }
    let limits = stage.subject.version.limits(&impatient());
    findings.extend(late(&trial.usage.peaks(), &limits));
    let silent = matches!(manner, Manner::Refused | Manner::NoName);
    if !silent && trial.server.accepted() == 0 && findings.is_empty() {
        return Verdict::skipped("the plugin did not connect to the address that its form was given");
    }
    Verdict::of(findings, None)
}

fn said_of(answer: Result<bool, CallError>) -> Said {
    match answer {
        Ok(true) => Said::Trouble,
        Ok(false) => Said::AllWell,
        Err(CallError::Backend(error)) => Said::Error(error.kind, error.message),
        Err(error) => Said::Broke(error.to_string()),
    }
}

/// What such a server may be told as.
fn fitting(manner: Manner) -> &'static [ErrorKind] {
    use ErrorKind::{Exhausted, NotFound, Protocol, Timeout, Unavailable};
    match manner {
        Manner::Refused => &[Unavailable],
        Manner::NoName => &[Unavailable, NotFound],
        Manner::Silent => &[Timeout, Unavailable],
        Manner::Slow => &[Timeout, Unavailable, Protocol],
        Manner::Truncated | Manner::Reset | Manner::Tls => &[Unavailable, Protocol],
        Manner::Oversized => &[Protocol, Exhausted, Unavailable, Timeout],
    }
}

fn judge(manner: Manner, call: &str, said: &Said) -> Option<Finding> {
    let words: Vec<String> = fitting(manner).iter().map(|kind| word(*kind)).collect();
    let expected = format!("`{call}` to end with {}", words.join(" or "));
    match said {
        Said::Error(kind, _) if fitting(manner).contains(kind) => None,
        Said::Trouble => None,
        Said::Error(kind, message) => {
            let advice = "tell it by the kind that it is: a host decides by it whether to try again";
            Some(Finding::new(expected, format!("{}: {message}", word(*kind)), advice))
        }
        Said::Broke(text) => Some(Finding::new(expected, text.clone(), DISTRUST)),
        Said::AllWell => Some(Finding::new(expected, "an answer as of a good server", DISTRUST)),
    }
}

fn word(kind: ErrorKind) -> String {
    serde_json::to_value(kind).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Functions that ran beyond their time.
fn late(peaks: &std::collections::BTreeMap<&'static str, Peak>, limits: &Limits) -> Vec<Finding> {
    let most = |call: &str| {
        let wall = match call {
            "open" => limits.open.wall,
            "close" => limits.close.wall,
            _ => limits.talk.wall,
        };
        u64::try_from(wall.as_millis()).unwrap_or(u64::MAX) + GRACE_MS
    };
    let late =
        peaks.iter().filter(|(call, peak)| peak.wall_ms > most(call) + GRACE_MS / 2 || peak.abandoned > 0);
    late.map(|(call, peak)| {
        let advice =
            "give host calls time-outs, ask `call.remaining-ms` before waiting, and return when one was cut";
        let expected = format!("`{call}` to end within {} ms", most(call));
        Finding::new(expected, format!("it ran for {} ms", peak.wall_ms), advice)
    })
    .collect()
}

/// A call that waits for a silent server is cancelled; the next one gets its turn at once.
pub(super) async fn cancel(stage: &Stage<'_>) -> Verdict {
    let trial = match begin(stage, Manner::Silent).await {
        Ok(trial) => trial,
        Err(verdict) => return verdict,
    };
    if let Ok(answer) = tokio::time::timeout(CANCELLED_AFTER, trial.driver.discover()).await {
        let how = answer.err().map(|error| error.to_string()).unwrap_or_default();
        return Verdict::skipped(format!("it ended before it could be cancelled: {how}"));
    }
    let began = Instant::now();
    let next = trial.driver.probe().await.map(|_| true);
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let limits = stage.subject.version.limits(&impatient());
    let own_ms = u64::try_from((limits.open.wall + limits.talk.wall).as_millis()).unwrap_or(u64::MAX);
    Verdict::of(uncancelled(&trial.usage.peaks(), &said_of(next), took_ms, own_ms), None)
}

/// `took_ms` is the next call's, with what it waited for its turn; `own_ms` its own time.
fn uncancelled(
    peaks: &std::collections::BTreeMap<&'static str, Peak>,
    next: &Said,
    took_ms: u64,
    own_ms: u64,
) -> Vec<Finding> {
    let advice = "host calls end with `cancelled`: return then, and begin nothing else";
    let mut findings = Vec::new();
    if peaks.values().any(|peak| peak.abandoned > 0) {
        let found = "a call that went on for more than a second, and whose instance was thrown away";
        findings.push(Finding::new("a cancelled call to end within 1 s", found, advice));
    }
    if let Said::Broke(text) = next {
        findings.push(Finding::new("the next call to run", text.clone(), DISTRUST));
    }
    if took_ms > own_ms + 2 * GRACE_MS {
        let found = format!("it ended after {took_ms} ms, {own_ms} ms were its own");
        findings.push(Finding::new("the next call to get its turn within 1 s", found, advice));
    }
    findings
}

/// The same version, which has just met a bad server, asks the good one.
pub(super) async fn recovers(stage: &Stage<'_>) -> Verdict {
    let (cluster, secrets) = stage.backend();
    let kind = stage.subject.version.kind(Terms { limits: None, ..stage.terms() });
    for manner in [Manner::Reset, Manner::Truncated, Manner::Refused] {
        let server = match Hostile::start(manner).await {
            Ok(server) => server,
            Err(error) => return Verdict::skipped(format!("no server can be started here: {error}")),
        };
        let (connection, strangers) = match stage.aimed(&server.address) {
            Ok(aimed) => aimed,
            Err(verdict) => return verdict,
        };
        let bad = stage.cluster(&format!("hostile {manner:?}"), connection);
        if let Ok(driver) = kind.driver(&bad, strangers).await {
            // What it says of the bad one was judged by the other checks.
            drop(tokio::time::timeout(WALL, driver.probe()).await);
        }
    }
    let good = match kind.driver(&cluster, secrets).await {
        Ok(driver) => driver.discover().await.map(drop),
        Err(error) => Err(error),
    };
    match good {
        Ok(()) => Verdict::Passed { note: None },
        Err(error) => {
            let expected = "the good cluster to be served after three bad ones";
            Verdict::failed(Finding::new(expected, error.to_string(), advice(&error)))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn an_error_fits_its_server_and_neither_a_trap_nor_a_good_answer_does() {
        let error = |kind| Said::Error(kind, "no".to_owned());
        assert_eq!(judge(Manner::Refused, "probe", &error(ErrorKind::Unavailable)), None);
        assert_eq!(judge(Manner::Silent, "probe", &Said::Trouble), None);
        let finding = judge(Manner::Refused, "probe", &error(ErrorKind::Internal)).unwrap();
        assert_eq!(
            (finding.expected.as_str(), finding.found.as_str()),
            ("`probe` to end with unavailable", "internal: no")
        );
        assert!(judge(Manner::Reset, "discover", &Said::AllWell).is_some());
        assert!(judge(Manner::Reset, "discover", &Said::Broke("it trapped".to_owned())).is_some());
    }

    fn peaks(wall_ms: u64, abandoned: u64) -> BTreeMap<&'static str, Peak> {
        BTreeMap::from([("probe", Peak { calls: 1, wall_ms, abandoned, ..Peak::default() })])
    }

    #[test]
    fn a_call_keeps_to_its_time() {
        assert_eq!(late(&peaks(3_400, 0), &impatient()), []);
        let found = late(&peaks(4_100, 0), &impatient());
        assert_eq!(found[0].expected, "`probe` to end within 3500 ms");
    }

    #[test]
    fn a_cancelled_call_makes_way() {
        let next = Said::Error(ErrorKind::Timeout, "no answer".to_owned());
        assert_eq!(uncancelled(&peaks(900, 0), &next, 5_200, 5_000), []);
        assert_eq!(uncancelled(&peaks(900, 1), &next, 5_200, 5_000).len(), 1);
        assert_eq!(uncancelled(&peaks(900, 0), &next, 7_100, 5_000).len(), 1);
        assert_eq!(uncancelled(&peaks(900, 0), &Said::Broke("it trapped".to_owned()), 10, 5_000).len(), 1);
    }
}
