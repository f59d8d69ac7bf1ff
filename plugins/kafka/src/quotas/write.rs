//! Writes of quotas: all in one request, and an outcome for each.

use headgate_sdk::json::{self, Map, Value, pointer_tokens};
use headgate_sdk::{Action, Edit, Error, Outcome, Place, Result, Write};
use kafka_protocol::messages::alter_client_quotas_request::{EntityData, EntryData, OpData};
use kafka_protocol::messages::{AlterClientQuotasRequest, AlterClientQuotasResponse};
use kafka_protocol::protocol::StrBytes;

use super::{Entity, rate};
use crate::batch::{Batch, answer_of, put};
use crate::cluster::{Brokers, text};
use crate::wire::codes;

/// The controller takes 10,000 records of a request; a quota is five at most.
const QUOTAS_PER_REQUEST_MAX: usize = 2_000;

/// A changed quota is seen by all brokers within this.
const LAG_MS: u64 = 2_000;

const RIGHT: &str = "give the login `alter-configs` on the cluster";

/// One limit set, or taken away.
type RateChange = (String, Option<f64>);

/// A wish at its place among the writes.
struct Open<'a> {
    index: usize,
    id: &'a str,
    entity: Entity,
    changes: Vec<RateChange>,
}

pub(crate) fn write(brokers: &mut Brokers, writes: &[&Write], dry_run: bool) -> Vec<Outcome> {
    let mut outcomes: Vec<Option<Outcome>> = writes.iter().map(|_| None).collect();
    let mut open = Vec::new();
    for (index, write) in writes.iter().enumerate() {
        match wish(write) {
            Ok((entity, changes)) => open.push(Open { index, id: &write.key.id, entity, changes }),
            Err(error) => put(&mut outcomes, index, Outcome::Failed(error)),
        }
    }
    open.chunks(QUOTAS_PER_REQUEST_MAX).for_each(|chunk| alter(brokers, chunk, dry_run, &mut outcomes));
    let missing = || Outcome::Failed(Error::internal("the write was not sent"));
    outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(missing)).collect()
}

fn wish(write: &Write) -> Result<(Entity, Vec<RateChange>)> {
    if write.key.place != Place::Cluster {
        return Err(Error::invalid_argument("quotas live on the cluster, not on a node"));
    }
    let id = &write.key.id;
    let entity = Entity::parse(id)
        .map_err(|fault| Error::invalid_argument(format_args!("{id} is no quota's name: {fault}")))?;
    if !entity.is_known() || entity.id() != *id {
        return Err(Error::invalid_argument(format_args!("{id} is no quota's name that can be written")));
    }
    let changes: Vec<RateChange> = match &write.action {
        Action::Create(spec) => {
            let spec: Map<String, Value> = json::parse(spec, &format!("read the spec of quota {id}"))?;
            let set = spec.iter().filter(|(_, value)| !value.is_null());
            set.map(|(name, value)| change(name, value)).collect::<Result<_>>()?
        }
        Action::Edit(edits) => edits.iter().map(edited).collect::<Result<_>>()?,
        Action::Delete => entity.rates().into_iter().map(|name| (name.to_owned(), None)).collect(),
        Action::Replace(_) => {
            return Err(Error::unsupported("a quota is edited limit by limit, never replaced"));
        }
        Action::Run((name, _)) => {
            return Err(Error::unsupported(format_args!("quotas have no operation {name}")));
        }
    };
    if changes.is_empty() {
        return Err(Error::invalid_argument(format_args!("quota {id}: there is no limit to set")));
    }
    Ok((entity, changes))
}

/// `/producer_byte_rate` with a JSON number; an absent or null value takes the limit away.
fn edited(edit: &Edit) -> Result<RateChange> {
    let value = edit.value.as_deref().map(|value| json::parse(value, &edit.path)).transpose()?;
    match pointer_tokens(&edit.path).as_slice() {
        [name] => change(name, &value.unwrap_or(Value::Null)),
        _ => Err(Error::invalid_argument(format_args!("a quota has no field {}", edit.path))),
    }
}

