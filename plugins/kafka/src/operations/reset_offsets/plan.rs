//! Decides where each position goes: clamped to what the log holds, and said where that made a difference.

use std::collections::{BTreeMap, BTreeSet};

use headgate_sdk::json::{Map, Value, json};
use headgate_sdk::{Error, Result};

use super::wish::Target;
use crate::log_offsets::{Found, Offsets, Partition, shown};

/// What a partition's log holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Log {
    pub(super) start: i64,
    pub(super) end: i64,
    /// Where the time is that was asked for; none where no record is that late.
    pub(super) at_time: Option<Found>,
}

/// A position that changes. Without an offset there is none.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Move {
    pub(super) partition: Partition,
    pub(super) before: Option<i64>,
    pub(super) after: Option<i64>,
    end: Option<i64>,
}

#[derive(Debug, Default, PartialEq)]
pub(super) struct Plan {
    pub(super) moves: Vec<Move>,
    pub(super) unchanged: usize,
    pub(super) warnings: Vec<String>,
    /// Partitions that cannot be moved.
    pub(super) failures: Vec<(String, Error)>,
}

pub(super) fn plan(
    target: &Target,
    wanted: &BTreeSet<Partition>,
    committed: &Offsets,
    logs: &BTreeMap<Partition, Result<Log>>,
) -> Plan {
    let mut plan = Plan::default();
    for partition in wanted {
        let name = shown(partition);
        let before = committed.get(partition).copied();
        let log = logs.get(partition);
        let after = match goal(target, partition, before, log) {
            Ok((after, warning)) => {
                plan.warnings.extend(warning.map(|warning| format!("{name}: {warning}")));
                after
            }
            Err(error) => {
                plan.failures.push((name, error));
                continue;
            }
        };
        if after == before {
            plan.unchanged += 1;
        } else {
            let end = log.and_then(|log| log.as_ref().ok()).map(|log| log.end);
            plan.moves.push(Move { partition: partition.clone(), before, after, end });
        }
    }
    plan
}

type Goal = (Option<i64>, Option<String>);

fn goal(
    target: &Target,
    partition: &Partition,
    before: Option<i64>,
    log: Option<&Result<Log>>,
) -> Result<Goal> {
    if let Target::Exact(exact) = target
        && exact.get(partition).is_some_and(Option::is_none)
    {
        return Ok((None, None));
    }
    let name = shown(partition);
    let log = match log {
        Some(Ok(log)) => log,
        Some(Err(error)) => return Err(error.clone()),
        None => return Err(Error::not_found(format_args!("no broker told of the log of {name}"))),
    };
    let goal = match target {
        Target::Earliest => (log.start, None),
        Target::Latest => (log.end, None),
        Target::Time(time_ms) => at_time(*time_ms, log),
        Target::Offset(offset) => clamped(*offset, log),
        Target::Shift(by) => {
            let missing = || {
                let message = format!("there is no position in {name} to move from: reset it to a place");
                Error::conflict(message).code("NO_POSITION")
            };
            clamped(before.ok_or_else(missing)?.saturating_add(*by), log)
        }
        Target::Exact(exact) => clamped(exact.get(partition).copied().flatten().unwrap_or_default(), log),
    };
    Ok((Some(goal.0), goal.1))
}

fn clamped(offset: i64, log: &Log) -> (i64, Option<String>) {
    let Log { start, end, .. } = *log;
    if offset < start {
        (start, Some(format!("{offset} is before the log's begin: to the earliest, {start}")))
    } else if offset > end {
        (end, Some(format!("{offset} is behind the log's end: to the latest, {end}")))
    } else {
        (offset, None)
    }
}

fn at_time(time_ms: i64, log: &Log) -> (i64, Option<String>) {
    match log.at_time {
        None if log.start == log.end => (log.end, None),
        None => (log.end, Some(format!("no record is that late: to the latest, {}", log.end))),
        Some(found) if found.offset <= log.start && found.timestamp_ms > time_ms => {
            (log.start, Some(format!("the log begins after that time: to the earliest, {}", log.start)))
        }
        Some(found) => (found.offset.clamp(log.start, log.end), None),
    }
}

impl Move {
    /// `orders-0: 5 → 2, lag 3 → 6`
    pub(super) fn line(&self) -> String {
        let offset =
            |offset: Option<i64>| offset.map_or_else(|| "none".to_owned(), |offset| offset.to_string());
        let mut line =
            format!("{}: {} → {}", shown(&self.partition), offset(self.before), offset(self.after));
        if self.end.is_some() {
            let (before, after) = (offset(self.lag(self.before)), offset(self.lag(self.after)));
            line.push_str(&format!(", lag {before} → {after}"));
        }
        line
    }

    pub(super) fn document(&self) -> Value {
        let (topic, partition) = &self.partition;
        json!({
            "topic": topic,
            "partition": partition,
            "before": self.before,
            "after": self.after,
            "lag_before": self.lag(self.before),
            "lag_after": self.lag(self.after),
        })
    }

    fn lag(&self, position: Option<i64>) -> Option<i64> {
        Some((self.end? - position?).max(0))
    }
}

