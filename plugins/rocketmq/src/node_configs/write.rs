//! Edits of configurations: keys checked against what the server tells, all servers written together, all read back.

use std::collections::BTreeSet;

use super::{
    Action, BTreeMap, Config, Error, Kind, Lost, Outcome, Place, Request, Result, Servers, Value, Write,
    done, json, keys, lost_outcome, properties, read,
};
use crate::strategy::did_you_mean;
use crate::wire::{Answer, put};

/// The settings of one write, at its place among the writes.
struct Task {
    index: usize,
    node: String,
    address: String,
    changes: Config,
}

pub(crate) fn write(servers: &mut Servers, kind: &Kind, writes: &[&Write], dry_run: bool) -> Vec<Outcome> {
    if let Err(error) = servers.refresh() {
        return writes.iter().map(|_| Outcome::Failed(error.clone())).collect();
    }
    let named: BTreeSet<&str> = writes.iter().filter_map(|write| node(write).ok()).collect();
    let mut nodes = (kind.nodes)(servers);
    nodes.retain(|node, _| named.contains(node.as_str()));
    let addresses: BTreeMap<String, String> =
        nodes.iter().filter_map(|(node, address)| Some((node.clone(), address.clone().ok()?))).collect();
    let present: BTreeMap<String, Result<Config>> = read(servers, kind, nodes).into_iter().collect();
    let mut outcomes: Vec<Option<Outcome>> = writes.iter().map(|_| None).collect();
    let mut tasks = Vec::new();
    for (index, write) in writes.iter().enumerate() {
        match task(kind, index, write, &addresses, &present) {
            Ok(_) if dry_run => put(&mut outcomes, index, done()),
            Ok(task) => tasks.push(task),
            Err(error) => put(&mut outcomes, index, Outcome::Failed(error)),
        }
    }
    send(servers, kind, tasks, &mut outcomes);
    let missing = || Outcome::Failed(Error::internal("the write was not sent"));
    outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(missing)).collect()
}

fn node(write: &Write) -> Result<&str> {
    match &write.key.place {
        Place::Node(id) => Ok(id),
        Place::Cluster | Place::Group(_) => {
            Err(Error::invalid_argument("a configuration lies on a node: name it by its place, `node:ID`"))
        }
    }
}

fn task(
    kind: &Kind,
    index: usize,
    write: &Write,
    addresses: &BTreeMap<String, String>,
    present: &BTreeMap<String, Result<Config>>,
) -> Result<Task> {
    let node = node(write)?;
    let what = || format!("write the configuration of {} {node}", kind.noun);
    let there = match present.get(node) {
        Some(Ok(there)) => there,
        Some(Err(error)) => return Err(error.clone().during(what())),
        None => {
            let message = format!("{}: there is no such {} in the cluster", what(), kind.noun);
            return Err(Error::not_found(message).code("NO_SUCH_NODE"));
        }
    };
    let changes = changes(write, there).map_err(|error| error.during(what()))?;
    let address = addresses.get(node).cloned().ok_or_else(|| Error::internal("the node has no address"))?;
    Ok(Task { index, node: node.to_owned(), address, changes })
}

fn changes(write: &Write, there: &Config) -> Result<Config> {
    let Action::Edit(edits) = &write.action else {
        return Err(Error::unsupported("a server's configuration is edited key by key"));
    };
    let mut changes = Config::new();
    for edit in edits {
        let tokens = json::pointer_tokens(&edit.path);
        let [field, key] = tokens.as_slice() else {
            return Err(Error::invalid_argument(format_args!("there is no field {}", edit.path)));
        };
        if field != "config" {
            return Err(Error::invalid_argument(format_args!("there is no field {}", edit.path)));
        }
        let value: Value = json::parse(edit.value.as_deref().unwrap_or("null"), key)?;
        let Some(text) = value.as_str() else {
            let message = format!("{key} is a text, not {value}: RocketMQ has no way back to a default");
            return Err(Error::invalid_argument(message));
        };
        if let Some(fault) = keys::fault(key) {
            return Err(Error::invalid_argument(fault));
        }
        if !there.contains_key(key) {
            let hint = did_you_mean(key, there.keys().map(String::as_str));
            let message = format!("the server has no setting {key}{hint}");
            return Err(Error::invalid_argument(message).code("NO_SUCH_SETTING"));
        }
        changes.insert(key.clone(), text.to_owned());
    }
    Ok(changes)
}

