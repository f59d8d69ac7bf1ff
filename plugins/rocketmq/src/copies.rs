//! Topics and consumer groups' configurations: whole objects, a copy on the master of each group, nothing of RocketMQ's
//! that keeps the copies equal.

use headgate_sdk::json::{self, Map, Value};
use headgate_sdk::{Error, Place, Resource, ResourceKey, Result};

use crate::fields::{self, FieldDef, Rewrite};
use crate::types;
use crate::wire::{Request, codes};

mod dump;
pub(crate) mod get;
pub(crate) mod list;
mod routes;
mod stats;
mod table;
pub(crate) mod write;

pub(crate) use dump::{Dump, Object, dumps};
pub(crate) use table::{Names, NamesAmong};

/// What there is to know of a type whose copies lie on the groups.
pub(crate) struct Kind {
    pub(crate) metadata_type: &'static str,
    /// For a person.
    pub(crate) noun: &'static str,
    pub(crate) fields: &'static [FieldDef],
    dump: i32,
    /// Of a page: how many were told before, how many it may hold, and in the answer how many there are.
    page_from: &'static str,
    page_most: &'static str,
    total: &'static str,
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
    page_from: "topicSeq",
    page_most: "maxTopicNum",
    total: "totalTopicNum",
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
    page_from: "groupSeq",
    page_most: "maxGroupNum",
    total: "totalGroupNum",
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

pub(crate) fn is_internal_group(name: &str) -> bool {
    SYSTEM_GROUPS.contains(&name) || SYSTEM_GROUP_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}
