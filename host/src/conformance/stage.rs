//! What a check works on: the plugin, the cluster where there is one, and the tape of this check.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::checks::{Check, Needs};
use super::report::{Finding, Verdict};
use super::wish::{self, Wish};
use super::{Backend, Given, Way, form};
use crate::domain::address::AddressMap;
use crate::domain::cluster::{Cluster, Discovery, Reach};
use crate::domain::contract::MetadataType;
use crate::domain::id::{ClusterId, DEFAULT_ORGANIZATION, OrganizationId};
use crate::domain::policy::Authority;
use crate::plugins::alone::{Facts, Terms, Version};
use crate::plugins::driver::{CallError, Driver, Kind, Secrets};
use crate::plugins::tape::{Recorder, Tape};
use crate::plugins::usage::Usage;

/// Of the cluster that was given, in what plugins are told and what a tape takes up.
const BACKEND: &str = "conformance";

pub(super) struct Subject<'a> {
    pub(super) version: &'a Version,
    pub(super) facts: &'a Facts,
    pub(super) wishes: Vec<Wish>,
    pub(super) usage: Arc<Usage>,
    pub(super) recorder: Option<Arc<Recorder>>,
    pub(super) began_at_ms: u64,
    backend: Option<Backend>,
}

impl<'a> Subject<'a> {
    pub(super) fn new(version: &'a Version, facts: &'a Facts, given: Given, began_at_ms: u64) -> Self {
        let records = given.backend.as_ref().is_some_and(|backend| matches!(backend.way, Way::Record));
        let wishes = match given.wishes.is_empty() {
            true => wish::of_examples(&facts.types),
            false => given.wishes,
        };
        Self {
            version,
            facts,
            wishes,
            usage: Arc::default(),
            recorder: records.then(Arc::default),
            began_at_ms,
            backend: given.backend,
        }
    }

    pub(super) fn connection(&self) -> Option<&Value> {
        self.backend.as_ref().map(|backend| &backend.connection)
    }

    /// Why this check cannot be made.
    pub(super) fn lacks(&self, check: &Check) -> Option<String> {
        match (check.needs, &self.backend) {
            (Needs::Driver | Needs::Backend, _) if !self.has("storage-driver") => {
                Some("the plugin has no `storage-driver`".to_owned())
            }
            (Needs::Backend, None) => Some(
                "it needs a cluster: give --connection, or --cassette with a recording of one".to_owned(),
            ),
            (Needs::Backend, Some(Backend { way: Way::Play(cassette), .. }))
                if !cassette.holds(&check.full_name()) =>
            {
                Some("the cassette has no recording of it: record again with --record".to_owned())
            }
            (Needs::Nothing | Needs::Driver | Needs::Backend, _) => None,
        }
    }

    pub(super) fn has(&self, interface: &str) -> bool {
        let name = format!("headgate:plugin/{interface}@");
        self.facts.exports.iter().any(|export| export.starts_with(&name))
    }

    fn tape(&self, check: &Check) -> Tape {
        let (name, cluster) = (check.full_name(), ClusterId(BACKEND.to_owned()));
        match (&self.recorder, self.backend.as_ref().map(|backend| &backend.way)) {
            _ if check.needs != Needs::Backend => Tape::default(),
            (Some(recorder), _) => Tape::recording(recorder, &name, &cluster, self.began_at_ms),
            (None, Some(Way::Play(cassette))) => Tape::playing(cassette, &name, &cluster),
            (None, Some(Way::Live | Way::Record) | None) => Tape::default(),
        }
    }
}

/// One check.
pub(super) struct Stage<'a> {
    pub(super) subject: &'a Subject<'a>,
    pub(super) tape: Tape,
    plays: bool,
}

/// A session with the cluster that was given, which answered.
pub(super) struct Opened {
    pub(super) kind: Arc<dyn Kind>,
    pub(super) driver: Arc<dyn Driver>,
    pub(super) discovery: Discovery,
    pub(super) types: Vec<MetadataType>,
}

