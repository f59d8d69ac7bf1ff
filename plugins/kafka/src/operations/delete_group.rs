//! Deletes a consumer group with all of its positions.

use headgate_sdk::json::{Value, json};
use headgate_sdk::{Error, Finished, Forecast, Operation, Progress, Result};
use kafka_protocol::messages::{DeleteGroupsRequest, GroupId};

use super::group::{self, Group};
use super::input::Fields;
use super::{WORK_TIMEOUT_MS, ask, count, lost, operation};
use crate::cluster::{Brokers, text};
use crate::log_offsets::{Offsets, shown};
use crate::types::CONSUMER_GROUP;
use crate::wire::codes;

pub(super) const NAME: &str = "delete-group";

/// It is not undone: a later `reset-offsets` with the positions that the output names makes the group again.
pub(super) fn describe() -> Operation {
    let input = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": false,
        "properties": {}
    });
    let output = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "group": {"type": "string"},
            "offsets": {
                "type": "object",
                "description": "The positions that went with it, by topic and partition, as reset-offsets takes them"
            }
        }
    });
    let operation = operation(NAME, "Delete group", Some(CONSUMER_GROUP), input, output);
    Operation { destructive: true, ..operation }
}

pub(super) fn preview(brokers: &mut Brokers, id: &str, input: &Value) -> Result<Forecast> {
    let (group, committed) = read(brokers, id, input)?;
    let mut forecast = Forecast::of(&json!({
        "group": id,
        "state": group.state(),
        "members": group.members().len(),
        "offsets": offsets(&committed),
    }));
    forecast = forecast.line(format_args!("{}; it is deleted", group.shown()));
    for (partition, offset) in &committed {
        forecast = forecast.line(format_args!("{}: its position {offset} is lost", shown(partition)));
    }
    if group.is_live() {
        let message = format!("{}: it is refused until they have stopped", group.shown());
        forecast = forecast.warning(message);
    }
    Ok(forecast.warning("it cannot be taken back; reset-offsets can set the positions again"))
}

pub(super) fn run(brokers: &mut Brokers, id: &str, input: &Value) -> Result<Progress> {
    let (group, committed) = read(brokers, id, input)?;
    group.refuse_live("delete it")?;
    let request = DeleteGroupsRequest::default().with_groups_names(vec![GroupId(text(id))]);
    let answer = match ask(brokers, group.coordinator, request, WORK_TIMEOUT_MS) {
        Ok(answer) => answer,
        Err(gone) => return lost(gone),
    };
    let what = format!("delete group {id}");
    match answer.results.iter().find(|one| one.group_id.as_str() == id) {
        Some(one) if one.error_code == codes::NONE => {
            let summary = format!("deleted group {id} and {} of it", count(committed.len(), "position"));
            let output = json!({"group": id, "offsets": offsets(&committed)});
            Ok(Finished::of(summary, &output).into())
        }
        Some(one) => Err(codes::error(one.error_code, None, &what)),
        None => Ok(Progress::Unknown(Error::protocol(format_args!("{what}: the answer does not name it")))),
    }
}

fn read(brokers: &mut Brokers, id: &str, input: &Value) -> Result<(Group, Offsets)> {
    Fields::of(input, &[])?;
    let group = group::find(brokers, id)?;
    group.there()?;
    let committed = group.committed(brokers)?;
    Ok((group, committed))
}

fn offsets(committed: &Offsets) -> Value {
    let mut topics = json!({});
    for ((topic, partition), offset) in committed {
        let Some(topics) = topics.as_object_mut() else { break };
        let partitions = topics.entry(topic.clone()).or_insert_with(|| json!({}));
        if let Some(partitions) = partitions.as_object_mut() {
            partitions.insert(partition.to_string(), (*offset).into());
        }
    }
    topics
}
