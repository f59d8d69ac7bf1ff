//! What a plugin says of itself is the same each time: the host keeps the first answer for as long as it serves.

use serde_json::to_value;

use super::report::{Finding, Verdict};
use super::stage::{Stage, unanswered};
use crate::plugins::alone::Terms;

/// Where the counted clock and the counted random bytes of calls that decide begin; the first is what a host uses.
const MOMENTS: [u64; 4] = [0, 1, 86_400, 1_893_456_000];

const ADVICE: &str = "nothing of it may come from a clock, from random bytes, from counting calls, or from the order of \
                      a hash map";

pub(super) async fn describe(stage: &Stage<'_>) -> Verdict {
    let (version, expected) = (stage.subject.version, stage.subject.version.description());
    for moment in MOMENTS {
        let again = match version.describe(moment).await {
            Ok(again) => again,
            Err(error) => return unanswered("describe", &error),
        };
        if let Some(finding) = same("describe", &to_value(expected).ok(), &to_value(&again).ok(), moment) {
            return Verdict::failed(finding);
        }
    }
    Verdict::Passed { note: Some(format!("{} instances", MOMENTS.len())) }
}

/// On fresh instances, at other times, and in another order.
pub(super) async fn lists(stage: &Stage<'_>) -> Verdict {
    let facts = stage.subject.facts;
    let (types, operations) = (to_value(&facts.types).ok(), to_value(&facts.operations).ok());
    for (round, moment) in MOMENTS.into_iter().enumerate() {
        let kind = stage.subject.version.kind(Terms { moment, ..stage.terms() });
        for turn in [round % 2, (round + 1) % 2] {
            let (call, expected, again) = if turn == 0 {
                let again = kind.types(None).await.map(|types| to_value(types).ok());
                ("list-types", &types, again)
            } else {
                let again = kind.operations(None).await.map(|operations| to_value(operations).ok());
                ("list-operations", &operations, again)
            };
            match again {
                Ok(again) => {
                    if let Some(finding) = same(call, expected, &again, moment) {
                        return Verdict::failed(finding);
                    }
                }
                Err(error) => return unanswered(call, &error),
            }
        }
    }
    let note = format!("{} types, {} operations", facts.types.len(), facts.operations.len());
    Verdict::Passed { note: Some(note) }
}

fn same(
    call: &str,
    expected: &Option<serde_json::Value>,
    again: &Option<serde_json::Value>,
    moment: u64,
) -> Option<Finding> {
    if expected == again {
        return None;
    }
    let text =
        |value: &Option<serde_json::Value>| value.as_ref().map(ToString::to_string).unwrap_or_default();
    let (one, other) = (text(expected), text(again));
    let at = one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
    let around = |text: &str| text.chars().skip(at.saturating_sub(20)).take(60).collect::<String>();
    let found = format!("at moment {moment}: `{}` where it was `{}`", around(&other), around(&one));
    Some(Finding::new(format!("the same answer of `{call}` each time"), found, ADVICE))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_place_of_a_difference_is_shown() {
        assert_eq!(same("describe", &Some(json!({"a": 1})), &Some(json!({"a": 1})), 1), None);
        let finding = same("describe", &Some(json!({"a": 1})), &Some(json!({"a": 2})), 1).unwrap();
        assert_eq!(finding.found, r#"at moment 1: `{"a":2}` where it was `{"a":1}`"#);
    }
}
