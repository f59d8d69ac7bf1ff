//! Named actions that are no edit of a resource. One file an operation: `describe` says what it is, `preview` reads what
//! would become of what, `run` does it.

use headgate_sdk::framed::Lost;
use headgate_sdk::json::{self, Value, json};
use headgate_sdk::{
    Error, Finished, Forecast, Operation, Operations, Place, Progress, Result, Scope, Subject,
};
use kafka_protocol::messages::MetadataResponse;
use kafka_protocol::protocol::Request;

use crate::Kafka;
use crate::cluster::Brokers;
use crate::topics::metadata_of;
use crate::types::{CONSUMER_GROUP, TOPIC};
use crate::wire::codes;

mod delete_group;
mod delete_records;
mod elect_leaders;
mod group;
mod input;
pub(crate) mod reassign;
mod remove_members;
mod reset_offsets;
mod time;

use elect_leaders::Kind;

/// We wait a little longer than a broker works, so that its word arrives.
const WORK_TIMEOUT_MS: u64 = 24_000;

impl Operations for Kafka {
    fn list_operations(_: Option<&Value>) -> Vec<Operation> {
        vec![
            reset_offsets::describe(),
            delete_group::describe(),
            remove_members::describe(),
            Kind::Preferred.describe(),
            Kind::Unclean.describe(),
            delete_records::describe(),
            reassign::describe(),
        ]
    }

    fn preview(&mut self, name: &str, subject: &Subject, input: &Value) -> Result<Forecast> {
        let brokers = &mut self.brokers;
        let group = || resource_of(name, subject, CONSUMER_GROUP);
        let topic = || resource_of(name, subject, TOPIC);
        match name {
            reset_offsets::NAME => reset_offsets::preview(brokers, group()?, input),
            delete_group::NAME => delete_group::preview(brokers, group()?, input),
            remove_members::NAME => remove_members::preview(brokers, group()?, input),
            delete_records::NAME => delete_records::preview(brokers, topic()?, input),
            reassign::NAME => reassign::preview(brokers, topic()?, input),
            elect_leaders::PREFERRED => Kind::Preferred.preview(brokers, on_cluster(name, subject, input)?),
            elect_leaders::UNCLEAN => Kind::Unclean.preview(brokers, on_cluster(name, subject, input)?),
            other => Err(unknown_operation(other)),
        }
    }

    fn run(&mut self, name: &str, subject: &Subject, input: &Value, _: &str) -> Result<Progress> {
        let brokers = &mut self.brokers;
        let group = || resource_of(name, subject, CONSUMER_GROUP);
        let topic = || resource_of(name, subject, TOPIC);
        match name {
            reset_offsets::NAME => reset_offsets::run(brokers, group()?, input),
            delete_group::NAME => delete_group::run(brokers, group()?, input),
            remove_members::NAME => remove_members::run(brokers, group()?, input),
            delete_records::NAME => delete_records::run(brokers, topic()?, input),
            reassign::NAME => reassign::run(brokers, topic()?, input),
            elect_leaders::PREFERRED => Kind::Preferred.run(brokers, on_cluster(name, subject, input)?),
            elect_leaders::UNCLEAN => Kind::Unclean.run(brokers, on_cluster(name, subject, input)?),
            other => Err(unknown_operation(other)),
        }
    }

    fn poll(&mut self, handle: &str) -> Result<Progress> {
        reassign::poll(&mut self.brokers, handle).unwrap_or_else(|| Err(unknown_handle(handle)))
    }

    fn cancel(&mut self, handle: &str) -> Result<()> {
        reassign::cancel(&mut self.brokers, handle).unwrap_or_else(|| Err(unknown_handle(handle)))
    }
}

fn unknown_operation(name: &str) -> Error {
    let names: Vec<String> = Kafka::list_operations(None).into_iter().map(|one| one.name).collect();
    Error::invalid_argument(format_args!("Kafka has no operation {name}: it has {}", names.join(", ")))
}

fn unknown_handle(handle: &str) -> Error {
    let begin: String = handle.chars().take(80).collect();
    Error::invalid_argument(format_args!("no operation of Kafka gave the handle {begin:?}"))
}

fn resource_of<'a>(name: &str, subject: &'a Subject, metadata_type: &str) -> Result<&'a str> {
    match subject {
        Subject::Resource(key)
            if key.metadata_type == metadata_type && key.place == Place::Cluster && !key.id.is_empty() =>
        {
            Ok(&key.id)
        }
        Subject::Resource(_) | Subject::Place(_) => Err(Error::invalid_argument(format_args!(
            "{name} is an operation on a {metadata_type}: name one"
        ))),
    }
}

