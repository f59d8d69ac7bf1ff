//! Edits of configurations: keys checked against what the server tells, all servers written together.

use std::collections::BTreeMap;

use headgate_sdk::json::{self, Value};
use headgate_sdk::{Action, Error, Outcome, Place, Result, Write};

use super::{Config, ID, keys, read, values};
use crate::info::Info;
use crate::pages::node_of;
use crate::resp::Command;
use crate::servers::{Seen, Server, Servers};
use crate::words::did_you_mean;
use crate::writes::{self, Task, done, put, value_of};

pub(crate) fn write(
    servers: &mut Servers,
    seen: Option<&Seen>,
    writes: &[&Write],
    dry_run: bool,
) -> Vec<Outcome> {
    let Some(seen) = seen.filter(|_| !writes.is_empty()) else { return Vec::new() };
    let configs: BTreeMap<String, Result<Config>> =
        read(servers, seen, &Place::Cluster).into_iter().collect();
    let mut outcomes: Vec<Option<Outcome>> = writes.iter().map(|_| None).collect();
    let mut tasks = Vec::new();
    for (index, write) in writes.iter().enumerate() {
        match task(index, write, seen, &configs) {
            Ok(_) if dry_run => put(&mut outcomes, index, done()),
            Ok(task) => tasks.push(task),
            Err(error) => put(&mut outcomes, index, Outcome::Failed(error)),
        }
    }
    let keeps = |node: &str| {
        let server = seen.servers.iter().find(|server| server.member.id == node)?;
        let info = server.told.as_ref().ok().filter(|info| info.keeps_settings());
        info.map(|_| Command::new(["CONFIG", "REWRITE"]))
    };
    writes::send(servers, tasks, keeps, &mut outcomes);
    writes::all(outcomes)
}

fn task(
    index: usize,
    write: &Write,
    seen: &Seen,
    configs: &BTreeMap<String, Result<Config>>,
) -> Result<Task> {
    let Some(node) = node_of(&write.key) else {
        return Err(Error::invalid_argument(
            "a configuration lies on a node: name it by its place, `node:ID`",
        ));
    };
    let what = format!("set the configuration of {node}");
    let found = seen.servers.iter().find(|server| server.member.id == node).zip(configs.get(node));
    let Some((server, there)) = found.filter(|_| write.key.id == ID) else {
        let message = format!("{what}: there is no such server in the cluster");
        return Err(Error::not_found(message).code("NO_SUCH_NODE"));
    };
    let there = there.as_ref().map_err(|error| error.clone().during(&what))?;
    let changes = changes(write, there).map_err(|error| error.during(&what))?;
    let commands = commands(server, changes);
    Ok(Task { index, node: node.to_owned(), address: server.member.address.clone(), what, commands })
}

/// Since Redis 7 all or nothing.
fn commands(server: &Server, changes: Config) -> Vec<Command> {
    let set = || Command::new(["CONFIG", "SET"]);
    if server.told.as_ref().is_ok_and(Info::is_seven) {
        let all = changes.into_iter().fold(set(), |command, (key, value)| command.word(key).word(value));
        return vec![all];
    }
    changes.into_iter().map(|(key, value)| set().word(key).word(value)).collect()
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
        let Value::String(value) = value_of(edit)? else {
            let message = format!("{key} is a text: Redis has no way back to a default");
            return Err(Error::invalid_argument(message));
        };
        if let Some(fault) = keys::fault(key).or_else(|| values::fault(key, &value)) {
            return Err(Error::invalid_argument(fault));
        }
        if !there.contains_key(key) {
            let newer = keys::newer(key).filter(|newer| there.contains_key(newer));
            let hint = match newer {
                Some(newer) => format!(": it is called {newer} now"),
                None => did_you_mean(key, there.keys().map(String::as_str)),
            };
            let message = format!("the server has no setting {key}{hint}");
            return Err(Error::invalid_argument(message).code("NO_SUCH_SETTING"));
        }
        changes.insert(key.clone(), value);
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use headgate_sdk::{Edit, ResourceKey};

    use super::*;
    use crate::members::Member;
    use crate::types::CONFIG;

    fn edit(path: &str, value: Option<&str>) -> Result<Config> {
        let place = Place::Node("n".to_owned());
        let key = ResourceKey { metadata_type: CONFIG.to_owned(), id: ID.to_owned(), place };
        let edits = vec![Edit { path: path.to_owned(), value: value.map(str::to_owned) }];
        let write =
            Write { key, action: Action::Edit(edits), revision: None, incarnation: None, extra: None };
        let there = ["maxmemory", "replica-priority", "port"];
        changes(&write, &there.map(|key| (key.to_owned(), "0".to_owned())).into())
    }

    #[test]
    fn edits_are_checked_against_what_the_server_tells() {
        let taken = edit("/config/maxmemory", Some("\"1000\"")).unwrap();
        assert_eq!(taken, Config::from([("maxmemory".to_owned(), "1000".to_owned())]));
        let hint = |path: &str| edit(path, Some("\"1\"")).unwrap_err().message;
        assert!(hint("/config/maxmemmory").contains("did you mean maxmemory?"));
        assert!(hint("/config/slave-priority").contains("it is called replica-priority now"));
        for (path, value) in [
            ("/config/port", Some("\"1\"")),
            ("/config/maxmemory", None),
            ("/config/maxmemory", Some("1")),
            ("/config/maxmemory", Some("\"many\"")),
            ("/config", Some("{}")),
            ("/colour/x", Some("\"x\"")),
        ] {
            assert!(edit(path, value).is_err(), "{path} {value:?} was taken");
        }
    }

    #[test]
    fn several_settings_are_one_command_where_redis_takes_them_so() {
        let changes = || Config::from(["a", "b"].map(|key| (key.to_owned(), "1".to_owned())));
        let of = |version: &str| {
            let (id, group) = ("n".to_owned(), "n".to_owned());
            let address = ("h".to_owned(), 1);
            let told = Ok(Info { version: version.to_owned(), ..Info::default() });
            let member = Member { id, address, is_master: true, group, failed: None, slots: 0 };
            commands(&Server { member, told }, changes())
        };
        assert_eq!(of("7.0.15"), [Command::new(["CONFIG", "SET", "a", "1", "b", "1"])]);
        assert_eq!(of("6.2.0").len(), 2);
    }
}
