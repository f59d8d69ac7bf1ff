//! Writes of copies: the present object is read, the named fields are merged into it, and it is written back whole.
//!
//! RocketMQ has no compare-and-set. What is written was read a moment before, so fields that nobody spoke of are taken back
//! only where somebody else changes the same object between our reading and our writing: milliseconds, and not closed.

use std::collections::BTreeMap;

use headgate_sdk::framed::Lost;
use headgate_sdk::json::{self, Map, Value, json};
use headgate_sdk::{Action, Edit, Error, ErrorKind, Outcome, Result, Write, Written, call};

use super::{Dump, Kind, Object, get, routes};
use crate::cluster::Servers;
use crate::fields::{self, Rewrite};
use crate::types;
use crate::wire::{Answer, Request, codes, put};

/// Objects of one request: a few hundred kilobytes, and a broker's file written once instead of so many times.
const OBJECTS_PER_REQUEST_MAX: usize = 2_000;

/// Single changes of a round, each some ten milliseconds of a broker's time.
const SINGLES_AT_ONCE: usize = 250;

/// Left of a call's time for another round of single changes.
const ROUND_TIME_MS: u64 = 6_000;

/// What is sent for a write, at its place among the writes.
struct Task<'a> {
    index: usize,
    id: &'a str,
    master: String,
    /// None deletes.
    rewrite: Option<Rewrite>,
}

pub(crate) fn write(
    servers: &mut Servers,
    kind: &'static Kind,
    writes: &[&Write],
    dry_run: bool,
) -> Vec<Outcome> {
    if let Err(error) = servers.refresh() {
        return writes.iter().map(|_| Outcome::Failed(error.clone())).collect();
    }
    let groups = writes.iter().filter_map(|write| kind.group(&write.key.place).ok());
    let ids = writes.iter().map(|write| write.key.id.as_str()).collect();
    let mut present = get::present(servers, kind, groups, &ids);
    let mut outcomes: Vec<Option<Outcome>> = writes.iter().map(|_| None).collect();
    let (mut puts, mut deletes) = (Vec::new(), Vec::new());
    for (index, write) in writes.iter().enumerate() {
        match task(servers, kind, index, write, &mut present) {
            Ok(_) if dry_run => put(&mut outcomes, index, done()),
            Ok(task) if task.rewrite.is_some() => puts.push(task),
            Ok(task) => deletes.push(task),
            Err(error) => put(&mut outcomes, index, Outcome::Failed(error)),
        }
    }
    send_puts(servers, kind, &puts, &mut outcomes);
    send_deletes(servers, kind, &deletes, &mut outcomes);
    let missing = || Outcome::Failed(Error::internal("the write was not sent"));
    outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(missing)).collect()
}

/// A later write of the same object builds on this one, as if it had been read.
fn task<'a>(
    servers: &Servers,
    kind: &'static Kind,
    index: usize,
    write: &'a Write,
    present: &mut BTreeMap<String, Result<Dump<Object>>>,
) -> Result<Task<'a>> {
    let (id, group) = (write.key.id.as_str(), kind.group(&write.key.place)?);
    let what = || format!("write {} {id} on {group}", kind.noun);
    let dump = match present.get_mut(group) {
        Some(Ok(dump)) => dump,
        Some(Err(error)) => return Err(error.clone().during(what())),
        None => return Err(Error::internal("the group was not asked")),
    };
    let rewrite = rewrite(kind, write, dump.objects.get(id)).map_err(|error| error.during(what()))?;
    match &rewrite {
        Some(rewrite) => drop(dump.objects.insert(id.to_owned(), rewrite.written())),
        None => drop(dump.objects.remove(id)),
    }
    Ok(Task { index, id, master: servers.members.master(group)?, rewrite })
}