fn change(name: &str, value: &Value) -> Result<RateChange> {
    if rate(name).is_none() {
        return Err(Error::invalid_argument(format_args!("a quota has no field {name}")));
    }
    match value {
        Value::Null => Ok((name.to_owned(), None)),
        value => match value.as_f64() {
            Some(number) => Ok((name.to_owned(), Some(number))),
            None => Err(Error::invalid_argument(format_args!("{name} is no number"))),
        },
    }
}

fn alter(brokers: &mut Brokers, chunk: &[Open<'_>], dry_run: bool, outcomes: &mut [Option<Outcome>]) {
    let names: Vec<(usize, &str)> = chunk.iter().map(|one| (one.index, one.id)).collect();
    let build = |chosen: &[usize]| {
        let chosen = chunk.iter().filter(|one| chosen.binary_search(&one.index).is_ok());
        AlterClientQuotasRequest::default()
            .with_entries(chosen.map(entry).collect())
            .with_validate_only(dry_run)
    };
    let read = |_: &[usize], response: AlterClientQuotasResponse| {
        let answer = |one: kafka_protocol::messages::alter_client_quotas_response::EntryData| {
            let part = |part: kafka_protocol::messages::alter_client_quotas_response::EntityData| {
                (part.entity_type.to_string(), part.entity_name.map(|name| name.to_string()))
            };
            let entity = Entity::of(one.entity.into_iter().map(part).collect());
            let said = match one.error_code {
                codes::CLUSTER_AUTHORIZATION_FAILED => Some(StrBytes::from_static_str(RIGHT)),
                _ => one.error_message,
            };
            (entity.id(), answer_of(one.error_code, said, None))
        };
        (response.throttle_time_ms, response.entries.into_iter().map(answer).collect())
    };
    let batch = Batch { names: &names, what: "write quota", lag_ms: LAG_MS, dry_run };
    batch.send(brokers, build, read, outcomes);
}

fn entry(one: &Open<'_>) -> EntryData {
    let part = |(kind, name): &(String, Option<String>)| {
        EntityData::default().with_entity_type(text(kind)).with_entity_name(name.as_deref().map(text))
    };
    let change = |(name, value): &RateChange| {
        let op = OpData::default().with_key(text(name));
        op.with_value(value.unwrap_or_default()).with_remove(value.is_none())
    };
    EntryData::default()
        .with_entity(one.entity.parts().iter().map(part).collect())
        .with_ops(one.changes.iter().map(change).collect())
}

#[cfg(test)]
mod tests {
    use headgate_sdk::ResourceKey;

    use super::*;

    fn changes(id: &str, action: Action) -> Result<Vec<RateChange>> {
        let key = ResourceKey { metadata_type: "quota".to_owned(), id: id.to_owned(), place: Place::Cluster };
        wish(&Write { key, action, revision: None, incarnation: None, extra: None })
            .map(|(_, changes)| changes)
    }

    #[test]
    fn a_write_is_limits_set_or_taken_away() {
        let of = |name: &str, value| (name.to_owned(), value);
        let create = Action::Create(r#"{"request_percentage": 12.5, "producer_byte_rate": null}"#.to_owned());
        assert_eq!(changes("user=a", create).unwrap(), [of("request_percentage", Some(12.5))]);
        let edit = |value: Option<&str>| Edit {
            path: "/producer_byte_rate".to_owned(),
            value: value.map(str::to_owned),
        };
        let edits = Action::Edit(vec![edit(Some("7")), edit(None), edit(Some("null"))]);
        let rate = "producer_byte_rate";
        assert_eq!(changes("user=a", edits).unwrap(), [of(rate, Some(7.0)), of(rate, None), of(rate, None)]);
        assert_eq!(changes("ip=10.0.0.1", Action::Delete).unwrap(), [of("connection_creation_rate", None)]);
    }

    #[test]
    fn what_is_no_quota_is_never_sent() {
        let create = |text: &str| Action::Create(text.to_owned());
        for (id, action) in [
            ("user=a", create("{}")),
            ("user=a", create(r#"{"speed": 1}"#)),
            ("user=a", create(r#"{"producer_byte_rate": "1"}"#)),
            ("user=a,ip=10.0.0.1", Action::Delete),
            ("client-id=a,user=b", Action::Delete),
            ("user=a", Action::Replace("{}".to_owned())),
        ] {
            assert!(changes(id, action).is_err(), "{id}");
        }
    }
}
