//! What a server tells of itself: the text of `INFO`, and whether it keeps its users in a file of their own.

use std::collections::BTreeMap;

use headgate_sdk::address::{self, Address};
use headgate_sdk::{Error, Result, release};

use crate::manifest::MASTER;
use crate::refusals::taken;
use crate::resp::{Answer, Command};

/// From here on several settings are set by one command, all or none, and users are told in one form.
pub(crate) const SEVEN: &str = "7.0";

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Info {
    /// Another one after each start: two addresses with the same are one server.
    pub(crate) run_id: String,
    pub(crate) version: String,
    pub(crate) mode: Mode,
    pub(crate) is_master: bool,
    pub(crate) state: State,
    /// Where it can write down what is set at run time.
    pub(crate) has_file: bool,
    /// None where it does not tell.
    pub(crate) has_user_file: Option<bool>,
    pub(crate) master: Option<Address>,
    pub(crate) replicas: Vec<Address>,
    /// `db0`: what it holds, by Redis' names.
    pub(crate) keyspaces: BTreeMap<String, BTreeMap<String, u64>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    #[default]
    Single,
    Cluster,
    Sentinel,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum State {
    #[default]
    Serves,
    /// It reads its data from disk and serves nobody yet.
    Loads,
    /// A replica that does not reach its master.
    Lags,
}

/// What is asked for it.
pub(crate) fn commands() -> Vec<Command> {
    vec![Command::new(["INFO"]), Command::new(["CONFIG", "GET", "aclfile"])]
}

impl Info {
    pub(crate) fn read(answers: &[Answer]) -> Result<Self> {
        let missing = || Error::protocol("the answer to INFO is no text");
        let told = taken(answers.first().ok_or_else(missing)?)?.text().ok_or_else(missing)?;
        let mut info = Self::of(told);
        if info.version.is_empty() || info.run_id.is_empty() {
            return Err(Error::protocol("the answer to INFO names no release: is this a Redis server?"));
        }
        // A user that may not read settings still sees the rest.
        let file = answers.get(1).and_then(Answer::list).and_then(|pair| pair.get(1)?.text());
        info.has_user_file = file.map(|file| !file.is_empty());
        Ok(info)
    }

    fn of(text: &str) -> Self {
        let lines: BTreeMap<&str, &str> =
            text.lines().filter_map(|line| line.trim_end().split_once(':')).collect();
        let one = |name: &str| lines.get(name).copied().unwrap_or_default();
        let owned = |name: &str| one(name).to_owned();
        let master = address_of(one("master_host"), one("master_port"));
        Self {
            run_id: owned("run_id"),
            version: owned("redis_version"),
            mode: match (one("redis_mode"), one("cluster_enabled")) {
                ("sentinel", _) => Mode::Sentinel,
                (_, "1") => Mode::Cluster,
                _ => Mode::Single,
            },
            is_master: one("role") == MASTER,
            state: match (one("loading"), one("master_link_status")) {
                ("1", _) => State::Loads,
                (_, "down") => State::Lags,
                _ => State::Serves,
            },
            has_file: !one("config_file").is_empty(),
            has_user_file: None,
            master,
            replicas: lines.iter().filter_map(|(name, value)| replica(name, value)).collect(),
            keyspaces: lines.iter().filter_map(|(name, value)| keyspace(name, value)).collect(),
        }
    }

    /// What is set counts beyond the next start.
    pub(crate) fn keeps_settings(&self) -> bool {
        self.has_file
    }

    pub(crate) fn keeps_users(&self) -> bool {
        self.has_file || self.has_user_file == Some(true)
    }

    pub(crate) fn is_seven(&self) -> bool {
        release::has(&self.version, Some(SEVEN), None)
    }
}

/// `slave0:ip=10.0.0.2,port=6379,state=online,…`
fn replica(name: &str, value: &str) -> Option<Address> {
    let number = name.strip_prefix("slave")?;
    let fields: BTreeMap<&str, &str> = value.split(',').filter_map(|part| part.split_once('=')).collect();
    let is_one = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_one.then(|| address_of(fields.get("ip")?, fields.get("port")?)).flatten()
}

/// `db0:keys=1,expires=0,avg_ttl=0`
fn keyspace(name: &str, value: &str) -> Option<(String, BTreeMap<String, u64>)> {
    let number = name.strip_prefix("db")?;
    let is_one = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let field = |part: &str| {
        let (field, count) = part.split_once('=')?;
        Some((field.to_owned(), count.parse().ok()?))
    };
    is_one.then(|| (name.to_owned(), value.split(',').filter_map(field).collect()))
}

fn address_of(host: &str, port: &str) -> Option<Address> {
    let text = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    address::parse(&text, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: &str = "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\nrun_id:ab\r\nconfig_file:\r\n\
        # Persistence\r\nloading:0\r\n# Replication\r\nrole:master\r\nconnected_slaves:1\r\n\
        slave0:ip=::1,port=7001,state=online,offset=1,lag=0\r\nslave_read_only:1\r\n\
        # Keyspace\r\ndb0:keys=3,expires=1,avg_ttl=0\r\ndb12:keys=1,expires=0,avg_ttl=0,new=x\r\n";

    fn text(text: &str) -> Answer {
        Answer::Text(text.to_owned())
    }

    #[test]
    fn a_server_is_read_from_its_words() {
        let file = Answer::List(vec![text("aclfile"), text("/etc/redis/users.acl")]);
        let info = Info::read(&[text(TOLD), file]).unwrap();
        assert_eq!((info.version.as_str(), info.is_master, info.is_seven()), ("7.0.15", true, true));
        assert_eq!(info.replicas, [("::1".to_owned(), 7001)]);
        assert_eq!(info.keyspaces.keys().collect::<Vec<_>>(), ["db0", "db12"]);
        assert_eq!(info.keyspaces["db0"]["keys"], 3);
        assert!(info.keeps_users() && !info.keeps_settings() && info.mode == Mode::Single);
    }

    #[test]
    fn a_replica_names_its_master() {
        let told = "redis_version:6.2.1\nrun_id:b\nrole:slave\nmaster_host:a\nmaster_port:1\nmaster_link_status:down";
        let info = Info::read(&[text(told), Answer::Refused("NOPERM no".to_owned())]).unwrap();
        assert_eq!((info.is_master, info.state, info.has_user_file), (false, State::Lags, None));
        assert_eq!((info.master.clone(), info.is_seven()), (Some(("a".to_owned(), 1)), false));
    }

    #[test]
    fn what_is_no_redis_is_said_to_be_none() {
        assert!(Info::read(&[text("hello")]).unwrap_err().message.contains("Redis"));
        assert!(Info::read(&[Answer::Integer(1)]).is_err());
        assert!(Info::read(&[]).is_err());
        assert!(Info::read(&[Answer::Refused("NOPERM no".to_owned())]).is_err());
    }
}
