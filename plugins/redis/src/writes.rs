//! Writes on their way: all servers are sent theirs at once, each with the order to keep what it was told at the end.

use std::collections::BTreeMap;

use headgate_sdk::address::Address;
use headgate_sdk::framed::Lost;
use headgate_sdk::json::{self, Value};
use headgate_sdk::{Edit, Error, Outcome, Result, Written, log};

use crate::link;
use crate::refusals::taken;
use crate::resp::{Answer, Command};
use crate::servers::Servers;

/// One write, at its place among the writes.
pub(crate) struct Task {
    pub(crate) index: usize,
    pub(crate) node: String,
    pub(crate) address: Address,
    /// For a person: `set maxmemory on 10.0.0.1:6379`.
    pub(crate) what: String,
    pub(crate) commands: Vec<Command>,
}

pub(crate) fn done() -> Outcome {
    Outcome::Done(Written { id: None, revision: None, incarnation: None })
}

/// Sends them; `keeps` says by which command a node keeps what it was told, where it can.
pub(crate) fn send(
    servers: &mut Servers,
    tasks: Vec<Task>,
    keeps: impl Fn(&str) -> Option<Command>,
    outcomes: &mut [Option<Outcome>],
) {
    let mut by_server: BTreeMap<Address, Vec<Task>> = BTreeMap::new();
    for task in tasks {
        by_server.entry(task.address.clone()).or_default().push(task);
    }
    let question = |(address, tasks): (&Address, &Vec<Task>)| {
        let commands = tasks.iter().flat_map(|task| task.commands.clone());
        let keep = tasks.first().and_then(|task| keeps(&task.node));
        (address.clone(), commands.chain(keep).collect())
    };
    let questions: Vec<(Address, Vec<Command>)> = by_server.iter().map(question).collect();
    let answers = servers.ask(&questions);
    for (tasks, answers) in by_server.values().zip(answers) {
        match answers {
            Ok(answers) => told(tasks, &answers, outcomes),
            Err(lost) => {
                for task in tasks {
                    put(outcomes, task.index, lost_outcome(&lost, &task.what));
                }
            }
        }
    }
}

fn told(tasks: &[Task], answers: &[Answer], outcomes: &mut [Option<Outcome>]) {
    let mut answers = answers.iter();
    let mut is_changed = false;
    for task in tasks {
        let own: Vec<&Answer> = answers.by_ref().take(task.commands.len()).collect();
        let outcome = outcome(&own, &task.what);
        is_changed |= matches!(outcome, Outcome::Done(_));
        put(outcomes, task.index, outcome);
    }
    let node = tasks.first().map(|task| task.node.as_str()).unwrap_or_default();
    let problem = match answers.next().map(taken) {
        Some(Ok(_)) => return,
        Some(Err(error)) => error.message,
        None => "it has no file to write it to".to_owned(),
    };
    // The change is in force, and reads back as wished.
    if is_changed {
        let message = "what was set counts until the server's next start: it cannot be kept";
        log::warn(message, &[("node", node), ("because", &problem)]);
    }
}

/// Where a release takes only one setting at a time, some may be taken and others not.
fn outcome(answers: &[&Answer], what: &str) -> Outcome {
    let refused: Vec<Error> = answers.iter().filter_map(|answer| taken(answer).err()).collect();
    let Some(first) = refused.first() else { return done() };
    let mut error = first.clone().during(what);
    if refused.len() < answers.len() {
        let taken = answers.len() - refused.len();
        error.message = format!("{}; {taken} of {} settings were taken", error.message, answers.len());
    }
    Outcome::Failed(error)
}

fn lost_outcome(lost: &Lost, what: &str) -> Outcome {
    let error = link::named(lost.error.clone(), what);
    if lost.sent { Outcome::Unknown(error) } else { Outcome::Failed(error) }
}

pub(crate) fn put(outcomes: &mut [Option<Outcome>], index: usize, outcome: Outcome) {
    if let Some(slot) = outcomes.get_mut(index) {
        *slot = Some(outcome);
    }
}

/// Each in its place; an answer that is missing is a mistake of the plugin's.
pub(crate) fn all(outcomes: Vec<Option<Outcome>>) -> Vec<Outcome> {
    let missing = || Outcome::Failed(Error::internal("the write was not sent"));
    outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(missing)).collect()
}

/// The value of an edit, where it is no default.
pub(crate) fn value_of(edit: &Edit) -> Result<Value> {
    json::parse(edit.value.as_deref().unwrap_or("null"), &edit.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_in_part_says_so() {
        let (ok, no) = (Answer::Text("OK".to_owned()), Answer::Refused("ERR Invalid argument".to_owned()));
        assert_eq!(outcome(&[&ok, &ok], "set"), done());
        let Outcome::Failed(error) = outcome(&[&ok, &no], "set") else { panic!("taken") };
        assert_eq!(error.message, "set: Invalid argument; 1 of 2 settings were taken");
        let Outcome::Failed(error) = outcome(&[&no], "set") else { panic!("taken") };
        assert_eq!(error.message, "set: Invalid argument");
    }

    #[test]
    fn a_lost_answer_is_unknown_and_what_was_not_sent_failed() {
        let lost = |sent| Lost { sent, error: Error::unavailable("gone") };
        assert!(matches!(lost_outcome(&lost(true), "set"), Outcome::Unknown(_)));
        assert!(matches!(lost_outcome(&lost(false), "set"), Outcome::Failed(_)));
    }
}