fn rewrite(
    kind: &'static Kind,
    write: &Write,
    there: Option<&Map<String, Value>>,
) -> Result<Option<Rewrite>> {
    let noun = kind.noun;
    match (&write.action, there) {
        // Deleting what is not there succeeds: a delete that was cut off half-way is finished by its repetition.
        (Action::Delete, _) => Ok(None),
        (Action::Create(_), Some(_)) => {
            let message = format!("the {noun} is there already: adopt it, or edit it");
            Err(Error::new(ErrorKind::AlreadyExists, message).code("ALREADY_EXISTS"))
        }
        (Action::Create(spec), None) => {
            let mut rewrite = kind.fresh(&write.key.id)?;
            merge(kind, &mut rewrite, spec)?;
            Ok(Some(rewrite))
        }
        (Action::Edit(_) | Action::Replace(_), None) => {
            Err(Error::not_found(format_args!("there is no such {noun} any more")).code("NOT_FOUND"))
        }
        (Action::Edit(edits), Some(there)) => {
            let mut rewrite = Rewrite::of(there.clone());
            edits.iter().try_for_each(|edit| known(kind, there, edit))?;
            edits.iter().try_for_each(|edit| apply(kind, &mut rewrite, edit))?;
            Ok(Some(rewrite))
        }
        (Action::Replace(spec), Some(there)) => {
            let mut rewrite = Rewrite::of(there.clone());
            for field in kind.fields {
                rewrite.set(kind.fields, &[field.name], None)?;
            }
            merge(kind, &mut rewrite, spec)?;
            Ok(Some(rewrite))
        }
        (Action::Run((name, _)), _) => {
            Err(Error::unsupported(format_args!("a {noun} has no operation {name}")))
        }
    }
}

fn merge(kind: &'static Kind, rewrite: &mut Rewrite, spec: &str) -> Result<()> {
    let spec: Map<String, Value> = json::parse(spec, "read the spec")?;
    spec.iter().try_for_each(|(name, value)| rewrite.set(kind.fields, &[name], Some(value)))
}

/// A field that the broker does not tell it does not have: it would take the write and drop it.
fn known(kind: &Kind, there: &Map<String, Value>, edit: &Edit) -> Result<()> {
    let name = json::pointer_tokens(&edit.path).into_iter().next().unwrap_or_default();
    match fields::find(kind.fields, &name) {
        Some(field) if !there.contains_key(field.wire) => {
            let message = format!("the broker's RocketMQ is too old for {name}: leave it out");
            Err(Error::unsupported(message).code("NO_SUCH_FIELD"))
        }
        Some(_) | None => Ok(()),
    }
}

fn apply(kind: &'static Kind, rewrite: &mut Rewrite, edit: &Edit) -> Result<()> {
    let value: Option<Value> = edit.value.as_deref().map(|text| json::parse(text, &edit.path)).transpose()?;
    let tokens = json::pointer_tokens(&edit.path);
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    rewrite.set(kind.fields, &tokens, value.as_ref())
}

