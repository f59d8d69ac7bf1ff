//! Users as they are: one answer names all of them, and pages and look-ups are cut from it.

use std::collections::BTreeMap;

use headgate_sdk::{Error, Lookup, Page, Place, Query, ResourceKey, Result};
use kafka_protocol::messages::DescribeUserScramCredentialsRequest;
use kafka_protocol::messages::describe_user_scram_credentials_request::UserName;
use kafka_protocol::messages::describe_user_scram_credentials_response::DescribeUserScramCredentialsResult;

use super::{Credentials, resource};
use crate::cluster::{Brokers, text};
use crate::wire::codes;

const RIGHT: &str = "give the login `describe` on the cluster";

/// What users have, by name.
pub(super) type Kept = BTreeMap<String, Credentials>;

/// The listing that is being paged through.
#[derive(Default)]
pub(crate) struct Sweep {
    found: Kept,
}

impl Sweep {
    pub(crate) fn page(&mut self, brokers: &mut Brokers, query: &Query, limit: usize) -> Result<Page> {
        if query.place != Place::Cluster {
            return Err(Error::invalid_argument("users live on the cluster, not on a node"));
        }
        if query.cursor.is_none() || self.found.is_empty() {
            // A broker from before there was a request for them has none to tell: that is an answer, not a failure.
            self.found = kept(brokers, None)?.unwrap_or_default();
        }
        if let Some(cursor) = &query.cursor {
            self.found = self.found.split_off(cursor);
            self.found.remove(cursor);
        }
        let resources: Vec<_> =
            self.found.iter().take(limit).map(|(name, credentials)| resource(name, credentials)).collect();
        let more = self.found.len() > limit;
        let next = resources.last().filter(|_| more).map(|last| last.key.id.clone());
        if next.is_none() {
            self.found.clear();
        }
        Ok(Page { resources, failures: Vec::new(), next, version: None, extra: None })
    }
}

pub(crate) fn get(brokers: &mut Brokers, keys: &[&ResourceKey]) -> Result<Vec<Lookup>> {
    let names: Vec<&str> = keys.iter().map(|key| key.id.as_str()).collect();
    let found = kept(brokers, Some(names))?.unwrap_or_default();
    let look_up = |key: &&ResourceKey| match found.get(&key.id) {
        Some(credentials) if key.place == Place::Cluster => Lookup::Found(resource(&key.id, credentials)),
        Some(_) | None => Lookup::Absent,
    };
    Ok(keys.iter().map(look_up).collect())
}

/// Of all users, or of these. None where the cluster is too old to tell.
pub(super) fn kept(brokers: &mut Brokers, names: Option<Vec<&str>>) -> Result<Option<Kept>> {
    if !brokers.any_versions()?.knows::<DescribeUserScramCredentialsRequest>(0) {
        return Ok(None);
    }
    // Who is named twice is told nothing of. All are asked for by an empty list: a broker that may not answer the other
    // way to ask for all, no list, fails on it and never answers.
    let mut names = names.unwrap_or_default();
    names.sort_unstable();
    names.dedup();
    let user = |name: &str| UserName::default().with_name(text(name));
    let question = DescribeUserScramCredentialsRequest::default()
        .with_users(Some(names.into_iter().map(user).collect()));
    let answer = brokers.read(&question)?;
    match answer.error_code {
        codes::NONE => answer.results.iter().filter_map(credentials).collect::<Result<_>>().map(Some),
        codes::UNSUPPORTED_VERSION => Ok(None),
        code => {
            let said = codes::or_right(code, answer.error_message.as_deref(), RIGHT);
            Err(codes::error(code, said, "list the users"))
        }
    }
}

/// None for who is not there.
fn credentials(told: &DescribeUserScramCredentialsResult) -> Option<Result<(String, Credentials)>> {
    let name = told.user.to_string();
    match told.error_code {
        codes::NONE => {
            let each = told.credential_infos.iter().map(|info| (info.mechanism, info.iterations));
            Some(Ok((name, each.collect())))
        }
        codes::RESOURCE_NOT_FOUND => None,
        code => {
            let said = codes::or_right(code, told.error_message.as_deref(), RIGHT);
            Some(Err(codes::error(code, said, &format!("read user {name}"))))
        }
    }
}
