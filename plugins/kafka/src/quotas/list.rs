//! Quotas as they are: one answer names all of them, and pages and look-ups are cut from it.

use std::collections::BTreeMap;

use headgate_sdk::{Error, Lookup, Page, Place, Query, Resource, ResourceKey, Result};
use kafka_protocol::messages::DescribeClientQuotasRequest;
use kafka_protocol::messages::describe_client_quotas_request::ComponentData;
use kafka_protocol::messages::describe_client_quotas_response::EntryData;

use super::{Entity, resource};
use crate::cluster::{Brokers, text};
use crate::wire::codes;

/// How a component of the question is compared.
const MATCH_EXACT: i8 = 0;
const MATCH_DEFAULT: i8 = 1;

const RIGHT: &str = "give the login `describe-configs` on the cluster";

/// The listing that is being paged through.
#[derive(Default)]
pub(crate) struct Sweep {
    found: BTreeMap<String, Resource>,
}

impl Sweep {
    pub(crate) fn page(&mut self, brokers: &mut Brokers, query: &Query, limit: usize) -> Result<Page> {
        if query.place != Place::Cluster {
            return Err(Error::invalid_argument("quotas live on the cluster, not on a node"));
        }
        if query.cursor.is_none() || self.found.is_empty() {
            self.found = listing(brokers, &DescribeClientQuotasRequest::default())?;
        }
        if let Some(cursor) = &query.cursor {
            self.found = self.found.split_off(cursor);
            self.found.remove(cursor);
        }
        let resources: Vec<Resource> = self.found.values().take(limit).cloned().collect();
        let more = self.found.len() > limit;
        let next = resources.last().filter(|_| more).map(|last| last.key.id.clone());
        if next.is_none() {
            self.found.clear();
        }
        Ok(Page { resources, failures: Vec::new(), next, version: None, extra: None })
    }
}

/// One question: exactly the quota that is asked for, or all where several are.
pub(crate) fn get(brokers: &mut Brokers, keys: &[&ResourceKey]) -> Result<Vec<Lookup>> {
    let question = match keys {
        [key] => match Entity::parse(&key.id) {
            Ok(entity) if entity.is_known() => exactly(&entity),
            // No quota can have that name: the strategy says why.
            Ok(_) | Err(_) => return Ok(vec![Lookup::Absent]),
        },
        _ => DescribeClientQuotasRequest::default(),
    };
    let mut found = listing(brokers, &question)?;
    let mut look_up = |key: &&ResourceKey| match found.remove(&key.id) {
        Some(quota) if key.place == Place::Cluster => Lookup::Found(quota),
        Some(_) | None => Lookup::Absent,
    };
    Ok(keys.iter().map(&mut look_up).collect())
}

fn listing(
    brokers: &mut Brokers,
    question: &DescribeClientQuotasRequest,
) -> Result<BTreeMap<String, Resource>> {
    let answer = brokers.read(question)?;
    match answer.error_code {
        codes::NONE => {
            let found = answer.entries.iter().flatten().map(quota);
            Ok(found.map(|quota| (quota.key.id.clone(), quota)).collect())
        }
        code => {
            let said = codes::or_right(code, answer.error_message.as_deref(), RIGHT);
            Err(codes::error(code, said, "list the quotas"))
        }
    }
}

fn quota(entry: &EntryData) -> Resource {
    let name = |name: &kafka_protocol::protocol::StrBytes| name.to_string();
    let parts =
        entry.entity.iter().map(|part| (part.entity_type.to_string(), part.entity_name.as_ref().map(name)));
    let values: Vec<(String, f64)> =
        entry.values.iter().map(|one| (one.key.to_string(), one.value)).collect();
    resource(&Entity::of(parts.collect()), &values)
}

fn exactly(entity: &Entity) -> DescribeClientQuotasRequest {
    let component = |(kind, name): &(String, Option<String>)| {
        ComponentData::default()
            .with_entity_type(text(kind))
            .with_match_type(if name.is_some() { MATCH_EXACT } else { MATCH_DEFAULT })
            .with_match(name.as_deref().map(text))
    };
    DescribeClientQuotasRequest::default()
        .with_components(entity.parts().iter().map(component).collect())
        .with_strict(true)
}
