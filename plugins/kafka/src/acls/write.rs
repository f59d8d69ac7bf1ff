//! Writes of rules: deletes in one request, then creations in one, and an outcome for each.

use std::collections::BTreeMap;

use headgate_sdk::json::{self, Map, Value};
use headgate_sdk::{Action, Error, Outcome, Place, Result, Write};
use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_protocol::messages::delete_acls_response::DeleteAclsFilterResult;
use kafka_protocol::messages::{
    CreateAclsRequest, CreateAclsResponse, DeleteAclsRequest, DeleteAclsResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::Binding;
use super::list::{everything, listing};
use crate::batch::{Answer, Batch, answer_of, put, written};
use crate::cluster::{Brokers, text};
use crate::wire::codes;

/// The controller takes 10,000 records of a request; a rule is one.
const RULES_PER_REQUEST_MAX: usize = 5_000;

/// A changed rule is seen by all brokers within this.
const LAG_MS: u64 = 2_000;

/// What to do about a cluster that checks no access.
const NO_AUTHORIZER: &str = "the cluster has no authorizer, so it keeps no rules; set \
    `authorizer.class.name` on its nodes to org.apache.kafka.metadata.authorizer.StandardAuthorizer first";

const RIGHT: &str = "give the login `alter` on the cluster";

#[derive(Clone, Copy, PartialEq)]
enum Wish {
    Create,
    Delete,
}

/// A wish at its place among the writes.
struct Open<'a> {
    index: usize,
    id: &'a str,
    binding: Binding,
    wish: Wish,
}

pub(crate) fn write(brokers: &mut Brokers, writes: &[&Write], dry_run: bool) -> Vec<Outcome> {
    let mut outcomes: Vec<Option<Outcome>> = writes.iter().map(|_| None).collect();
    let mut open = Vec::new();
    for (index, write) in writes.iter().enumerate() {
        match wish(write) {
            Ok((wish, binding)) => open.push(Open { index, id: &write.key.id, binding, wish }),
            Err(error) => put(&mut outcomes, index, Outcome::Failed(error)),
        }
    }
    if dry_run {
        check(brokers, &open, &mut outcomes);
    } else {
        let (deletes, creates): (Vec<Open<'_>>, Vec<Open<'_>>) =
            open.into_iter().partition(|one| one.wish == Wish::Delete);
        deletes.chunks(RULES_PER_REQUEST_MAX).for_each(|chunk| delete(brokers, chunk, &mut outcomes));
        creates.chunks(RULES_PER_REQUEST_MAX).for_each(|chunk| create(brokers, chunk, &mut outcomes));
    }
    let missing = || Outcome::Failed(Error::internal("the write was not sent"));
    outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(missing)).collect()
}

fn wish(write: &Write) -> Result<(Wish, Binding)> {
    if write.key.place != Place::Cluster {
        return Err(Error::invalid_argument("access rules live on the cluster, not on a node"));
    }
    let id = &write.key.id;
    let binding = Binding::parse(id)
        .map_err(|fault| Error::invalid_argument(format_args!("{id} is no access rule's name: {fault}")))?;
    if !binding.is_known() || binding.id() != *id {
        let message =
            format!("{id} cannot be written: it is of a newer Kafka, or should be {}", binding.id());
        return Err(Error::unsupported(message));
    }
    match &write.action {
        Action::Create(spec) => {
            let spec: Map<String, Value> = json::parse(spec, &format!("read the spec of {id}"))?;
            let own = binding.spec();
            match spec.iter().find(|(name, value)| own.get(*name) != Some(value)) {
                None => Ok((Wish::Create, binding)),
                Some((name, _)) => {
                    Err(Error::invalid_argument(format_args!("{name} of {id} is not what the name says")))
                }
            }
        }
        Action::Delete => Ok((Wish::Delete, binding)),
        Action::Edit(_) | Action::Replace(_) => {
            Err(Error::unsupported("an access rule is made and deleted, never edited"))
        }
        Action::Run((name, _)) => {
            Err(Error::unsupported(format_args!("access rules have no operation {name}")))
        }
    }
}

