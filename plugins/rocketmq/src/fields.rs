//! The fields of topics and of consumer groups' configurations: how each is called here and on the wire, and what it takes.
//! Schemas, checks, reading and writing all follow these tables.

use headgate_sdk::json::{Map, Value};
use headgate_sdk::{Error, Result};

pub(crate) mod permission;
pub(crate) mod text;

/// How RocketMQ writes an object's attributes.
pub(crate) const ATTRIBUTES: &str = "attributes";

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Shape {
    Count {
        min: i64,
        max: i64,
        default: i64,
    },
    Flag {
        default: bool,
    },
    /// Reading and writing, as one number on the wire.
    Permission,
    /// Texts by name; what is not there has its default.
    Attributes,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct FieldDef {
    pub(crate) name: &'static str,
    pub(crate) wire: &'static str,
    pub(crate) shape: Shape,
    pub(crate) title: &'static str,
    pub(crate) description: &'static str,
    /// Whether two brokers may hold different values and nothing is wrong.
    pub(crate) may_differ: bool,
    /// The first release that has it.
    pub(crate) since: Option<&'static str>,
}

const fn field(
    name: &'static str,
    wire: &'static str,
    shape: Shape,
    title: &'static str,
    description: &'static str,
) -> FieldDef {
    FieldDef { name, wire, shape, title, description, may_differ: false, since: None }
}

const fn since_5(field: FieldDef) -> FieldDef {
    FieldDef { since: Some("5.0"), ..field }
}

/// A queue is a file on disk and an entry in every client's table; the broker itself sets no limit.
const QUEUES: Shape = Shape::Count { min: 1, max: 65_535, default: 8 };

pub(crate) const TOPIC: &[FieldDef] = &[
    field(
        "read_queues",
        "readQueueNums",
        QUEUES,
        "Read queues",
        "Queues that consumers read on each broker; messages of queues beyond it are not consumed",
    ),
    field(
        "write_queues",
        "writeQueueNums",
        QUEUES,
        "Write queues",
        "Queues that producers write to on each broker",
    ),
    field(
        "permission",
        "perm",
        Shape::Permission,
        "Permission",
        "RW, R (no new messages), W (nobody consumes) or NONE",
    ),
    field(
        "order",
        "order",
        Shape::Flag { default: false },
        "Ordered",
        "The name servers hold the brokers' queues in a fixed order, also while a broker is down",
    ),
    since_5(field(
        ATTRIBUTES,
        ATTRIBUTES,
        Shape::Attributes,
        "Attributes",
        "`message.type` (NORMAL, FIFO, DELAY, TRANSACTION, …), `cleanup.policy`, `queue.type`",
    )),
];

const YES: Shape = Shape::Flag { default: true };

pub(crate) const GROUP: &[FieldDef] = &[
    field("consume_enable", "consumeEnable", YES, "Consuming", "Whether the group may consume at all"),
    field(
        "consume_from_min_enable",
        "consumeFromMinEnable",
        YES,
        "From the oldest",
        "Whether a group without offsets may begin with the oldest message",
    ),
    field(
        "consume_broadcast_enable",
        "consumeBroadcastEnable",
        YES,
        "Broadcast",
        "Whether every member may get every message",
    ),
    since_5(field(
        "consume_message_orderly",
        "consumeMessageOrderly",
        Shape::Flag { default: false },
        "In order",
        "Whether messages are handed out in order (pop consumers)",
    )),
    field(
        "retry_queues",
        "retryQueueNums",
        Shape::Count { min: 0, max: 65_535, default: 1 },
        "Retry queues",
        "Queues of the topic %RETRY%<group>",
    ),
    field(
        "retry_max_times",
        "retryMaxTimes",
        Shape::Count { min: -1, max: i32::MAX as i64, default: 16 },
        "Deliveries",
        "How often a message is tried again before it goes to %DLQ%<group>",
    ),
    since_5(field(
        "consume_timeout_minute",
        "consumeTimeoutMinute",
        Shape::Count { min: 1, max: i32::MAX as i64, default: 15 },
        "Time-out",
        "Minutes that a member may take for a message",
    )),
    field(
        "notify_consumer_ids_changed_enable",
        "notifyConsumerIdsChangedEnable",
        YES,
        "Notify members",
        "Whether members are told at once when one comes or goes",
    ),
    FieldDef {
        may_differ: true,
        ..field(
            "broker_id",
            "brokerId",
            Shape::Count { min: 0, max: i32::MAX as i64, default: 0 },
            "Consume from",
            "Number of the broker to consume from: 0 is the master",
        )
    },
    FieldDef {
        may_differ: true,
        ..field(
            "which_broker_when_consume_slowly",
            "whichBrokerWhenConsumeSlowly",
            Shape::Count { min: 0, max: i32::MAX as i64, default: 1 },
            "When slow",
            "Number of the broker to consume from when the group lags behind what is in memory",
        )
    },
    since_5(field(
        ATTRIBUTES,
        ATTRIBUTES,
        Shape::Attributes,
        "Attributes",
        "Such as `priority.factor` or `lite.bind.topic`",
    )),
];

pub(crate) fn find(fields: &'static [FieldDef], name: &str) -> Option<&'static FieldDef> {
    fields.iter().find(|field| field.name == name)
}

impl FieldDef {
    /// What a new object gets where nothing is said.
    pub(crate) fn default(&self) -> Value {
        match self.shape {
            Shape::Count { default, .. } => default.into(),
            Shape::Flag { default } => default.into(),
            Shape::Permission => permission::name(permission::DEFAULT).into(),
            Shape::Attributes => Value::Object(Map::new()),
        }
    }

    /// A value of the wire as a wish says it. What does not look as expected stays as it is, and is seen as such.
    fn read(&self, value: &Value) -> Value {
        match (self.shape, value.as_i64()) {
            (Shape::Permission, Some(bits)) => permission::name(bits).into(),
            _ => value.clone(),
        }
    }

    /// A wish's value for the wire.
    fn write(&self, value: &Value) -> Result<Value> {
        let wire = match self.shape {
            Shape::Count { min, max, .. } => {
                value.as_i64().filter(|count| (min..=max).contains(count)).map(Value::from)
            }
            Shape::Flag { .. } => value.as_bool().map(Value::from),
            Shape::Permission => value.as_str().and_then(permission::bits).map(Value::from),
            Shape::Attributes => None,
        };
        wire.ok_or_else(|| Error::invalid_argument(format_args!("{} cannot be {value}", self.name)))
    }
}

/// The part of a broker's object that can be set. A field that an old broker does not have is not there.
pub(crate) fn spec(fields: &[FieldDef], object: &Map<String, Value>) -> Map<String, Value> {
    let told = |field: &FieldDef| {
        let value = object.get(field.wire).filter(|value| !value.is_null())?;
        let empty = field.shape == Shape::Attributes && value.as_object().is_none_or(Map::is_empty);
        (!empty).then(|| (field.name.to_owned(), field.read(value)))
    };
    fields.iter().filter_map(told).collect()
}

/// A broker's object on its way to be written: what nobody spoke of stays as the broker told it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Rewrite {
    pub(crate) object: Map<String, Value>,
    /// Attributes are written as changes: `+name` with a value, `-name`.
    pub(crate) changes: Map<String, Value>,
}

impl Rewrite {
    pub(crate) fn of(object: Map<String, Value>) -> Self {
        Self { object, changes: Map::new() }
    }

    /// Sets the field that a pointer's tokens name; none and null are its default.
    pub(crate) fn set(
        &mut self,
        fields: &'static [FieldDef],
        tokens: &[&str],
        value: Option<&Value>,
    ) -> Result<()> {
        let value = value.filter(|value| !value.is_null());
        let (name, rest) = tokens.split_first().ok_or_else(|| no_field(""))?;
        let field = find(fields, name).ok_or_else(|| no_field(name))?;
        match (field.shape, rest) {
            (Shape::Attributes, [attribute]) => self.set_attribute(attribute, value),
            (Shape::Attributes, []) => self.set_attributes(value),
            (_, []) => {
                let value = match value {
                    Some(value) => field.write(value)?,
                    None => field.write(&field.default())?,
                };
                self.object.insert(field.wire.to_owned(), value);
                Ok(())
            }
            _ => Err(no_field(&tokens.join("/"))),
        }
    }

    fn set_attributes(&mut self, wanted: Option<&Value>) -> Result<()> {
        let empty = Map::new();
        let wanted = match wanted {
            Some(Value::Object(wanted)) => wanted,
            None => &empty,
            Some(other) => {
                return Err(Error::invalid_argument(format_args!(
                    "attributes are texts by name, not {other}"
                )));
            }
        };
        let there: Vec<String> = self.attributes().map(|(name, _)| name.clone()).collect();
        for name in there.iter().filter(|name| !wanted.contains_key(*name)) {
            self.set_attribute(name, None)?;
        }
        wanted.iter().try_for_each(|(name, value)| {
            self.set_attribute(name, Some(value).filter(|value| !value.is_null()))
        })
    }

    fn set_attribute(&mut self, name: &str, value: Option<&Value>) -> Result<()> {
        let there = self.attributes().any(|(known, _)| known == name);
        let Some(value) = value else {
            if there {
                self.changes.insert(format!("-{name}"), "".into());
            }
            return Ok(());
        };
        let text = value.as_str().ok_or_else(|| {
            Error::invalid_argument(format_args!("the attribute {name} is a text, not {value}"))
        })?;
        self.changes.insert(format!("+{name}"), text.into());
        Ok(())
    }

    fn attributes(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.object.get(ATTRIBUTES).and_then(Value::as_object).into_iter().flatten()
    }

    /// As the broker will tell it.
    pub(crate) fn written(&self) -> Map<String, Value> {
        let mut object = self.object.clone();
        let mut attributes: Map<String, Value> =
            self.attributes().map(|(name, value)| (name.clone(), value.clone())).collect();
        for (change, value) in &self.changes {
            match change.split_at_checked(1) {
                Some(("+", name)) => drop(attributes.insert(name.to_owned(), value.clone())),
                Some((_, name)) => drop(attributes.remove(name)),
                None => {}
            }
        }
        if object.contains_key(ATTRIBUTES) || !attributes.is_empty() {
            object.insert(ATTRIBUTES.to_owned(), Value::Object(attributes));
        }
        object
    }

    /// As requests with a JSON body say it.
    pub(crate) fn for_wire(&self) -> Value {
        let mut object = self.object.clone();
        if self.changes.is_empty() {
            object.remove(ATTRIBUTES);
        } else {
            object.insert(ATTRIBUTES.to_owned(), Value::Object(self.changes.clone()));
        }
        Value::Object(object)
    }

    /// `+message.type=FIFO,-reserve.time`
    pub(crate) fn changes_text(&self) -> String {
        let change = |(name, value): (&String, &Value)| match value.as_str() {
            Some(value) if name.starts_with('+') => format!("{name}={value}"),
            _ => name.clone(),
        };
        self.changes.iter().map(change).collect::<Vec<_>>().join(",")
    }
}

fn no_field(name: &str) -> Error {
    Error::invalid_argument(format_args!("there is no field /{name}"))
}

#[cfg(test)]
mod tests {
    use headgate_sdk::json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn a_topic_is_read() {
        let told = object(
            json!({"attributes": {"message.type": "FIFO"}, "order": false, "perm": 6, "readQueueNums": 8,
            "topicFilterType": "SINGLE_TAG", "topicName": "orders", "topicSysFlag": 0, "writeQueueNums": 4}),
        );
        let expected = json!({"read_queues": 8, "write_queues": 4, "permission": "RW", "order": false,
            "attributes": {"message.type": "FIFO"}});
        assert_eq!(Value::Object(spec(TOPIC, &told)), expected);
        assert_eq!(spec(TOPIC, &object(json!({"perm": null, "attributes": {}}))), Map::new());
    }

    #[test]
    fn a_rewrite_changes_what_it_names_and_keeps_the_rest() {
        let told = object(
            json!({"consumeEnable": true, "retryMaxTimes": 16, "new": {"in": 6}, "attributes": {"a": "1", "b": "2"}}),
        );
        let mut rewrite = Rewrite::of(told);
        rewrite.set(GROUP, &["retry_max_times"], Some(&json!(3))).unwrap();
        rewrite.set(GROUP, &["consume_enable"], Some(&json!(false))).unwrap();
        rewrite.set(GROUP, &["attributes"], Some(&json!({"b": "3", "c": "4"}))).unwrap();
        let expected = json!({"consumeEnable": false, "retryMaxTimes": 3, "new": {"in": 6},
            "attributes": {"+b": "3", "+c": "4", "-a": ""}});
        assert_eq!(rewrite.for_wire(), expected);
        assert_eq!(rewrite.changes_text(), "+b=3,+c=4,-a");
    }

    #[test]
    fn nothing_said_of_attributes_changes_none() {
        let mut rewrite = Rewrite::of(object(json!({"perm": 6, "attributes": {"a": "1"}})));
        rewrite.set(TOPIC, &["permission"], Some(&json!("R"))).unwrap();
        rewrite.set(TOPIC, &["attributes", "zzz"], None).unwrap();
        assert_eq!(rewrite.for_wire(), json!({"perm": 4}));
        rewrite.set(TOPIC, &["attributes", "a"], None).unwrap();
        rewrite.set(TOPIC, &["permission"], None).unwrap();
        assert_eq!(rewrite.for_wire(), json!({"perm": 6, "attributes": {"-a": ""}}));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut rewrite = Rewrite::default();
        for (tokens, value) in [
            (&["read_queues"][..], json!(0)),
            (&["read_queues"], json!("8")),
            (&["permission"], json!("RWZ")),
            (&["order"], json!("no")),
            (&["attributes"], json!("x")),
            (&["attributes", "a"], json!(1)),
            (&["colour"], json!(1)),
            (&["order", "x"], json!(1)),
            (&[], json!(1)),
        ] {
            assert!(rewrite.set(TOPIC, tokens, Some(&value)).is_err(), "{tokens:?} {value} was taken");
        }
        assert_eq!(rewrite, Rewrite::default());
    }
}
