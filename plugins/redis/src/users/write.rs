//! Writes of users: each is one command, which a server takes whole or not at all.

use std::collections::BTreeMap;

use headgate_sdk::json::{self, Map, Value};
use headgate_sdk::{Action, Edit, Error, ErrorKind, Outcome, Place, Result, Write};

use super::memory::{Memory, Wished, wished};
use super::spec::{FIELDS, NOPASS, PASSWORD, modifiers, normal, secret_name, whole};
use super::{Users, read};
use crate::pages::node_of;
use crate::resp::Command;
use crate::servers::{Seen, Servers};
use crate::settings::DEFAULT_USER;
use crate::writes::{self, Task, done, put, value_of};

pub(crate) fn write(
    servers: &mut Servers,
    seen: Option<&Seen>,
    writes: &[&Write],
    dry_run: bool,
) -> Vec<Outcome> {
    let Some(seen) = seen.filter(|_| !writes.is_empty()) else { return Vec::new() };
    let users: BTreeMap<String, Result<Users>> = read(servers, seen, &Place::Cluster).into_iter().collect();
    let own = servers.settings.user().to_owned();
    let mut outcomes: Vec<Option<Outcome>> = writes.iter().map(|_| None).collect();
    let mut tasks = Vec::new();
    for (index, write) in writes.iter().enumerate() {
        match task(index, write, seen, &users, &own) {
            Ok(_) if dry_run => put(&mut outcomes, index, done()),
            Ok(task) => tasks.push(task),
            Err(error) => put(&mut outcomes, index, Outcome::Failed(error)),
        }
    }
    writes::send(servers, tasks, |node| keep(seen, node), &mut outcomes);
    let outcomes = writes::all(outcomes);
    if !dry_run {
        remember(servers, seen, writes, &outcomes);
    }
    outcomes
}

/// What the servers tell of the commands that were just allowed.
fn remember(servers: &mut Servers, seen: &Seen, writes: &[&Write], outcomes: &[Outcome]) {
    let done = writes.iter().zip(outcomes).filter(|(_, outcome)| matches!(outcome, Outcome::Done(_)));
    let done: Vec<&Write> = done.map(|(write, _)| *write).collect();
    let mut memory = Memory::restore();
    let allowed: Vec<(&Write, Wished)> =
        done.iter().filter_map(|write| Some((*write, wished(write)?))).collect();
    if !allowed.is_empty() {
        let users: BTreeMap<String, Result<Users>> =
            read(servers, seen, &Place::Cluster).into_iter().collect();
        for (write, wished) in &allowed {
            let told = node_of(&write.key).and_then(|node| users.get(node)?.as_ref().ok());
            if let Some(told) = told.and_then(|users| users.get(&write.key.id)) {
                memory.learn(&write.key.id, told, wished);
            }
        }
    }
    for write in done.iter().filter(|write| write.action == Action::Delete) {
        memory.forget(&write.key.id);
    }
    if memory != Memory::restore() {
        memory.save();
    }
}

/// A server has a file of its users, or they stand in its configuration; where it has neither, it forgets them.
fn keep(seen: &Seen, node: &str) -> Option<Command> {
    let server = seen.servers.iter().find(|server| server.member.id == node)?;
    let info = server.told.as_ref().ok()?;
    match (info.has_user_file, info.has_file) {
        (Some(true), _) => Some(Command::new(["ACL", "SAVE"])),
        (_, true) => Some(Command::new(["CONFIG", "REWRITE"])),
        (_, false) => None,
    }
}

fn task(
    index: usize,
    write: &Write,
    seen: &Seen,
    users: &BTreeMap<String, Result<Users>>,
    own: &str,
) -> Result<Task> {
    let Some(node) = node_of(&write.key) else {
        return Err(Error::invalid_argument("a user lies on a node: name it by its place, `node:ID`"));
    };
    let what = format!("write user {} of {node}", write.key.id);
    let found = seen.servers.iter().find(|server| server.member.id == node).zip(users.get(node));
    let Some((server, there)) = found else {
        let message = format!("{what}: there is no such server in the cluster");
        return Err(Error::not_found(message).code("NO_SUCH_NODE"));
    };
    let there = there.as_ref().map_err(|error| error.clone().during(&what))?;
    let command = command(write, there.contains_key(&write.key.id), own);
    let command = command.map_err(|error| error.during(&what))?;
    let address = server.member.address.clone();
    Ok(Task { index, node: node.to_owned(), address, what, commands: vec![command] })
}

fn command(write: &Write, is_there: bool, own: &str) -> Result<Command> {
    let name = write.key.id.as_str();
    if name == own {
        let message = "it is the user that Headgate logs in as: change it with another login";
        return Err(Error::conflict(message).code("OWN_USER"));
    }
    match (&write.action, is_there) {
        (Action::Delete, _) if name == DEFAULT_USER => {
            let message = "the user `default` cannot be deleted: disable it";
            Err(Error::conflict(message).code("DEFAULT_USER"))
        }
        // Deleting what is not there succeeds: a delete that was cut off half-way is finished by its repetition.
        (Action::Delete, _) => Ok(Command::new(["ACL", "DELUSER"]).word(name)),
        (Action::Create(_), true) => {
            let message = "the user is there already: adopt it, or edit it";
            Err(Error::new(ErrorKind::AlreadyExists, message).code("ALREADY_EXISTS"))
        }
        (Action::Create(wish), false) => {
            let wish = object(wish)?;
            // Whatever a server gives new users by its own defaults is taken away first.
            set(name, Some("reset"), &with_password(whole(&wish), &wish))
        }
        (Action::Edit(_) | Action::Replace(_), false) => {
            Err(Error::not_found("there is no such user any more").code("NOT_FOUND"))
        }
        (Action::Edit(edits), true) => set(name, None, &edited(edits)?),
        (Action::Replace(wish), true) => {
            let wish = object(wish)?;
            let mut fields = whole(&wish);
            // Its passwords are not part of the wish, and stay unless it says otherwise.
            if !wish.contains_key(NOPASS) {
                fields.remove(NOPASS);
            }
            set(name, None, &with_password(fields, &wish))
        }
        (Action::Run((operation, _)), _) => {
            Err(Error::unsupported(format_args!("a user has no operation {operation}")))
        }
    }
}