/// Kafka has no trial of its own: what can be known before is whether rules are kept at all, and what is there.
fn check(brokers: &mut Brokers, open: &[Open<'_>], outcomes: &mut [Option<Outcome>]) {
    if open.is_empty() {
        return;
    }
    let found = listing(brokers, &everything());
    for one in open {
        let outcome = match &found {
            Ok(Some(found)) if one.wish == Wish::Delete && !found.contains_key(one.id) => {
                Outcome::Failed(not_there(one.id))
            }
            Ok(Some(_)) => Outcome::Done(written(None)),
            Ok(None) => {
                let what = format!("write access rule {}", one.id);
                Outcome::Failed(codes::error(codes::SECURITY_DISABLED, Some(NO_AUTHORIZER), &what))
            }
            Err(error) => Outcome::Failed(error.clone()),
        };
        put(outcomes, one.index, outcome);
    }
}

fn create(brokers: &mut Brokers, chunk: &[Open<'_>], outcomes: &mut [Option<Outcome>]) {
    let names: Vec<(usize, &str)> = chunk.iter().map(|one| (one.index, one.id)).collect();
    let build = |chosen: &[usize]| {
        let chosen = chunk.iter().filter(|one| chosen.binary_search(&one.index).is_ok());
        CreateAclsRequest::default().with_creations(chosen.map(|one| creation(&one.binding)).collect())
    };
    let read = |sent: &[usize], response: CreateAclsResponse| {
        let answer = |one: kafka_protocol::messages::create_acls_response::AclCreationResult| {
            answer_of(one.error_code, said(one.error_code, one.error_message), None)
        };
        let answers = response.results.into_iter().map(answer).collect();
        (response.throttle_time_ms, by_id(chunk, sent, answers))
    };
    let batch = Batch { names: &names, what: "create access rule", lag_ms: LAG_MS, dry_run: false };
    batch.send(brokers, build, read, outcomes);
}

fn delete(brokers: &mut Brokers, chunk: &[Open<'_>], outcomes: &mut [Option<Outcome>]) {
    let names: Vec<(usize, &str)> = chunk.iter().map(|one| (one.index, one.id)).collect();
    let build = |chosen: &[usize]| {
        let chosen = chunk.iter().filter(|one| chosen.binary_search(&one.index).is_ok());
        DeleteAclsRequest::default().with_filters(chosen.map(|one| filter(&one.binding)).collect())
    };
    let read = |sent: &[usize], response: DeleteAclsResponse| {
        let answers = response.filter_results.into_iter().map(deleted).collect();
        (response.throttle_time_ms, by_id(chunk, sent, answers))
    };
    let batch = Batch { names: &names, what: "delete access rule", lag_ms: LAG_MS, dry_run: false };
    batch.send(brokers, build, read, outcomes);
}

/// Answers name nothing, they come in the order of the questions. With another count nobody knows which is whose.
fn by_id(chunk: &[Open<'_>], sent: &[usize], answers: Vec<Answer>) -> BTreeMap<String, Answer> {
    if answers.len() != sent.len() {
        return BTreeMap::new();
    }
    let asked = chunk.iter().filter(|one| sent.binary_search(&one.index).is_ok());
    asked.zip(answers).map(|(one, answer)| (one.id.to_owned(), answer)).collect()
}

/// An exact filter finds one rule or none.
fn deleted(result: DeleteAclsFilterResult) -> Answer {
    if result.error_code != codes::NONE {
        return answer_of(result.error_code, said(result.error_code, result.error_message), None);
    }
    match result.matching_acls.into_iter().next() {
        Some(rule) => answer_of(rule.error_code, rule.error_message, None),
        None => answer_of(codes::RESOURCE_NOT_FOUND, Some(StrBytes::from_static_str(NOT_THERE)), None),
    }
}

const NOT_THERE: &str = "there is no such rule";

fn not_there(id: &str) -> Error {
    codes::error(codes::RESOURCE_NOT_FOUND, Some(NOT_THERE), &format!("delete access rule {id}"))
}

fn said(code: i16, message: Option<StrBytes>) -> Option<StrBytes> {
    match code {
        codes::SECURITY_DISABLED => Some(StrBytes::from_static_str(NO_AUTHORIZER)),
        codes::CLUSTER_AUTHORIZATION_FAILED => Some(StrBytes::from_static_str(RIGHT)),
        _ => message,
    }
}

fn creation(binding: &Binding) -> AclCreation {
    AclCreation::default()
        .with_resource_type(binding.resource_type)
        .with_resource_name(text(&binding.resource_name))
        .with_resource_pattern_type(binding.pattern_type)
        .with_principal(text(&binding.principal))
        .with_host(text(&binding.host))
        .with_operation(binding.operation)
        .with_permission_type(binding.permission)
}

fn filter(binding: &Binding) -> DeleteAclsFilter {
    DeleteAclsFilter::default()
        .with_resource_type_filter(binding.resource_type)
        .with_resource_name_filter(Some(text(&binding.resource_name)))
        .with_pattern_type_filter(binding.pattern_type)
        .with_principal_filter(Some(text(&binding.principal)))
        .with_host_filter(Some(text(&binding.host)))
        .with_operation(binding.operation)
        .with_permission_type(binding.permission)
}

#[cfg(test)]
mod tests {
    use headgate_sdk::ResourceKey;

    use super::*;

    const ID: &str = "User:alice|topic|literal|orders|read|allow|*";

    fn refusal(id: &str, action: Action) -> String {
        let key = ResourceKey { metadata_type: "acl".to_owned(), id: id.to_owned(), place: Place::Cluster };
        let write = Write { key, action, revision: None, incarnation: None, extra: None };
        wish(&write).map(|_| ()).unwrap_err().message
    }

    #[test]
    fn what_the_name_does_not_say_is_never_sent() {
        let spec = |text: &str| Action::Create(text.to_owned());
        assert_eq!(
            refusal(ID, spec(r#"{"operation": "write"}"#)),
            format!("operation of {ID} is not what the name says")
        );
        let newer = "User:alice|unknown(17)|literal|orders|read|allow|*";
        assert!(refusal(newer, Action::Delete).contains("newer Kafka"));
        assert!(refusal("alice", Action::Delete).contains("is no access rule's name"));
        assert!(refusal(ID, Action::Replace("{}".to_owned())).contains("never edited"));
    }

    #[test]
    fn a_filter_that_finds_nothing_is_not_found() {
        let chunk = [Open { index: 3, id: ID, binding: Binding::parse(ID).unwrap(), wish: Wish::Delete }];
        let none = || deleted(DeleteAclsFilterResult::default());
        assert_eq!(by_id(&chunk, &[3], vec![none()]).len(), 1);
        assert!(by_id(&chunk, &[3], vec![none(), none()]).is_empty(), "nobody knows which is whose");
        assert_eq!(not_there(ID).kind, headgate_sdk::ErrorKind::NotFound);
    }
}
