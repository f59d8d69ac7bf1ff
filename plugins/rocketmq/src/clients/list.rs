//! Who is connected, asked of all masters, and of a slave where there is no master: one question names all producers of a
//! broker; consumers are asked for by their group, all groups of a broker in flight together.

use std::collections::BTreeMap;

use headgate_sdk::framed::Lost;
use headgate_sdk::json::Value;
use headgate_sdk::{Error, Lookup, Page, Place, Query, Resource, ResourceKey, Result, call, log};

use super::merge::{Gaps, Merged};
use crate::cluster::Servers;
use crate::copies::{GROUP_CONFIG, Names, dumps};
use crate::known::Known;
use crate::types::CLIENT;
use crate::wire::{Answer, Request, codes};

/// Questions of a round: some 50 milliseconds of a broker's time.
const QUESTIONS_AT_ONCE: usize = 1_000;

/// Left of a call's time for another round.
const ROUND_TIME_MS: u64 = 12_000;

/// The listing that is being paged through.
#[derive(Default)]
pub(crate) struct Sweep {
    resources: BTreeMap<String, Resource>,
    known: Known,
}

/// What all masters told, and why where one did not.
#[derive(Default)]
struct Told {
    clients: Merged,
    silent: BTreeMap<String, Error>,
}

impl Sweep {
    pub(crate) fn page(&mut self, servers: &mut Servers, query: &Query, limit: usize) -> Result<Page> {
        if query.place != Place::Cluster {
            return Err(Error::invalid_argument("clients live on the cluster, not on a broker"));
        }
        let mut failures = Vec::new();
        if query.cursor.is_none() || self.resources.is_empty() {
            let told = ask(servers)?;
            failures = self.known.failures(CLIENT, told.clients.seen(), &told.silent);
            self.resources = told.clients.resources(None);
        }
        if let Some(cursor) = &query.cursor {
            self.resources = self.resources.split_off(cursor);
            self.resources.remove(cursor);
        }
        let resources: Vec<Resource> = self.resources.values().take(limit).cloned().collect();
        let more = self.resources.len() > limit;
        let next = resources.last().filter(|_| more).map(|last| last.key.id.clone());
        if next.is_none() {
            self.resources.clear();
        }
        Ok(Page { resources, failures, next, version: None, extra: None })
    }
}

/// No question names a single client, so everybody is asked for.
pub(crate) fn get(servers: &mut Servers, keys: &[&ResourceKey]) -> Result<Vec<Lookup>> {
    let told = ask(servers)?;
    let silent: Vec<String> = told.silent.keys().cloned().collect();
    let found = told.clients.resources(Some(&Gaps { silent, slaves: servers.members.stand_ins() }));
    let look_up = |key: &&ResourceKey| match (found.get(&key.id), told.silent.values().next()) {
        _ if key.place != Place::Cluster => Lookup::Absent,
        (Some(client), _) => Lookup::Found(client.clone()),
        (None, Some(error)) => Lookup::Failed(error.clone()),
        (None, None) => Lookup::Absent,
    };
    Ok(keys.iter().map(look_up).collect())
}

fn ask(servers: &mut Servers) -> Result<Told> {
    servers.refresh()?;
    let mut told = Told::default();
    let mut masters = Vec::new();
    for (broker, master) in servers.members.readers() {
        match master {
            Ok(address) => masters.push((broker, address)),
            Err(error) => drop(told.silent.insert(broker, error)),
        }
    }
    let mut questions = Vec::new();
    let addresses: Vec<String> = masters.iter().map(|(_, address)| address.clone()).collect();
    let dumps = dumps(servers, &GROUP_CONFIG, &addresses, &Names);
    for ((broker, address), dump) in masters.into_iter().zip(dumps) {
        match dump {
            Ok(dump) => {
                questions.push((broker.clone(), address.clone(), None));
                let groups = dump.objects.into_keys();
                questions.extend(groups.map(|group| (broker.clone(), address.clone(), Some(group))));
            }
            Err(error) => drop(told.silent.insert(broker, error)),
        }
    }
    // Round by round: with the brokers' questions mixed, all of them are at work all the time.
    questions.sort_by(|(a, _, one), (b, _, other)| (one, a).cmp(&(other, b)));
    for round in questions.chunks(QUESTIONS_AT_ONCE) {
        // Who was silent once is silent for the rest: each round would cost its time-out again.
        let round: Vec<&Question> =
            round.iter().filter(|(broker, ..)| !told.silent.contains_key(broker)).collect();
        ask_round(servers, &round, &mut told);
    }
    Ok(told)
}

/// Broker, its master's address, and the group of consumers; none asks for all producers.
type Question = (String, String, Option<String>);

fn ask_round(servers: &mut Servers, round: &[&Question], told: &mut Told) {
    if call::remaining_ms() < ROUND_TIME_MS {
        let message = "it has more consumer groups than can be asked for their members in the time of a call";
        let error = Error::new(headgate_sdk::ErrorKind::Timeout, message).code("NOT_ASKED");
        for (broker, ..) in round {
            told.silent.entry(broker.clone()).or_insert_with(|| error.clone().during(broker));
        }
        return;
    }
    let request = |group: &Option<String>| match group {
        Some(group) => Request::new(codes::CONSUMER_CONNECTIONS).field("consumerGroup", group),
        None => Request::new(codes::ALL_PRODUCERS),
    };
    let asked: Vec<(String, Request)> =
        round.iter().map(|(_, address, group)| (address.clone(), request(group))).collect();
    for ((broker, _, group), answer) in round.iter().zip(servers.read_each(&asked)) {
        match read(group.as_deref(), answer) {
            Ok(None) => {}
            Ok(Some(answer)) => match group {
                Some(group) => told.clients.consumers(broker, group, &answer),
                None => told.clients.producers(broker, &answer),
            },
            Err(error) => drop(told.silent.entry(broker.clone()).or_insert(error)),
        }
    }
}

/// None where nobody is connected, or the broker is too old to say.
fn read(group: Option<&str>, answer: Result<Answer, Lost>) -> Result<Option<Value>> {
    let answer = answer?;
    match (group, answer.code) {
        (Some(_), codes::CONSUMER_NOT_ONLINE) => return Ok(None),
        (None, codes::NOT_SUPPORTED) => {
            log::debug("a broker is too old to name its producers", &[]);
            return Ok(None);
        }
        _ => {}
    }
    let what = match group {
        Some(group) => format!("ask for the members of {group}"),
        None => "ask for the producers".to_owned(),
    };
    answer.checked(&what)?.json(&what).map(Some)
}

#[cfg(test)]
mod tests {
    use headgate_sdk::json::json;

    use super::*;

    #[test]
    fn nobody_is_an_answer() {
        let answer = |code| Ok(Answer { code, body: b"{}".to_vec(), ..Answer::default() });
        assert_eq!(read(Some("pay"), answer(codes::CONSUMER_NOT_ONLINE)), Ok(None));
        assert_eq!(read(None, answer(codes::NOT_SUPPORTED)), Ok(None));
        assert_eq!(read(None, answer(0)), Ok(Some(json!({}))));
        assert!(read(Some("pay"), answer(1)).is_err());
    }
}