fn send(servers: &mut Servers, kind: &Kind, tasks: Vec<Task>, outcomes: &mut [Option<Outcome>]) {
    let question = |task: &Task| {
        let entries = task.changes.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        (task.address.clone(), Request::new(kind.update).body(properties::write(entries)))
    };
    let questions: Vec<(String, Request)> = tasks.iter().map(question).collect();
    let answers = servers.write_each(&questions);
    let nodes = tasks.iter().map(|task| (task.node.clone(), Ok(task.address.clone()))).collect();
    let told: BTreeMap<String, Result<Config>> = read(servers, kind, nodes).into_iter().collect();
    for (task, answer) in tasks.iter().zip(answers) {
        let what = format!("write the configuration of {} {}", kind.noun, task.node);
        put(outcomes, task.index, outcome(answer, &task.changes, told.get(&task.node), &what));
    }
}

fn outcome(
    answer: Result<Answer, Lost>,
    changes: &Config,
    told: Option<&Result<Config>>,
    what: &str,
) -> Outcome {
    match answer.map(|answer| answer.checked(what)) {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => return Outcome::Failed(error),
        Err(lost) => return lost_outcome(&lost, what),
    }
    let told = match told {
        Some(Ok(told)) => told,
        Some(Err(error)) => return Outcome::Unknown(error.clone().during(what)),
        None => return Outcome::Unknown(Error::internal("the node was not read back")),
    };
    let other =
        changes.iter().find(|(key, value)| told.get(*key).map(|told| told.trim()) != Some(value.trim()));
    match other {
        None => done(),
        Some((key, value)) => {
            let now = told.get(key).map(String::as_str).unwrap_or_default();
            let message =
                format!("{what}: RocketMQ took {key}={value} and says {now:?}: is that a value of it?");
            Outcome::Failed(Error::invalid_argument(message).code("NOT_TAKEN"))
        }
    }
}

#[cfg(test)]
mod tests {
    use headgate_sdk::{Edit, ErrorKind, ResourceKey};

    use super::*;

    fn config(entries: &[(&str, &str)]) -> Config {
        entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn edit(path: &str, value: Option<&str>) -> Result<Config> {
        let key = ResourceKey {
            metadata_type: "broker-config".to_owned(),
            id: "broker".to_owned(),
            place: Place::Node("a:0".to_owned()),
        };
        let edits = vec![Edit { path: path.to_owned(), value: value.map(str::to_owned) }];
        let write =
            Write { key, action: Action::Edit(edits), revision: None, incarnation: None, extra: None };
        changes(&write, &config(&[("flushDiskType", "ASYNC_FLUSH"), ("brokerName", "a")]))
    }

    #[test]
    fn edits_are_checked_against_what_the_server_tells() {
        let taken = edit("/config/flushDiskType", Some("\"SYNC_FLUSH\"")).unwrap();
        assert_eq!(taken, config(&[("flushDiskType", "SYNC_FLUSH")]));
        let error = edit("/config/flushDiscType", Some("\"x\"")).unwrap_err();
        assert!(error.message.contains("did you mean flushDiskType?"), "{}", error.message);
        for (path, value) in [
            ("/config/brokerName", Some("\"b\"")),
            ("/config/flushDiskType", None),
            ("/config/flushDiskType", Some("1")),
            ("/config", Some("{}")),
            ("/colour/x", Some("\"x\"")),
        ] {
            assert!(edit(path, value).is_err(), "{path} {value:?} was taken");
        }
    }

    #[test]
    fn success_that_changed_nothing_is_a_failure() {
        let answer = || Ok(Answer { code: 0, ..Answer::default() });
        let wanted = config(&[("a", "abc")]);
        let told = |value: &str| Some(Ok(config(&[("a", value)])));
        assert!(matches!(outcome(answer(), &wanted, told("abc").as_ref(), "w"), Outcome::Done(_)));
        let Outcome::Failed(error) = outcome(answer(), &wanted, told("5").as_ref(), "w") else {
            panic!("taken")
        };
        assert_eq!(error.code.as_deref(), Some("NOT_TAKEN"));
        let lost = Err(Lost { sent: true, error: Error::unavailable("gone") });
        assert!(matches!(outcome(lost, &wanted, told("abc").as_ref(), "w"), Outcome::Unknown(_)));
        let refused = Ok(Answer { code: 16, ..Answer::default() });
        let Outcome::Failed(error) = outcome(refused, &wanted, None, "w") else { panic!("taken") };
        assert_eq!(error.kind, ErrorKind::PermissionDenied);
    }
}