fn object(text: &str) -> Result<Map<String, Value>> {
    json::parse(text, "read the wish")
}

fn with_password(mut fields: Map<String, Value>, wish: &Map<String, Value>) -> Map<String, Value> {
    let others = wish.iter().filter(|(name, _)| !FIELDS.contains(&name.as_str()));
    fields.extend(others.map(|(name, value)| (name.clone(), value.clone())));
    fields
}

fn edited(edits: &[Edit]) -> Result<Map<String, Value>> {
    let field = |edit: &Edit| Ok((json::pointer_tokens(&edit.path).join("/"), value_of(edit)?));
    edits.iter().map(field).collect()
}

fn set(name: &str, first: Option<&str>, fields: &Map<String, Value>) -> Result<Command> {
    let mut command = Command::new(["ACL", "SETUSER"]).word(name);
    if let Some(first) = first {
        command = command.word(first);
    }
    for field in FIELDS {
        let Some(value) = fields.get(field) else { continue };
        let words = modifiers(field, &normal(field, value.clone()))
            .ok_or_else(|| Error::invalid_argument(format_args!("{field} cannot be {value}")))?;
        command = words.into_iter().fold(command, Command::word);
    }
    for (field, value) in fields.iter().filter(|(field, _)| !FIELDS.contains(&field.as_str())) {
        // Deliberately without the value: it may be a password.
        let secret = secret_name(value).filter(|_| field == PASSWORD).ok_or_else(|| {
            let message = "a password is named, as in password: {$secret: NAME}";
            let message =
                if field == PASSWORD { message.to_owned() } else { format!("there is no field {field}") };
            Error::invalid_argument(message)
        })?;
        command = command.word("resetpass").secret(">", secret);
    }
    Ok(command)
}

#[cfg(test)]
mod tests {
    use headgate_sdk::ResourceKey;
    use headgate_sdk::json::json;

    use super::*;
    use crate::types::USER;

    fn sent(action: Action, own: &str) -> Result<Command> {
        let place = Place::Node("n".to_owned());
        let key = ResourceKey { metadata_type: USER.to_owned(), id: "alice".to_owned(), place };
        let is_there = !matches!(action, Action::Create(_));
        command(&Write { key, action, revision: None, incarnation: None, extra: None }, is_there, own)
    }

    fn setuser(words: &[&str]) -> Command {
        words.iter().fold(Command::new(["ACL", "SETUSER", "alice"]), |command, word| command.word(*word))
    }

    fn edit(path: &str, value: Value) -> Action {
        Action::Edit(vec![Edit { path: path.to_owned(), value: Some(value.to_string()) }])
    }

    #[test]
    fn a_new_user_has_what_was_wished_and_nothing_else() {
        let wish = json!({"enabled": true, "commands": ["+get"], "password": {"$secret": "alice-1"}});
        let command = sent(Action::Create(wish.to_string()), "default").unwrap();
        let words =
            ["reset", "resetpass", "on", "-@all", "+get", "resetkeys", "resetchannels", "clearselectors"];
        assert_eq!(command, setuser(&words).word("resetpass").secret(">", "alice-1"));
    }

    #[test]
    fn an_edit_sends_only_what_it_names() {
        assert_eq!(
            sent(edit("/keys", json!(["a", "%R~b"])), "x").unwrap(),
            setuser(&["resetkeys", "~a", "%R~b"])
        );
        let password = sent(edit("/password", json!({"$secret": "s"})), "x").unwrap();
        assert_eq!(password, setuser(&["resetpass"]).secret(">", "s"));
        for (path, value) in [
            ("/password", json!("hunter2")),
            ("/password/$secret", json!("s")),
            ("/keys", json!([1])),
            ("/x", json!(1)),
        ] {
            let error = sent(edit(path, value), "x").unwrap_err();
            assert!(
                error.kind == ErrorKind::InvalidArgument && !error.message.contains("hunter2"),
                "{error:?}"
            );
        }
        let replaced = sent(Action::Replace("{}".to_owned()), "x").unwrap();
        assert_eq!(replaced, setuser(&["off", "-@all", "resetkeys", "resetchannels", "clearselectors"]));
    }

    #[test]
    fn headgate_does_not_lock_itself_out_and_default_stays() {
        assert_eq!(sent(Action::Delete, "alice").unwrap_err().code.as_deref(), Some("OWN_USER"));
        assert_eq!(sent(Action::Delete, "admin").unwrap(), Command::new(["ACL", "DELUSER", "alice"]));
        let place = Place::Node("n".to_owned());
        let key = ResourceKey { metadata_type: USER.to_owned(), id: DEFAULT_USER.to_owned(), place };
        let write = Write { key, action: Action::Delete, revision: None, incarnation: None, extra: None };
        assert_eq!(command(&write, true, "admin").unwrap_err().code.as_deref(), Some("DEFAULT_USER"));
    }
}