impl<'a> Stage<'a> {
    pub(super) fn new(subject: &'a Subject<'a>, check: &Check) -> Self {
        let plays = subject.backend.as_ref().is_some_and(|backend| matches!(backend.way, Way::Play(_)));
        Self { subject, tape: subject.tape(check), plays }
    }

    /// Not where a tape is played: what is read was read before.
    pub(super) async fn wait(&self, time: Duration) {
        if !self.plays {
            tokio::time::sleep(time).await;
        }
    }

    pub(super) fn terms(&self) -> Terms {
        Terms {
            usage: Some(Arc::clone(&self.subject.usage)),
            tape: self.tape.clone(),
            ..Terms::of_author(self.subject.version.description())
        }
    }

    pub(super) fn kind(&self) -> Arc<dyn Kind> {
        self.subject.version.kind(self.terms())
    }

    /// The cluster that was given, under its own name.
    pub(super) fn backend(&self) -> (Cluster, Secrets) {
        match &self.subject.backend {
            Some(Backend { connection, secrets, .. }) => {
                (self.cluster(BACKEND, connection.clone()), secrets.clone())
            }
            None => (self.cluster(BACKEND, json!({})), Secrets::default()),
        }
    }

    pub(super) fn cluster(&self, name: &str, connection: Value) -> Cluster {
        Cluster {
            id: ClusterId(name.to_owned()),
            organization: OrganizationId(DEFAULT_ORGANIZATION.to_owned()),
            name: name.to_owned(),
            kind: self.subject.version.description().kind.clone(),
            connection,
            addresses: AddressMap::default(),
            named_nodes: Vec::new(),
            credential_revision: 1,
            authority: Authority::Manage,
            paused: false,
            identity: None,
            backend_version: None,
            facts: Value::Null,
            discovered_at_ms: None,
            reach: Reach::New,
            created_at_ms: 0,
            updated_at_ms: 0,
            version: 1,
        }
    }

    /// A form that leads to an address of ours, with secrets that open nothing.
    pub(super) fn aimed(&self, address: &str) -> Result<(Value, Secrets), Verdict> {
        let description = self.subject.version.description();
        let given = self.subject.backend.as_ref();
        let connection = form::aimed(description, given.map(|backend| &backend.connection), address)
            .map_err(Verdict::skipped)?;
        let secrets = match given.filter(|backend| !backend.secrets.0.is_empty()) {
            // Never the true ones: who listens there is not who they are for.
            Some(backend) => strangers(backend.secrets.0.keys()),
            None => strangers(form::secret_fields(&description.connection).iter()),
        };
        Ok((connection, secrets))
    }

    pub(super) async fn open(&self) -> Result<Opened, Verdict> {
        let kind = self.kind();
        let (cluster, secrets) = self.backend();
        let driver = kind.driver(&cluster, secrets).await.map_err(|error| unanswered("open", &error))?;
        let discovery = driver.discover().await.map_err(|error| unanswered("discover", &error))?;
        let types = kind.types(Some(&discovery.facts)).await;
        let types = types.map_err(|error| unanswered("list-types", &error))?;
        Ok(Opened { kind, driver, discovery, types })
    }
}

fn strangers<'a>(names: impl Iterator<Item = &'a String>) -> Secrets {
    let secret = |name: &String| (name.clone(), crate::plugins::tape::stand_in(name, 16));
    Secrets(Arc::new(names.map(secret).collect()))
}

/// A call that should have had an answer.
pub(super) fn unanswered(call: &str, error: &CallError) -> Verdict {
    Verdict::failed(Finding::new(format!("an answer of `{call}`"), error.to_string(), advice(error)))
}

pub(super) fn advice(error: &CallError) -> &'static str {
    match error {
        CallError::Backend(_) => "is the cluster up, and is it the one that the connection names?",
        CallError::Plugin { .. } => {
            "the plugin's log lines say more: HEADGATE_LOG=debug; errors go into the answer, they do not end the plugin"
        }
        CallError::Busy { .. } | CallError::Refused(_) => "correct what it names",
    }
}