/// A list of objects to each master where there are several, all in flight together. A list that is refused, or that an
/// old broker does not know, is sent one by one: it is refused whole, and each deserves its own answer.
fn send_puts(servers: &mut Servers, kind: &Kind, tasks: &[Task<'_>], outcomes: &mut [Option<Outcome>]) {
    let mut by_master: BTreeMap<&str, Vec<&Task<'_>>> = BTreeMap::new();
    for task in tasks {
        by_master.entry(&task.master).or_default().push(task);
    }
    let (mut lists, mut singles) = (Vec::new(), Vec::new());
    for (master, tasks) in &by_master {
        match tasks.as_slice() {
            [one] => singles.push(*one),
            many => lists.extend(many.chunks(OBJECTS_PER_REQUEST_MAX).map(|chunk| (*master, chunk))),
        }
    }
    let questions: Vec<(String, Request)> =
        lists.iter().map(|(master, chunk)| ((*master).to_owned(), list_request(kind, chunk))).collect();
    for ((_, chunk), answer) in lists.iter().zip(servers.write_each(&questions)) {
        match answer {
            Ok(answer) if answer.code == codes::SUCCESS => {
                chunk.iter().for_each(|task| put(outcomes, task.index, done()));
            }
            Ok(_) => singles.extend(chunk.iter().copied()),
            Err(lost) => {
                chunk.iter().for_each(|task| {
                    put(
                        outcomes,
                        task.index,
                        lost_outcome(&lost, &format!("write {} {}", kind.noun, task.id)),
                    );
                });
            }
        }
    }
    for chunk in singles.chunks(SINGLES_AT_ONCE) {
        if out_of_time() {
            chunk.iter().for_each(|task| put(outcomes, task.index, not_sent(kind, task)));
            continue;
        }
        send_singles(servers, kind, chunk, outcomes);
    }
}

/// One request for each; gives the ids of what was done.
fn send_singles<'a>(
    servers: &mut Servers,
    kind: &Kind,
    tasks: &[&Task<'a>],
    outcomes: &mut [Option<Outcome>],
) -> Vec<&'a str> {
    let question = |task: &&Task<'_>| {
        let request = match &task.rewrite {
            Some(rewrite) => (kind.write_one)(task.id, rewrite),
            None => (kind.delete)(task.id),
        };
        (task.master.clone(), request)
    };
    let questions: Vec<(String, Request)> = tasks.iter().map(question).collect();
    let mut succeeded = Vec::new();
    for (task, answer) in tasks.iter().zip(servers.write_each(&questions)) {
        let verb = if task.rewrite.is_some() { "write" } else { "delete" };
        let outcome = outcome(answer, &format!("{verb} {} {}", kind.noun, task.id));
        if matches!(outcome, Outcome::Done(_)) {
            succeeded.push(task.id);
        }
        put(outcomes, task.index, outcome);
    }
    succeeded
}

/// A broker writes its whole file for each single change: thousands take longer than a call may.
fn out_of_time() -> bool {
    call::remaining_ms() < ROUND_TIME_MS
}

fn not_sent(kind: &Kind, task: &Task<'_>) -> Outcome {
    let message =
        format!("{} {} was not sent: the call's time is over; it goes with the next one", kind.noun, task.id);
    Outcome::Failed(Error::new(ErrorKind::Timeout, message).code("NOT_SENT").retry_after_ms(0))
}

