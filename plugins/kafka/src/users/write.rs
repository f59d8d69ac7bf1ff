//! Writes of users: one credential of each in a request, for Kafka takes no two of a user at once, and an outcome for each.
//!
//! Invariant: a password never comes by here. The host salts it and puts the outcome into the request on its way out.

use std::collections::BTreeSet;

use bytes::Bytes;
use headgate_sdk::{Error, Outcome, Result, Write, call, secrets};
use kafka_protocol::messages::alter_user_scram_credentials_request::{
    ScramCredentialDeletion, ScramCredentialUpsertion,
};
use kafka_protocol::messages::alter_user_scram_credentials_response::AlterUserScramCredentialsResult;
use kafka_protocol::messages::{AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse};
use kafka_protocol::protocol::StrBytes;

use super::list::kept;
use super::wish::{Alteration, alterations};
use crate::batch::{Batch, WRITE_TIMEOUT_MS, answer_of, put, written};
use crate::cluster::{Brokers, text};
use crate::wire::codes;
use crate::wire::spliced::Stand;

/// Salting takes up to twenty milliseconds each: so many leave most of a call's time to the cluster.
const USERS_PER_REQUEST_MAX: usize = 200;

/// As long as the shorter hash.
const SALT_BYTES: u32 = 32;

/// A changed user is seen by all brokers within this.
const LAG_MS: u64 = 2_000;

const RIGHT: &str = "give the login `alter` on the cluster";
const TOO_OLD: &str = "KRaft keeps users from `metadata.version` 3.5 on: raise it with kafka-features first";
const TWICE: &str = "one credential of a user is written at a time: apply again";
const NO_MECHANISM: &str = "this cluster does not know the mechanism: try the other";

/// A user at its place among the writes, with what is to be done one after the other.
struct Open<'a> {
    index: usize,
    id: &'a str,
    alterations: Vec<Alteration>,
}

/// One credential, ready to be sent.
struct Sealed<'a> {
    index: usize,
    id: &'a str,
    entry: Entry,
}

enum Entry {
    Deletion(ScramCredentialDeletion),
    Upsertion(ScramCredentialUpsertion, Stand),
}

pub(crate) fn write(brokers: &mut Brokers, writes: &[&Write], dry_run: bool) -> Vec<Outcome> {
    let names = writes.iter().map(|write| write.key.id.as_str()).collect();
    let kept = match kept(brokers, Some(names)) {
        Ok(Some(kept)) => kept,
        Ok(None) => return writes.iter().map(|_| Outcome::Failed(too_old())).collect(),
        Err(error) => return writes.iter().map(|_| Outcome::Failed(error.clone())).collect(),
    };
    let login = brokers.scram_login().map(str::to_owned);
    let mut outcomes: Vec<Option<Outcome>> = writes.iter().map(|_| None).collect();
    let (mut open, mut seen) = (Vec::new(), BTreeSet::new());
    for (index, write) in writes.iter().enumerate() {
        let id = write.key.id.as_str();
        let wished = if seen.insert(id) {
            alterations(write, &kept, login.as_deref())
        } else {
            Err(Error::conflict(format_args!("user {id} is written twice: {TWICE}"))
                .code("DUPLICATE_RESOURCE"))
        };
        match wished {
            Ok(alterations) if alterations.is_empty() => {
                put(&mut outcomes, index, Outcome::Done(written(None)));
            }
            Ok(alterations) => open.push(Open { index, id, alterations }),
            Err(error) => put(&mut outcomes, index, Outcome::Failed(error)),
        }
    }
    if dry_run {
        open.iter().for_each(|one| put(&mut outcomes, one.index, tried(one)));
    } else {
        open.chunks(USERS_PER_REQUEST_MAX).for_each(|chunk| alter(brokers, chunk, &mut outcomes));
    }
    let missing = || Outcome::Failed(Error::internal("the write was not sent"));
    outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(missing)).collect()
}

fn too_old() -> Error {
    Error::unsupported(
        "the brokers keep no users: that came with Kafka 2.7, and with 3.5 where there is no ZooKeeper",
    )
    .code("TOO_OLD")
}

/// Kafka has no trial of its own: what can be known before is whether the secrets are there.
fn tried(one: &Open<'_>) -> Outcome {
    let secret = |alteration: &Alteration| match alteration {
        Alteration::Set { secret, .. } => secrets::get(secret).map(drop),
        Alteration::Remove(_) => Ok(()),
    };
    match one.alterations.iter().try_for_each(secret) {
        Ok(()) => Outcome::Done(written(None)),
        Err(error) => Outcome::Failed(error),
    }
}

