//! Topics and consumer groups' configurations: whole objects, a copy on the master of each group, nothing of RocketMQ's
//! that keeps the copies equal.

use std::collections::{BTreeMap, BTreeSet};

use headgate_sdk::framed::Lost;
use headgate_sdk::json::{self, Map, Value};
use headgate_sdk::{Error, Place, Resource, ResourceKey, Result};
use serde::Deserialize;

use crate::cluster::Servers;
use crate::fields::{self, FieldDef, Rewrite};
use crate::types;
use crate::wire::{Answer, Request, codes};

pub(crate) mod get;
pub(crate) mod list;
mod routes;
mod stats;
pub(crate) mod write;

/// What there is to know of a type whose copies lie on the groups.
pub(crate) struct Kind {
    pub(crate) metadata_type: &'static str,
    /// For a person.
    pub(crate) noun: &'static str,
    pub(crate) fields: &'static [FieldDef],
    dump: i32,
    /// Where the dump holds the objects by name.
    table: &'static str,
    name_key: &'static str,
    write_list: i32,
    list_key: &'static str,
    write_one: fn(&str, &Rewrite) -> Request,
    delete: fn(&str) -> Request,
}

pub(crate) static TOPIC: Kind = Kind {
    metadata_type: types::TOPIC,
    noun: "topic",
    fields: fields::TOPIC,
    dump: codes::ALL_TOPIC_CONFIGS,
    table: "topicConfigTable",
    name_key: "topicName",
    write_list: codes::UPDATE_TOPIC_LIST,
    list_key: "topicConfigList",
    write_one: write_topic,
    delete: |name| Request::new(codes::DELETE_TOPIC_IN_BROKER).field("topic", name),
};

pub(crate) static GROUP_CONFIG: Kind = Kind {
    metadata_type: types::CONSUMER_GROUP_CONFIG,
    noun: "consumer group",
    fields: fields::GROUP,
    dump: codes::ALL_GROUP_CONFIGS,
    table: "subscriptionGroupTable",
    name_key: "groupName",
    write_list: codes::UPDATE_GROUP_LIST,
    list_key: "groupConfigList",
    write_one: |_, rewrite| {
        Request::new(codes::UPDATE_GROUP).body(json::text(&rewrite.for_wire()).into_bytes())
    },
    // With its offsets: a 5.5 broker that is told to keep them makes the group again at once, with the defaults.
    delete: |name| Request::new(codes::DELETE_GROUP).field("groupName", name).field("cleanOffset", true),
};

/// Header fields are all that a single topic has on the wire, in every release.
fn write_topic(name: &str, rewrite: &Rewrite) -> Request {
    let text = |key: &str, default: &str| match rewrite.object.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(value) if !value.is_null() => value.to_string(),
        _ => default.to_owned(),
    };
    let request = Request::new(codes::UPDATE_TOPIC)
        .field("topic", name)
        .field("defaultTopic", "TBW102")
        .field("readQueueNums", text("readQueueNums", "8"))
        .field("writeQueueNums", text("writeQueueNums", "8"))
        .field("perm", text("perm", "6"))
        .field("topicFilterType", text("topicFilterType", "SINGLE_TAG"))
        .field("topicSysFlag", text("topicSysFlag", "0"))
        .field("order", text("order", "false"));
    match rewrite.changes.is_empty() {
        true => request,
        false => request.field("attributes", rewrite.changes_text()),
    }
}

impl Kind {
    /// A new object with RocketMQ's defaults.
    fn fresh(&'static self, name: &str) -> Result<Rewrite> {
        let mut object = Map::new();
        object.insert(self.name_key.to_owned(), name.into());
        if self.metadata_type == types::TOPIC {
            object.insert("topicFilterType".to_owned(), "SINGLE_TAG".into());
            object.insert("topicSysFlag".to_owned(), 0.into());
        }
        let mut rewrite = Rewrite::of(object);
        for field in self.fields {
            rewrite.set(self.fields, &[field.name], None)?;
        }
        Ok(rewrite)
    }

    fn resource(&self, id: &str, group: &str, spec: String, internal: bool) -> Resource {
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
            internal,
            partial: false,
            extra: None,
        }
    }

    fn spec(&self, object: &Map<String, Value>) -> String {
        json::text(&Value::Object(fields::spec(self.fields, object)))
    }

    /// The group that a key's place names.
    fn group<'a>(&self, place: &'a Place) -> Result<&'a str> {
        match place {
            Place::Group(name) => Ok(name),
            Place::Cluster | Place::Node(_) => Err(Error::invalid_argument(format_args!(
                "a {} lies on a group of brokers: name it by its place, `group:NAME`",
                self.noun
            ))),
        }
    }
}