fn list_request(kind: &Kind, tasks: &[&Task<'_>]) -> Request {
    let objects: Vec<Value> =
        tasks.iter().filter_map(|task| task.rewrite.as_ref()).map(Rewrite::for_wire).collect();
    let body = json!({ kind.list_key: objects });
    Request::new(kind.write_list).body(json::text(&body).into_bytes())
}

/// Routes go with each round, so that a call that is cut leaves few of them behind.
fn send_deletes(
    servers: &mut Servers,
    kind: &'static Kind,
    tasks: &[Task<'_>],
    outcomes: &mut [Option<Outcome>],
) {
    let tasks: Vec<&Task<'_>> = tasks.iter().collect();
    for chunk in tasks.chunks(SINGLES_AT_ONCE) {
        if out_of_time() {
            chunk.iter().for_each(|task| put(outcomes, task.index, not_sent(kind, task)));
            continue;
        }
        let gone = send_singles(servers, kind, chunk, outcomes);
        if kind.metadata_type == types::TOPIC && !gone.is_empty() {
            routes::clear(servers, &gone);
        }
    }
}

fn outcome(answer: Result<Answer, Lost>, what: &str) -> Outcome {
    match answer {
        Ok(answer) => match answer.checked(what) {
            Ok(_) => done(),
            Err(error) => Outcome::Failed(error),
        },
        Err(lost) => lost_outcome(&lost, what),
    }
}

pub(crate) fn lost_outcome(lost: &Lost, what: &str) -> Outcome {
    let error = lost.error.clone().during(what);
    if lost.sent { Outcome::Unknown(error) } else { Outcome::Failed(error) }
}

/// A broker answers when it has the change in memory, and tells it from then on.
pub(crate) fn done() -> Outcome {
    Outcome::Done(Written { id: None, revision: None, incarnation: None })
}

#[cfg(test)]
mod tests {
    use headgate_sdk::{Place, ResourceKey};

    use super::super::{GROUP_CONFIG, TOPIC};
    use super::*;

    fn write(action: Action) -> Write {
        let place = Place::Group("broker-a".to_owned());
        let key = ResourceKey { metadata_type: types::TOPIC.to_owned(), id: "orders".to_owned(), place };
        Write { key, action, revision: None, incarnation: None, extra: None }
    }

    fn edit(path: &str, value: &str) -> Edit {
        Edit { path: path.to_owned(), value: Some(value.to_owned()) }
    }

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_create_fills_in_the_defaults() {
        let create =
            write(Action::Create(r#"{"read_queues": 4, "attributes": {"message.type": "FIFO"}}"#.to_owned()));
        let rewrite = rewrite(&TOPIC, &create, None).unwrap().unwrap();
        assert_eq!(
            rewrite.for_wire(),
            json!({"topicName": "orders", "readQueueNums": 4, "writeQueueNums": 8, "perm": 6, "order": false,
                "topicFilterType": "SINGLE_TAG", "topicSysFlag": 0, "attributes": {"+message.type": "FIFO"}})
        );
        let error = super::rewrite(&TOPIC, &create, Some(&Map::new())).unwrap_err();
        assert_eq!(error.kind, ErrorKind::AlreadyExists);
    }

    #[test]
    fn several_edits_are_one_rewrite_that_keeps_what_it_does_not_know() {
        let there = object(json!({"groupName": "g", "retryMaxTimes": 16, "consumeEnable": true,
            "groupRetryPolicy": {"type": "CUSTOMIZED"}, "attributes": {"a": "1"}}));
        let edits = vec![edit("/retry_max_times", "3"), edit("/consume_enable", "false")];
        let rewrite = rewrite(&GROUP_CONFIG, &write(Action::Edit(edits)), Some(&there)).unwrap().unwrap();
        assert_eq!(
            rewrite.for_wire(),
            json!({"groupName": "g", "retryMaxTimes": 3, "consumeEnable": false,
                "groupRetryPolicy": {"type": "CUSTOMIZED"}})
        );
    }

    #[test]
    fn a_replacement_takes_back_what_it_does_not_name() {
        let there =
            object(json!({"topicName": "orders", "perm": 4, "topicSysFlag": 5, "attributes": {"a": "1"}}));
        let replace = write(Action::Replace(r#"{"read_queues": 2}"#.to_owned()));
        let written = rewrite(&TOPIC, &replace, Some(&there)).unwrap().unwrap().for_wire();
        assert_eq!(
            (&written["perm"], &written["readQueueNums"], &written["topicSysFlag"]),
            (&json!(6), &json!(2), &json!(5))
        );
        assert_eq!(written["attributes"], json!({"-a": ""}));
    }

    #[test]
    fn an_old_broker_has_fewer_fields() {
        let there = object(json!({"topicName": "orders", "perm": 6}));
        let edits = Action::Edit(vec![edit("/attributes/message.type", "\"FIFO\"")]);
        let error = rewrite(&TOPIC, &write(edits), Some(&there)).unwrap_err();
        assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Unsupported, Some("NO_SUCH_FIELD")));
    }

    #[test]
    fn what_is_gone_cannot_be_edited_and_can_be_deleted() {
        let error = rewrite(&TOPIC, &write(Action::Edit(vec![])), None).unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound);
        assert_eq!(rewrite(&TOPIC, &write(Action::Delete), None), Ok(None));
    }

    #[test]
    fn a_lost_answer_is_unknown_and_an_unsent_one_failed() {
        let lost = |sent| Lost { sent, error: Error::unavailable("gone") };
        assert!(matches!(lost_outcome(&lost(true), "write"), Outcome::Unknown(_)));
        assert!(matches!(lost_outcome(&lost(false), "write"), Outcome::Failed(_)));
    }
}