fn alter(brokers: &mut Brokers, chunk: &[Open<'_>], outcomes: &mut [Option<Outcome>]) {
    let rounds = chunk.iter().map(|one| one.alterations.len()).max().unwrap_or_default();
    (0..rounds).for_each(|round| alter_once(brokers, chunk, round, outcomes));
}

/// The credential of this round of each user whose earlier ones were taken.
fn alter_once(brokers: &mut Brokers, chunk: &[Open<'_>], round: usize, outcomes: &mut [Option<Outcome>]) {
    let (mut sealed, mut tried) = (Vec::new(), Vec::new());
    for one in chunk {
        let Some(alteration) = one.alterations.get(round) else { continue };
        match outcomes.get(one.index) {
            Some(None | Some(Outcome::Accepted(_))) => tried.push(one.index),
            Some(Some(_)) | None => continue,
        }
        match seal(one.id, alteration) {
            Ok(entry) => sealed.push(Sealed { index: one.index, id: one.id, entry }),
            Err(error) => {
                put(
                    outcomes,
                    one.index,
                    Outcome::Failed(error.during(format_args!("write user {}", one.id))),
                );
            }
        }
    }
    if !sealed.is_empty() {
        send(brokers, &sealed, outcomes);
    }
    if round > 0 {
        for index in tried {
            outcomes.get_mut(index).into_iter().for_each(half_done);
        }
    }
}

/// Some of it was done: who takes it for not done would be wrong, so it is looked at again.
fn half_done(outcome: &mut Option<Outcome>) {
    if let Some(Outcome::Failed(error)) = outcome {
        let message = format!("{}; another of its mechanisms was written before", error.message);
        *outcome = Some(Outcome::Unknown(Error { message, ..error.clone() }));
    }
}

fn seal(id: &str, alteration: &Alteration) -> Result<Entry> {
    match alteration {
        Alteration::Remove(code) => {
            Ok(Entry::Deletion(ScramCredentialDeletion::default().with_name(text(id)).with_mechanism(*code)))
        }
        Alteration::Set { mechanism, iterations, secret } => {
            let salt = call::random_bytes(SALT_BYTES);
            let rounds = u32::try_from(*iterations).unwrap_or_default();
            let salted = secrets::get(secret)?.salted(mechanism.hash, &salt, rounds)?;
            let stand = Stand::of(salted, mechanism.salted_bytes)?;
            let upsertion = ScramCredentialUpsertion::default()
                .with_name(text(id))
                .with_mechanism(mechanism.code)
                .with_iterations(*iterations)
                .with_salt(Bytes::from(salt))
                .with_salted_password(Bytes::from(stand.bytes.clone()));
            Ok(Entry::Upsertion(upsertion, stand))
        }
    }
}

fn send(brokers: &mut Brokers, sealed: &[Sealed<'_>], outcomes: &mut [Option<Outcome>]) {
    let names: Vec<(usize, &str)> = sealed.iter().map(|one| (one.index, one.id)).collect();
    let ask = |brokers: &mut Brokers, chosen: &[usize]| {
        let chosen = sealed.iter().filter(|one| chosen.binary_search(&one.index).is_ok());
        let (request, stands) = request(chosen);
        brokers.once_spliced(&request, &stands, WRITE_TIMEOUT_MS)
    };
    let read = |_: &[usize], response: AlterUserScramCredentialsResponse| {
        let answer = |one: AlterUserScramCredentialsResult| {
            (one.user.to_string(), answer_of(one.error_code, said(one.error_code, one.error_message), None))
        };
        (response.throttle_time_ms, response.results.into_iter().map(answer).collect())
    };
    let batch = Batch { names: &names, what: "write user", lag_ms: LAG_MS, dry_run: false };
    batch.send_by(brokers, ask, read, outcomes);
}

fn request<'a>(
    chosen: impl Iterator<Item = &'a Sealed<'a>>,
) -> (AlterUserScramCredentialsRequest, Vec<&'a Stand>) {
    let (mut deletions, mut upsertions, mut stands) = (Vec::new(), Vec::new(), Vec::new());
    for one in chosen {
        match &one.entry {
            Entry::Deletion(deletion) => deletions.push(deletion.clone()),
            Entry::Upsertion(upsertion, stand) => {
                upsertions.push(upsertion.clone());
                stands.push(stand);
            }
        }
    }
    let request =
        AlterUserScramCredentialsRequest::default().with_deletions(deletions).with_upsertions(upsertions);
    (request, stands)
}

fn said(code: i16, message: Option<StrBytes>) -> Option<StrBytes> {
    match code {
        codes::CLUSTER_AUTHORIZATION_FAILED => Some(StrBytes::from_static_str(RIGHT)),
        codes::UNSUPPORTED_VERSION => Some(StrBytes::from_static_str(TOO_OLD)),
        codes::UNSUPPORTED_SASL_MECHANISM => Some(StrBytes::from_static_str(NO_MECHANISM)),
        codes::DUPLICATE_RESOURCE => Some(StrBytes::from_static_str(TWICE)),
        _ => message,
    }
}