fn on_cluster<'a>(name: &str, subject: &Subject, input: &'a Value) -> Result<&'a Value> {
    match subject {
        Subject::Place(Place::Cluster) => Ok(input),
        Subject::Place(_) | Subject::Resource(_) => {
            Err(Error::invalid_argument(format_args!("{name} is an operation on the whole cluster")))
        }
    }
}

/// Metadata of a topic that is there.
fn topic_there(brokers: &mut Brokers, name: &str) -> Result<MetadataResponse> {
    let metadata = brokers.metadata(&metadata_of([name].into_iter()))?;
    match metadata.topics.first() {
        Some(topic) if !topic.partitions.is_empty() || topic.error_code == codes::NONE => Ok(metadata),
        Some(topic) => Err(codes::error(topic.error_code, None, &format!("read topic {name}"))),
        None => Err(Error::protocol(format_args!("no broker told of topic {name}"))),
    }
}

fn operation(name: &str, title: &str, metadata_type: Option<&str>, input: Value, output: Value) -> Operation {
    Operation {
        name: name.to_owned(),
        title: title.to_owned(),
        metadata_type: metadata_type.map(str::to_owned),
        scope: Scope::Cluster,
        roles: Vec::new(),
        input: json::text(&input),
        output: json::text(&output),
        destructive: false,
        previewed: true,
        extra: None,
    }
}

fn topics_schema(description: &str) -> Value {
    json!({
        "type": ["array", "null"], "title": "Topics", "description": description, "minItems": 1,
        "items": {"oneOf": [
            {"type": "string"},
            {
                "type": "object", "required": ["topic"], "additionalProperties": false,
                "properties": {
                    "topic": {"type": "string"},
                    "partitions": {"type": ["array", "null"], "items": {"type": "integer", "minimum": 0}}
                }
            }
        ]}
    })
}

/// One question to one broker, once: what was sent may have been done.
fn ask<R: Request>(
    brokers: &mut Brokers,
    broker: i32,
    request: R,
    timeout_ms: u64,
) -> Result<R::Response, Lost> {
    let unanswered = || Lost { sent: true, error: Error::internal("no answer was handed over") };
    brokers.ask_each(vec![(broker, request)], timeout_ms).pop().unwrap_or_else(|| Err(unanswered()))
}

/// Nothing was done where nothing was sent; else nobody knows.
fn lost(lost: Lost) -> Result<Progress> {
    if lost.sent { Ok(Progress::Unknown(lost.error)) } else { Err(lost.error) }
}

/// What came of the parts of an action.
struct Parts<T> {
    done: Vec<T>,
    failures: Vec<(String, Error)>,
    /// Sent, and nobody knows what came of it.
    untold: Option<Error>,
}

impl<T> Parts<T> {
    fn of(failures: Vec<(String, Error)>) -> Self {
        Self { done: Vec::new(), failures, untold: None }
    }

    fn fail(&mut self, names: impl Iterator<Item = String>, error: &Error) {
        self.failures.extend(names.map(|name| (name, error.clone())));
    }

    /// The answer that would have told of them did not come.
    fn lose(&mut self, names: impl Iterator<Item = String>, lost: Lost) {
        self.fail(names, &lost.error);
        if lost.sent {
            self.untold = Some(lost.error);
        }
    }

    /// The answer came, and does not name it.
    fn miss(&mut self, name: String, what: &str) {
        let error = Error::protocol(format_args!("{what}: the answer does not name it"));
        self.untold = Some(error.clone());
        self.failures.push((name, error));
    }

    /// Where every part was refused nothing was done, which is an error of the whole.
    fn finish(self, finished: impl FnOnce(&[T]) -> Finished) -> Result<Progress> {
        let Self { done, mut failures, untold } = self;
        if !done.is_empty() || failures.is_empty() {
            return Ok(Progress::Done(Finished { failures, ..finished(&done) }));
        }
        if let Some(error) = untold {
            return Ok(Progress::Unknown(error));
        }
        let others = failures.len() - 1;
        let (_, mut error) = failures.swap_remove(0);
        if others > 0 {
            error.message = format!("{}; and {others} more", error.message);
        }
        Err(error)
    }
}

/// `1 position`, `2 positions`
fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
