//! Rules as they are: one answer names all of them, and pages and look-ups are cut from it.

use std::collections::BTreeMap;

use headgate_sdk::{Error, Lookup, Page, Place, Query, ResourceKey, Result};
use kafka_protocol::messages::{DescribeAclsRequest, DescribeAclsResponse};
use kafka_protocol::protocol::StrBytes;

use super::{Binding, words};
use crate::cluster::{Brokers, text};
use crate::wire::codes;

const RIGHT: &str = "give the login `describe` on the cluster";

/// The listing that is being paged through.
#[derive(Default)]
pub(crate) struct Sweep {
    found: BTreeMap<String, Binding>,
}

impl Sweep {
    pub(crate) fn page(&mut self, brokers: &mut Brokers, query: &Query, limit: usize) -> Result<Page> {
        if query.place != Place::Cluster {
            return Err(Error::invalid_argument("access rules live on the cluster, not on a node"));
        }
        if query.cursor.is_none() || self.found.is_empty() {
            // A cluster that checks no access has no rules: that is an answer, not a failure.
            self.found = listing(brokers, &everything())?.unwrap_or_default();
        }
        if let Some(cursor) = &query.cursor {
            self.found = self.found.split_off(cursor);
            self.found.remove(cursor);
        }
        let resources: Vec<_> =
            self.found.iter().take(limit).map(|(id, binding)| binding.resource(id.clone())).collect();
        let more = self.found.len() > limit;
        let next = resources.last().filter(|_| more).map(|last| last.key.id.clone());
        if next.is_none() {
            self.found.clear();
        }
        Ok(Page { resources, failures: Vec::new(), next, version: None, extra: None })
    }
}

/// One question: exactly the rule that is asked for, or all where several are.
pub(crate) fn get(brokers: &mut Brokers, keys: &[&ResourceKey]) -> Result<Vec<Lookup>> {
    let filter = match keys {
        [key] => match Binding::parse(&key.id) {
            Ok(binding) => exactly(&binding),
            // No rule can have that name: the strategy says why.
            Err(_) => return Ok(vec![Lookup::Absent]),
        },
        _ => everything(),
    };
    let found = listing(brokers, &filter)?.unwrap_or_default();
    let look_up = |key: &&ResourceKey| match found.get(&key.id) {
        Some(binding) if key.place == Place::Cluster => Lookup::Found(binding.resource(key.id.clone())),
        Some(_) | None => Lookup::Absent,
    };
    Ok(keys.iter().map(look_up).collect())
}

/// By id; none where the cluster has no authorizer.
pub(super) fn listing(
    brokers: &mut Brokers,
    filter: &DescribeAclsRequest,
) -> Result<Option<BTreeMap<String, Binding>>> {
    let answer = brokers.read(filter)?;
    match answer.error_code {
        codes::NONE => Ok(Some(bindings(&answer).map(|binding| (binding.id(), binding)).collect())),
        codes::SECURITY_DISABLED => Ok(None),
        code => {
            let said = codes::or_right(code, answer.error_message.as_deref(), RIGHT);
            Err(codes::error(code, said, "list the access rules"))
        }
    }
}

fn bindings(answer: &DescribeAclsResponse) -> impl Iterator<Item = Binding> {
    answer.resources.iter().flat_map(|resource| {
        resource.acls.iter().map(|acl| Binding {
            principal: acl.principal.to_string(),
            resource_type: resource.resource_type,
            pattern_type: resource.pattern_type,
            resource_name: resource.resource_name.to_string(),
            operation: acl.operation,
            permission: acl.permission_type,
            host: acl.host.to_string(),
        })
    })
}

pub(super) fn everything() -> DescribeAclsRequest {
    DescribeAclsRequest::default()
        .with_resource_type_filter(words::ANY)
        .with_resource_name_filter(None)
        .with_pattern_type_filter(words::ANY)
        .with_principal_filter(None)
        .with_host_filter(None)
        .with_operation(words::ANY)
        .with_permission_type(words::ANY)
}

fn exactly(binding: &Binding) -> DescribeAclsRequest {
    let some = |value: &str| -> Option<StrBytes> { Some(text(value)) };
    DescribeAclsRequest::default()
        .with_resource_type_filter(binding.resource_type)
        .with_resource_name_filter(some(&binding.resource_name))
        .with_pattern_type_filter(binding.pattern_type)
        .with_principal_filter(some(&binding.principal))
        .with_host_filter(some(&binding.host))
        .with_operation(binding.operation)
        .with_permission_type(binding.permission)
}
