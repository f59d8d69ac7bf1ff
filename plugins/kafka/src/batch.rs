//! One request about some resources of a type: sent, sent again where that is safe, and its answer turned into an outcome
//! for each.

use std::collections::BTreeMap;

use headgate_sdk::framed::Lost;
use headgate_sdk::{Error, Outcome, Written};
use kafka_protocol::protocol::{Request, StrBytes};

use crate::cluster::Brokers;
use crate::wire::codes;

/// We wait a little longer, so that its word arrives.
pub(crate) const WRITE_TIMEOUT_MS: u64 = 24_000;

/// Answers after which nobody knows whether it was done.
const UNKNOWN_SERVER_ERROR: i16 = -1;
const REQUEST_TIMED_OUT: i16 = 7;
const NETWORK_EXCEPTION: i16 = 13;

/// What a request's answer says of one resource.
pub(crate) struct Answer {
    code: i16,
    message: Option<String>,
    incarnation: Option<String>,
}

pub(crate) type Answers = (i32, BTreeMap<String, Answer>);

/// One request about some resources, each by its position among the writes and by its id.
pub(crate) struct Batch<'a> {
    pub(crate) names: &'a [(usize, &'a str)],
    pub(crate) what: &'a str,
    pub(crate) lag_ms: u64,
    pub(crate) dry_run: bool,
}

impl Batch<'_> {
    /// `read` is told the positions that were asked about, for an answer that names nothing.
    /// What was refused because another node is the controller now is sent once more: nothing was done with it.
    pub(crate) fn send<R: Request>(
        &self,
        brokers: &mut Brokers,
        build: impl Fn(&[usize]) -> R,
        read: impl Fn(&[usize], R::Response) -> Answers,
        outcomes: &mut [Option<Outcome>],
    ) {
        let ask = |brokers: &mut Brokers, asked: &[usize]| brokers.once(&build(asked), WRITE_TIMEOUT_MS);
        self.send_by(brokers, ask, read, outcomes);
    }

    /// The same for a request that is sent in a way of its own.
    pub(crate) fn send_by<A>(
        &self,
        brokers: &mut Brokers,
        ask: impl Fn(&mut Brokers, &[usize]) -> Result<A, Lost>,
        read: impl Fn(&[usize], A) -> Answers,
        outcomes: &mut [Option<Outcome>],
    ) {
        let mut pending: Vec<usize> = self.names.iter().map(|(index, _)| *index).collect();
        for last in [false, true] {
            match ask(brokers, &pending) {
                Ok(response) => {
                    let (throttle_ms, answers) = read(&pending, response);
                    pending = self.settle(&pending, &answers, throttle_ms, last, outcomes);
                }
                Err(lost) => {
                    pending.drain(..).for_each(|index| put(outcomes, index, lost_outcome(&lost, self.what)));
                }
            }
            if pending.is_empty() {
                return;
            }
            brokers.change_seed();
        }
    }

    /// Turns answers into outcomes; gives what is worth sending again.
    fn settle(
        &self,
        sent: &[usize],
        answers: &BTreeMap<String, Answer>,
        throttle_ms: i32,
        last: bool,
        outcomes: &mut [Option<Outcome>],
    ) -> Vec<usize> {
        let mut again = Vec::new();
        for (index, name) in self.names.iter().filter(|(index, _)| sent.binary_search(index).is_ok()) {
            let what = format!("{} {name}", self.what);
            let outcome = match answers.get(*name) {
                Some(answer) if answer.code == codes::NOT_CONTROLLER && !last => {
                    again.push(*index);
                    continue;
                }
                Some(answer) => self.outcome(answer, throttle_ms, &what),
                None => {
                    Outcome::Unknown(Error::protocol(format_args!("{what}: the answer does not name it")))
                }
            };
            put(outcomes, *index, outcome);
        }
        again
    }

    fn outcome(&self, answer: &Answer, throttle_ms: i32, what: &str) -> Outcome {
        let error = || codes::throttled(answer.code, answer.message.as_deref(), what, throttle_ms);
        match answer.code {
            codes::NONE if self.dry_run => Outcome::Done(written(None)),
            codes::NONE => Outcome::Accepted((written(answer.incarnation.clone()), self.lag_ms)),
            // It may have been done, or be done yet.
            UNKNOWN_SERVER_ERROR | REQUEST_TIMED_OUT | NETWORK_EXCEPTION => Outcome::Unknown(error()),
            _ => Outcome::Failed(error()),
        }
    }
}

pub(crate) fn answer_of(code: i16, message: Option<StrBytes>, incarnation: Option<String>) -> Answer {
    Answer { code, message: message.map(|text| text.to_string()), incarnation }
}

pub(crate) fn lost_outcome(lost: &Lost, what: &str) -> Outcome {
    let error = lost.error.clone().during(what);
    if lost.sent { Outcome::Unknown(error) } else { Outcome::Failed(error) }
}

pub(crate) fn written(incarnation: Option<String>) -> Written {
    Written { id: None, revision: None, incarnation }
}

pub(crate) fn put(outcomes: &mut [Option<Outcome>], index: usize, outcome: Outcome) {
    if let Some(slot) = outcomes.get_mut(index) {
        *slot = Some(outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_answer_is_unknown_and_an_unsent_one_failed() {
        let lost = |sent| Lost { sent, error: Error::unavailable("gone") };
        assert!(matches!(lost_outcome(&lost(true), "create"), Outcome::Unknown(_)));
        assert!(matches!(lost_outcome(&lost(false), "create"), Outcome::Failed(_)));
    }
}