/// The input that puts the positions back: where there was none, it is deleted.
pub(super) fn undo(moves: &[Move]) -> Value {
    let mut topics = Map::new();
    for one in moves {
        let (topic, partition) = &one.partition;
        let partitions = topics.entry(topic.clone()).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(partitions) = partitions {
            partitions.insert(partition.to_string(), one.before.into());
        }
    }
    json!({"to": "offsets", "offsets": topics})
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: Log = Log { start: 10, end: 20, at_time: None };

    fn partition(index: i32) -> Partition {
        ("t".to_owned(), index)
    }

    /// One partition that stands at `before`: the line of its move, then what was said of it.
    fn check(target: Target, before: Option<i64>, log: Log, expected: &[&str]) {
        let wanted = [partition(0)].into();
        let committed = before.map(|offset| (partition(0), offset)).into_iter().collect();
        let plan = plan(&target, &wanted, &committed, &BTreeMap::from([(partition(0), Ok(log))]));
        let failures = plan.failures.iter().map(|(_, error)| error.message.clone());
        let lines: Vec<String> =
            plan.moves.iter().map(Move::line).chain(plan.warnings).chain(failures).collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn positions_move_within_the_log() {
        check(Target::Earliest, Some(15), LOG, &["t-0: 15 → 10, lag 5 → 10"]);
        check(Target::Latest, None, LOG, &["t-0: none → 20, lag none → 0"]);
        check(Target::Offset(12), Some(15), LOG, &["t-0: 15 → 12, lag 5 → 8"]);
        check(Target::Shift(2), Some(15), LOG, &["t-0: 15 → 17, lag 5 → 3"]);
        check(Target::Offset(15), Some(15), LOG, &[]);
    }

    #[test]
    fn what_is_outside_the_log_is_clamped_and_said() {
        check(
            Target::Offset(3),
            Some(15),
            LOG,
            &["t-0: 15 → 10, lag 5 → 10", "t-0: 3 is before the log's begin: to the earliest, 10"],
        );
        check(
            Target::Shift(i64::MAX),
            Some(15),
            LOG,
            &[
                "t-0: 15 → 20, lag 5 → 0",
                "t-0: 9223372036854775807 is behind the log's end: to the latest, 20",
            ],
        );
        let exact = Target::Exact([(partition(0), Some(25))].into());
        check(exact, Some(20), LOG, &["t-0: 25 is behind the log's end: to the latest, 20"]);
    }

    #[test]
    fn a_time_is_looked_up_and_said_where_the_log_does_not_hold_it() {
        let found = |offset, timestamp_ms| Log { at_time: Some(Found { offset, timestamp_ms }), ..LOG };
        check(Target::Time(500), Some(15), found(12, 501), &["t-0: 15 → 12, lag 5 → 8"]);
        check(Target::Time(500), Some(15), found(10, 500), &["t-0: 15 → 10, lag 5 → 10"]);
        check(
            Target::Time(500),
            Some(15),
            found(10, 900),
            &["t-0: 15 → 10, lag 5 → 10", "t-0: the log begins after that time: to the earliest, 10"],
        );
        check(
            Target::Time(500),
            Some(15),
            LOG,
            &["t-0: 15 → 20, lag 5 → 0", "t-0: no record is that late: to the latest, 20"],
        );
    }

    #[test]
    fn without_a_position_nothing_can_be_shifted() {
        check(
            Target::Shift(1),
            None,
            LOG,
            &["there is no position in t-0 to move from: reset it to a place"],
        );
    }

    #[test]
    fn the_undo_puts_back_what_was_and_deletes_what_was_not() {
        let wanted = [partition(0), partition(1)].into();
        let logs = [partition(0), partition(1)].map(|one| (one, Ok(LOG))).into();
        let committed = Offsets::from([(partition(0), 15)]);
        let moved = plan(&Target::Latest, &wanted, &committed, &logs);
        let back = undo(&moved.moves);
        assert_eq!(back, json!({"to": "offsets", "offsets": {"t": {"0": 15, "1": null}}}));
        let target = super::super::wish::parse(&back).unwrap().target;
        let now = Offsets::from([(partition(0), 20), (partition(1), 20)]);
        let lines: Vec<String> = plan(&target, &wanted, &now, &logs).moves.iter().map(Move::line).collect();
        assert_eq!(lines, ["t-0: 20 → 15, lag 0 → 5", "t-1: 20 → none, lag 0 → none"]);
    }

    #[test]
    fn a_position_in_a_topic_that_is_gone_can_be_deleted() {
        let target = Target::Exact([(partition(0), None), (partition(1), Some(3))].into());
        let wanted = [partition(0), partition(1)].into();
        let gone = || Err(Error::not_found("topic t is not there"));
        let logs = [(partition(0), gone()), (partition(1), gone())].into();
        let plan = plan(&target, &wanted, &Offsets::from([(partition(0), 5)]), &logs);
        assert_eq!(plan.moves.iter().map(Move::line).collect::<Vec<_>>(), ["t-0: 5 → none"]);
        assert_eq!(plan.failures[0].0, "t-1");
    }
}
