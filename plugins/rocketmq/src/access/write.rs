//! Writes: what is there is read first, then each write's requests go out one after the other, those of all writes together.

use std::collections::{BTreeMap, VecDeque};

use headgate_sdk::{Error, Outcome, Result, Write};

use super::list::by_group;
use super::{ACL, Kept, Kind, Present, USER, checked};
use crate::cluster::Servers;
use crate::copies::write::{done, lost_outcome};
use crate::wire::{Request, put};

/// A write on its way, at its place among the writes.
struct Task<'a> {
    index: usize,
    id: &'a str,
    master: String,
    waiting: VecDeque<Request>,
}

pub(crate) fn write(servers: &mut Servers, kind: &Kind, writes: &[&Write], dry_run: bool) -> Vec<Outcome> {
    if let Err(error) = servers.refresh() {
        return writes.iter().map(|_| Outcome::Failed(error.clone())).collect();
    }
    let groups = || writes.iter().filter_map(|write| kind.group(&write.key.place).ok());
    let users = by_group(servers, &USER, groups());
    let acls = by_group(servers, &ACL, groups());
    let mut outcomes: Vec<Option<Outcome>> = writes.iter().map(|_| None).collect();
    let mut tasks = Vec::new();
    for (index, write) in writes.iter().enumerate() {
        match task(servers, kind, index, write, (&users, &acls)) {
            Ok(task) if dry_run || task.waiting.is_empty() => put(&mut outcomes, index, done()),
            Ok(task) => tasks.push(task),
            Err(error) => put(&mut outcomes, index, Outcome::Failed(error)),
        }
    }
    while !tasks.is_empty() {
        tasks = send(servers, kind, tasks, &mut outcomes);
    }
    let missing = || Outcome::Failed(Error::internal("the write was not sent"));
    outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(missing)).collect()
}

type ByGroup = BTreeMap<String, Result<Kept>>;

fn task<'a>(
    servers: &Servers,
    kind: &Kind,
    index: usize,
    write: &'a Write,
    (users, acls): (&ByGroup, &ByGroup),
) -> Result<Task<'a>> {
    let (id, group) = (write.key.id.as_str(), kind.group(&write.key.place)?);
    let what = || format!("write {} {id} on {group}", kind.noun);
    let kept = |of: &'a str, kept: &ByGroup| kept.get(of).cloned();
    let asked = |kept: Option<Result<Kept>>| {
        kept.unwrap_or_else(|| Err(Error::internal("the group was not asked")))
            .map_err(|error| error.during(what()))
    };
    let (users, acls) = (asked(kept(group, users))?, asked(kept(group, acls))?);
    let present = Present { users: &users, acls: &acls, login: servers.login() };
    let waiting = (kind.requests)(write, &present).map_err(|error| error.during(what()))?;
    Ok(Task { index, id, master: servers.members.master(group)?, waiting: waiting.into() })
}

/// The next request of each; gives those that have more to send.
fn send<'a>(
    servers: &mut Servers,
    kind: &Kind,
    mut tasks: Vec<Task<'a>>,
    outcomes: &mut [Option<Outcome>],
) -> Vec<Task<'a>> {
    let next = |task: &mut Task<'_>| Some((task.master.clone(), task.waiting.pop_front()?));
    let questions: Vec<(String, Request)> = tasks.iter_mut().filter_map(next).collect();
    let mut unfinished = Vec::new();
    for (task, answer) in tasks.into_iter().zip(servers.write_each(&questions)) {
        let what = format!("write {} {}", kind.noun, task.id);
        match answer.map(|answer| checked(answer, &what)) {
            Ok(Ok(_)) if task.waiting.is_empty() => put(outcomes, task.index, done()),
            Ok(Ok(_)) => unfinished.push(task),
            Ok(Err(error)) => put(outcomes, task.index, Outcome::Failed(error)),
            Err(lost) => put(outcomes, task.index, lost_outcome(&lost, &what)),
        }
    }
    unfinished
}