/// Everything of one type that a master holds.
#[derive(Debug, Default)]
pub(crate) struct Dump {
    pub(crate) objects: BTreeMap<String, Map<String, Value>>,
    /// The broker's own topics, as it names them.
    system: BTreeSet<String>,
    /// Changes with every write, also to another object of the type.
    version: String,
}

#[derive(Deserialize)]
struct TopicList {
    #[serde(rename = "topicList", default)]
    topics: BTreeSet<String>,
}

/// What each of these masters holds, all asked at once. A broker that does not tell its own topics is believed otherwise.
pub(crate) fn dumps(servers: &mut Servers, kind: &Kind, masters: &[String]) -> Vec<Result<Dump>> {
    let topics = kind.metadata_type == types::TOPIC;
    let mut questions: Vec<(String, Request)> =
        masters.iter().map(|address| (address.clone(), Request::new(kind.dump))).collect();
    if topics {
        let system = |address: &String| (address.clone(), Request::new(codes::SYSTEM_TOPICS));
        questions.extend(masters.iter().map(system));
    }
    let mut answers = servers.read_each(&questions).into_iter();
    let mut dumps: Vec<Result<Dump>> =
        answers.by_ref().take(masters.len()).map(|answer| read_dump(kind, answer)).collect();
    for (dump, answer) in dumps.iter_mut().zip(answers) {
        let told = answer.ok().filter(|answer| answer.code == codes::SUCCESS);
        let told = told.and_then(|answer| serde_json::from_slice::<TopicList>(&answer.body).ok());
        if let (Ok(dump), Some(told)) = (dump, told) {
            dump.system = told.topics;
        }
    }
    dumps
}

fn read_dump(kind: &Kind, answer: Result<Answer, Lost>) -> Result<Dump> {
    let what = format!("list the {}s of a broker", kind.noun);
    let table = answer?.checked(&what)?.json(&what)?;
    let Value::Object(mut table) = table else {
        return Err(Error::protocol(format_args!("{what}: the answer is no object")));
    };
    let version = table.get("dataVersion").map(json::text).unwrap_or_default();
    let Some(Value::Object(objects)) = table.remove(kind.table) else {
        return Err(Error::protocol(format_args!("{what}: the answer holds no `{}`", kind.table)));
    };
    let object = |(name, object)| match object {
        Value::Object(object) => Some((name, object)),
        _ => None,
    };
    Ok(Dump { objects: objects.into_iter().filter_map(object).collect(), system: BTreeSet::new(), version })
}

/// RocketMQ's own consumer groups; those of topics are told by the brokers.
const SYSTEM_GROUPS: [&str; 8] = [
    "DEFAULT_CONSUMER",
    "FILTERSRV_CONSUMER",
    "SCHEDULE_CONSUMER",
    "SELF_TEST_C_GROUP",
    "TOOLS_CONSUMER",
    "CID_ONS-HTTP-PROXY",
    "CID_ONSAPI_OWNER",
    "CID_ONSAPI_PERMISSION",
];
const SYSTEM_GROUP_PREFIXES: [&str; 3] = ["CID_RMQ_SYS_", "CID_SYS_RMQ_", "CID_ONSAPI_"];

/// What follows a consumer group around, and what RocketMQ keeps for itself.
const SYSTEM_TOPIC_PREFIXES: [&str; 5] = ["%RETRY%", "%DLQ%", "rmq_sys_", "RMQ_SYS_", "%SYS%"];

pub(crate) fn is_internal_group(name: &str) -> bool {
    SYSTEM_GROUPS.contains(&name) || SYSTEM_GROUP_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

impl Dump {
    /// Brokers make topics of their own name and of the cluster's.
    fn is_internal(&self, kind: &Kind, servers: &Servers, name: &str) -> bool {
        if kind.metadata_type != types::TOPIC {
            return is_internal_group(name);
        }
        SYSTEM_TOPIC_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
            || self.system.contains(name)
            || servers.members.groups.contains_key(name)
            || servers.members.cluster.as_deref() == Some(name)
    }
}
