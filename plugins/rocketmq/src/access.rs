//! Users and access rules: what each master keeps, by itself, of who may do what. They came with RocketMQ 5.3, and a broker
//! that checks nobody keeps none.

use std::collections::BTreeMap;

use headgate_sdk::framed::Lost;
use headgate_sdk::json::{self, Map, Value};
use headgate_sdk::{Error, ErrorKind, Place, Resource, ResourceKey, Result, Write};

use crate::cluster::Servers;
use crate::types;
use crate::wire::{Answer, Request, codes};

pub(crate) mod acls;
pub(crate) mod list;
pub(crate) mod policies;
pub(crate) mod users;
pub(crate) mod write;

/// The first release that has them.
pub(crate) const SINCE: &str = "5.3";

/// What there is to know of a type that a master keeps for access.
pub(crate) struct Kind {
    pub(crate) metadata_type: &'static str,
    /// For a person.
    pub(crate) noun: &'static str,
    list: i32,
    /// Id and spec of an entry of the list.
    read: fn(&Value) -> Option<Entry>,
    /// What is sent for a write, one after the other.
    requests: fn(&Write, &Present<'_>) -> Result<Vec<Request>>,
}

pub(crate) static USER: Kind = Kind {
    metadata_type: types::USER,
    noun: "user",
    list: codes::LIST_USERS,
    read: users::read,
    requests: users::requests,
};

pub(crate) static ACL: Kind = Kind {
    metadata_type: types::ACL,
    noun: "access rule",
    list: codes::LIST_ACLS,
    read: acls::read,
    requests: acls::requests,
};

/// Id and spec of one.
type Entry = (String, Map<String, Value>);

/// What a master keeps of one type, by id.
pub(crate) type Kept = BTreeMap<String, Map<String, Value>>;

/// What a write finds on its master.
pub(crate) struct Present<'a> {
    users: &'a Kept,
    acls: &'a Kept,
    /// Whom this connection is signed for.
    login: Option<&'a str>,
}

impl Kind {
    fn resource(&self, id: &str, group: &str, spec: String) -> Resource {
        Resource {
            key: ResourceKey {
                metadata_type: self.metadata_type.to_owned(),
                id: id.to_owned(),
                place: Place::Group(group.to_owned()),
            },
            revision: None,
            incarnation: None,
            spec,
            effective: None,
            status: "{}".to_owned(),
            internal: false,
            partial: false,
            extra: None,
        }
    }

    /// The group that a key's place names.
    fn group<'a>(&self, place: &'a Place) -> Result<&'a str> {
        match place {
            Place::Group(name) => Ok(name),
            Place::Cluster | Place::Node(_) => Err(Error::invalid_argument(format_args!(
                "a broker keeps its {}s for itself: name it by its place, `group:NAME`",
                self.noun
            ))),
        }
    }
}

/// What each of these masters keeps, all asked at once; the error of one that keeps none is `unsupported`.
fn kept(servers: &mut Servers, kind: &Kind, masters: &[String]) -> Vec<Result<Kept>> {
    let questions: Vec<(String, Request)> =
        masters.iter().map(|address| (address.clone(), Request::new(kind.list))).collect();
    let mut kept: Vec<Result<Kept>> =
        servers.read_each(&questions).into_iter().map(|answer| read(kind, answer)).collect();
    explain(servers, masters, &mut kept);
    kept
}

/// A broker that keeps no users calls that an error of its system; asked for its rules, it says why.
fn explain(servers: &mut Servers, masters: &[String], kept: &mut [Result<Kept>]) {
    let is_unclear =
        |kept: &Result<Kept>| kept.as_ref().is_err_and(|error| error.code.as_deref() == Some("SYSTEM_ERROR"));
    let unclear: Vec<(&String, &mut Result<Kept>)> =
        masters.iter().zip(kept.iter_mut()).filter(|(_, kept)| is_unclear(kept)).collect();
    let question = |(address, _): &(&String, &mut Result<Kept>)| ((*address).clone(), Request::new(ACL.list));
    let questions: Vec<(String, Request)> = unclear.iter().map(question).collect();
    for ((_, kept), answer) in unclear.into_iter().zip(servers.read_each(&questions)) {
        match read(&ACL, answer) {
            Err(error) if error.kind == ErrorKind::Unsupported => *kept = Err(error),
            Ok(_) | Err(_) => {}
        }
    }
}

