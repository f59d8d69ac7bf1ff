//! The checks, by name, in the order in which they run.

use futures::future::BoxFuture;
use std::time::Duration;

use super::report::{Checked, Group, Verdict};
use super::stage::Stage;
use super::{backend, errors, limits, network, open, own, shape, strategy, writing};

/// What a check cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    /// A plugin that talks to a backend; to which one does not matter.
    Driver,
    /// A cluster that was given, or a cassette of one.
    Backend,
}

type Run = for<'a> fn(&'a Stage<'a>) -> BoxFuture<'a, Verdict>;

pub struct Check {
    pub group: Group,
    pub name: &'static str,
    /// What holds where it passes.
    pub says: &'static str,
    pub needs: Needs,
    /// Beside its neighbours of the same sort.
    pub(super) at_once: bool,
    pub(super) run: Run,
}

/// Where this one fails, there is no cluster to check anything else with.
pub(super) const OPENS: &str = "opens";

impl Check {
    const fn of(group: Group, needs: Needs, name: &'static str, says: &'static str, run: Run) -> Self {
        let at_once = matches!((group, needs), (Group::Network, Needs::Driver));
        Self { group, name, says, needs, at_once, run }
    }

    pub fn full_name(&self) -> String {
        format!("{}/{}", self.group.word(), self.name)
    }

    pub(super) fn is_wanted(&self, only: &[String]) -> bool {
        let fits =
            |word: &String| *word == self.group.word() || *word == self.name || *word == self.full_name();
        only.is_empty() || only.iter().any(fits)
    }

    pub(super) fn skipped(&self, reason: &str) -> Checked {
        Checked::new(self.group, self.name, Verdict::skipped(reason), Duration::ZERO)
    }
}

macro_rules! check {
    ($group:ident, $needs:ident, $name:literal, $says:literal, $run:path) => {
        Check::of(Group::$group, Needs::$needs, $name, $says, |stage| Box::pin($run(stage)))
    };
}

pub static CHECKS: [Check; 29] = [
    check!(Static, Nothing, "loads", "a host takes the file: every stage passes", shape::loads),
    check!(Static, Nothing, "names", "types, operations and grants name what exists", shape::names),
    check!(Static, Nothing, "examples", "examples and defaults keep to their own schemas", shape::examples),
    check!(
        Contract,
        Nothing,
        "describe",
        "it describes itself the same on every instance, at any time",
        own::describe
    ),
    check!(
        Contract,
        Nothing,
        "lists",
        "types and operations are the same on every instance, in any order",
        own::lists
    ),
    check!(
        Contract,
        Nothing,
        "decides",
        "the same question has the same answer, byte by byte",
        strategy::decides
    ),
    check!(Contract, Backend, "opens", "the cluster is opened, probed and discovered", open::opens),
    check!(
        Contract,
        Backend,
        "opens-again",
        "to be opened again with the same target changes nothing",
        open::again
    ),
    check!(
        Contract,
        Backend,
        "schemas",
        "spec and status of all that is listed hold against their schemas",
        backend::schemas
    ),
    check!(
        Contract,
        Backend,
        "paging",
        "pages of 1, 2, 7 and 1000 hold the same, in order, each once, and end",
        backend::paging
    ),
    check!(Contract, Backend, "cursor", "an unknown cursor is an error with a name", backend::cursor),
    check!(
        Contract,
        Backend,
        "normal-form",
        "what is listed is in the normal form, and is valid",
        strategy::normal_form
    ),
    check!(Contract, Backend, "no-steps", "what is as it was needs no steps", strategy::no_steps),
    check!(
        Contract,
        Backend,
        "applies",
        "a wish is applied, reads back equal, needs nothing more, and is taken back",
        writing::applies
    ),
    check!(
        Contract,
        Backend,
        "closes",
        "a closed session leaves nothing open, and another one opens",
        open::closes
    ),
    check!(Failures, Backend, "absent", "what is not there is absent, and no failure", errors::absent),
    check!(Failures, Backend, "credentials", "wrong credentials are told as such", errors::credentials),
    check!(Network, Driver, "refused", "nobody listens: unavailable", network::refused),
    check!(Network, Driver, "no-name", "the name does not resolve: unavailable", network::no_name),
    check!(
        Network,
        Driver,
        "silent",
        "nothing is answered: a time-out, within the deadline",
        network::silent
    ),
    check!(Network, Driver, "slow", "one byte a second: a time-out, within the deadline", network::slow),
    check!(Network, Driver, "truncated", "half an answer, then the end: an error", network::truncated),
    check!(
        Network,
        Driver,
        "oversized",
        "an answer without end: an error, and no memory",
        network::oversized
    ),
    check!(Network, Driver, "reset", "reset in the middle of an answer: an error", network::reset),
    check!(Network, Driver, "tls", "TLS where none is, or none where it is: an error", network::tls),
    check!(
        Network,
        Driver,
        "cancel",
        "a cancelled call ends within a second, and the next one runs",
        network::cancel
    ),
    check!(Network, Backend, "recovers", "after such a server the good one is served", network::recovers),
    check!(
        Resources,
        Nothing,
        "budgets",
        "memory, CPU and host calls stay below 80 % of what is allowed",
        limits::budgets
    ),
    check!(Resources, Nothing, "size", "the file stays below 80 % of what is allowed", limits::size),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn checks_have_names_of_their_own_and_are_chosen_by_them() {
        let names: BTreeSet<&str> = CHECKS.iter().map(|check| check.name).collect();
        assert_eq!(names.len(), CHECKS.len());
        let chosen = |only: &str| {
            let only = [only.to_owned()];
            CHECKS.iter().filter(|check| check.is_wanted(&only)).count()
        };
        assert_eq!((chosen("network"), chosen("paging"), chosen("contract/paging")), (10, 1, 1));
        assert_eq!(chosen("nothing"), 0);
        assert_eq!(CHECKS.iter().filter(|check| check.is_wanted(&[])).count(), CHECKS.len());
    }

    #[test]
    fn the_budgets_are_read_when_everything_else_is_done() {
        assert!(CHECKS.iter().is_sorted_by_key(|check| check.group));
    }
}