fn read(kind: &Kind, answer: Result<Answer, Lost>) -> Result<Kept> {
    let what = format!("list the {}s of a broker", kind.noun);
    let answer = checked(answer?, &what)?;
    // An empty list is written as nothing at all.
    if answer.body.is_empty() {
        return Ok(Kept::new());
    }
    let told = answer.json(&what)?;
    let Value::Array(told) = told else {
        return Err(Error::protocol(format_args!("{what}: the answer is no list")));
    };
    Ok(told.iter().filter_map(kind.read).collect())
}

/// One code stands for all that can be wrong here, and another for a broker that has nothing of it.
fn checked(answer: Answer, what: &str) -> Result<Answer> {
    let remark = answer.remark.as_deref().unwrap_or_default();
    match answer.code {
        codes::NOT_SUPPORTED => {
            let message =
                format!("{what}: users and access rules came with RocketMQ 5.3, and this broker is older");
            Err(Error::unsupported(message).code("TOO_OLD"))
        }
        codes::SYSTEM_ERROR if remark.contains("is not configured") => {
            let message = format!(
                "{what}: the broker keeps no users and no access rules; set `authenticationEnabled`, \
                 `authorizationEnabled` and their metadata providers in its own file, and restart it"
            );
            Err(Error::unsupported(message).code("ACCESS_NOT_CHECKED"))
        }
        // Who may not is told by a name, what cannot be by `The …`.
        codes::NO_PERMISSION if remark.starts_with("The ") => {
            let kind = if remark.contains("not exist") {
                ErrorKind::NotFound
            } else if remark.contains("existed") {
                ErrorKind::AlreadyExists
            } else {
                ErrorKind::InvalidArgument
            };
            Err(Error::new(kind, format_args!("{what}: RocketMQ refused: {remark}")).code("NO_PERMISSION"))
        }
        _ => answer.checked(what),
    }
}

fn text<'a>(told: &'a Value, name: &str) -> Option<&'a str> {
    told.get(name).and_then(Value::as_str)
}

/// The fields of a spec that a write carries.
fn spec(text: &str) -> Result<Map<String, Value>> {
    json::parse(text, "read the spec")
}

#[cfg(test)]
mod tests {
    use headgate_sdk::json::json;

    use super::*;

    #[test]
    fn a_broker_that_keeps_none_is_told_from_one_that_refuses() {
        let refused = |code, remark: &str| {
            let answer = Answer { code, remark: Some(remark.to_owned()), ..Answer::default() };
            let error = checked(answer, "list").unwrap_err();
            (error.kind, error.code.unwrap_or_default())
        };
        let off = "The authenticationMetadataProvider is not configured";
        assert_eq!(refused(1, off), (ErrorKind::Unsupported, "ACCESS_NOT_CHECKED".to_owned()));
        assert_eq!(refused(3, ""), (ErrorKind::Unsupported, "TOO_OLD".to_owned()));
        let code = || "NO_PERMISSION".to_owned();
        assert_eq!(refused(16, "The source ip is invalid."), (ErrorKind::InvalidArgument, code()));
        assert_eq!(refused(16, "The user is existed"), (ErrorKind::AlreadyExists, code()));
        assert_eq!(refused(16, "The subject of User:x is not exist."), (ErrorKind::NotFound, code()));
        let may_not = "User:alice has no permission to access Cluster:c from 10.0.0.1, no matched policies.";
        assert_eq!(refused(16, may_not), (ErrorKind::PermissionDenied, code()));
        assert_eq!(refused(1, "boom"), (ErrorKind::Internal, "SYSTEM_ERROR".to_owned()));
    }

    #[test]
    fn nothing_at_all_is_an_empty_list() {
        let answer = Answer { code: 0, ..Answer::default() };
        assert_eq!(read(&ACL, Ok(answer)), Ok(Kept::new()));
    }

    #[test]
    fn a_password_that_a_broker_tells_is_dropped() {
        let body = br#"[{"password":"hunter2","userStatus":"enable","userType":"Super","username":"admin"}]"#;
        let answer = Answer { code: 0, body: body.to_vec(), ..Answer::default() };
        let kept = read(&USER, Ok(answer)).unwrap();
        assert_eq!(
            Value::Object(kept["admin"].clone()),
            json!({"user_type": "Super", "user_status": "enable"})
        );
    }
}
