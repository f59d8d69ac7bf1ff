//! What operators decide of grants: kept before it is in force, followed from other hosts, and given to what serves.

use std::time::Instant;

use serde_json::json;

use super::life::{Attempt, Verdict, Waiting};
use super::{GRANTS_FILE, Watch, Watched};
use crate::domain::contract::Grant;
use crate::domain::grant::{Given, GrantChange, GrantDecision, Standing, list_words};
use crate::domain::plugin::Origin;
use crate::domain::record::By;
use crate::plugins::driver::PluginChangeError;
use crate::plugins::ledger::Told;
use crate::plugins::serving::Serving;

/// The version that a decision is about.
struct Subject {
    kind: String,
    digest: String,
    version: String,
    asked: Vec<Grant>,
    /// It does not serve yet.
    waits: bool,
}

/// With what was given and what is.
pub(super) fn told(kind: &str, before: &Given, after: &Given, by: &By) -> Told {
    Told {
        kind: "plugin.granted",
        subject: kind.to_owned(),
        before: Some(json!({"given": before})),
        data: json!({"given": after}),
        by: by.clone(),
    }
}

impl Watch {
    /// Decisions of other hosts on the same database, too.
    pub(super) async fn follow_decisions(&mut self) {
        let is_due = self.grants.decided_at.is_none_or(|at| at.elapsed() >= self.pace.rescan);
        // Built-in plugins are not decided on.
        if self.directory.is_none() || !is_due {
            return;
        }
        self.grants.decided_at = Some(Instant::now());
        let decided = match self.ledger.decisions().await {
            Ok(decided) => decided,
            // What was decided before holds; where nothing was ever read, nothing is given.
            Err(error) => return tracing::error!(error, "what was decided of grants could not be read"),
        };
        let decided = Some(decided.into_iter().map(|one| (one.kind.clone(), one)).collect());
        if self.grants.decided == decided {
            return;
        }
        self.grants.decided = decided;
        // Deliberately not told: whoever decided it told it.
        self.give_anew();
        self.retry_ungranted(None);
        self.publish();
    }

    /// Those whose grants changed, with what they had and have.
    pub(super) fn give_anew(&mut self) -> Vec<(String, Given, Given)> {
        let mut changed = Vec::new();
        for (kind, slot) in &mut self.slots {
            let Some(serving) = slot.current.as_ref().filter(|_| slot.origin != Origin::Builtin) else {
                continue;
            };
            let given = self.grants.standing(kind).given(&serving.candidate.description.grants);
            if serving.given == given {
                continue;
            }
            let candidate = serving.candidate.clone();
            let made = self.loader.make(&candidate, given.clone(), slot.places.clone());
            let (file, since_ms, trial) = (serving.file.clone(), serving.since_ms, serving.trial);
            let signed = serving.signed.clone();
            changed.push((kind.clone(), serving.given.clone(), given.clone()));
            slot.replace(Some(Serving { candidate, made, given, file, signed, since_ms, trial }));
        }
        self.publish();
        for (kind, ..) in &changed {
            tracing::info!(kind, "the plugin has other grants");
            self.shared.tell_changed(kind);
        }
        changed
    }

    /// Files that wait for a decision are judged again: all, or those of one kind.
    pub(super) fn retry_ungranted(&mut self, kind: Option<&str>) {
        let now_ms = self.now_ms();
        for (file, Watched { mut life, kind: own }) in std::mem::take(&mut self.files) {
            if life.waiting().is_some() && (kind.is_none() || own.as_deref() == kind) {
                life = life.again(now_ms);
            }
            self.files.insert(file, Watched { life, kind: own });
        }
    }

    /// A version that could serve, and asks for more than was decided: the one before serves on.
    pub(super) async fn wait(&mut self, name: &str, attempt: Attempt, kind: &str, waiting: Waiting) {
        let Waiting { digest, version, more, .. } = &waiting;
        let asks = list_words(more);
        tracing::warn!(
            kind,
            version,
            digest,
            file = name,
            "the plugin waits for a grant: it asks for {asks}; `headgate plugin grant {kind}` decides"
        );
        let data = json!({"version": version, "digest": digest, "file": name, "asks": more});
        self.decide(name, attempt, Verdict::Waiting(waiting));
        self.publish();
        self.tell("plugin.waiting", kind, data, &By::host()).await;
    }

    pub(super) async fn grant(
        &mut self,
        name: &str,
        change: &GrantChange,
        by: &By,
    ) -> Result<(), PluginChangeError> {
        let (decision, told) = self.decided(name, change, by)?;
        let kind = decision.kind.clone();
        match self.ledger.decide(&decision, &told).await {
            Ok(true) => {}
            Ok(false) => {
                // The next look reads what the other one decided.
                self.grants.decided_at = None;
                return Err(PluginChangeError::Changed(kind));
            }
            Err(error) => return Err(PluginChangeError::NotKept(error)),
        }
        tracing::info!(kind, actor = by.actor, digest = decision.digest, "grants decided");
        if let Some(decided) = &mut self.grants.decided {
            decided.insert(kind.clone(), decision);
        }
        self.give_anew();
        self.retry_ungranted(Some(&kind));
        self.publish();
        Ok(())
    }

    /// What the operator's words mean now, and nothing is done yet.
    fn decided(
        &self,
        name: &str,
        change: &GrantChange,
        by: &By,
    ) -> Result<(GrantDecision, Told), PluginChangeError> {
        // What is taken back is taken from what serves, and lets nobody in.
        let subject = match (change.revoke, self.waiting(name)) {
            (true, waiting) => self.serving(name)?.or(waiting),
            (false, Some(waiting)) => Some(waiting),
            (false, None) => self.serving(name)?,
        };
        let Some(Subject { kind, digest, version, asked, waits }) = subject else {
            return Err(self.nothing_to_decide(name));
        };
        if change.digest.as_ref().is_some_and(|known| *known != digest) {
            return Err(PluginChangeError::Changed(kind));
        }
        let standing = self.grants.standing(&kind);
        let (before, known) = match standing {
            Standing::File(_) => {
                let why = format!(
                    "the grants of `{kind}` stand in `{GRANTS_FILE}` of the plugin directory, which wins: change them there"
                );
                return Err(PluginChangeError::Refused(why));
            }
            Standing::Unknown => {
                let why = "what was decided before cannot be read; see the host's log".to_owned();
                return Err(PluginChangeError::NotKept(why));
            }
            Standing::Decided(decision) => (decision.given.clone(), Some(decision)),
            Standing::Undecided => (standing.given(&asked), None),
        };
        let given = change
            .decide(&asked, &before)
            .map_err(|error| PluginChangeError::Invalid(format!("plugin `{kind}`: {error}")))?;
        let revision = known.map_or(1, |known| known.revision + 1);
        let asked = match change.revoke {
            true => seen_before(known, if waits { Vec::new() } else { asked }),
            false => asked,
        };
        let (by_name, at_ms) = (by.actor.clone(), self.loader.clock.now_ms());
        let told = told(&kind, &before, &given, by);
        let decision = GrantDecision { kind, revision, given, asked, digest, version, by: by_name, at_ms };
        let before = match known {
            Some(known) => serde_json::to_value(known).ok(),
            // What holds where nobody decided anything.
            None => Some(json!({"given": before, "by": null})),
        };
        let data = serde_json::to_value(&decision).unwrap_or_default();
        Ok((decision, Told { before, data, ..told }))
    }

    fn waiting(&self, name: &str) -> Option<Subject> {
        self.files.iter().find_map(|(file, watched)| {
            let kind = watched.kind.as_deref()?;
            let waiting = watched.life.waiting().filter(|_| file == name || kind == name)?;
            let Waiting { digest, version, asked, .. } = waiting.clone();
            Some(Subject { kind: kind.to_owned(), digest, version, asked, waits: true })
        })
    }

    fn serving(&self, name: &str) -> Result<Option<Subject>, PluginChangeError> {
        let slot = self.slots.iter().find(|(kind, slot)| *kind == name || slot.file() == Some(name));
        let Some((kind, slot)) = slot else { return Ok(None) };
        if slot.origin == Origin::Builtin {
            let why =
                "is built in: it reaches the addresses of each cluster's connection, and needs no grant";
            return Err(PluginChangeError::Refused(format!("plugin `{name}` {why}")));
        }
        Ok(slot.current.as_ref().map(|serving| Subject {
            kind: kind.clone(),
            digest: serving.candidate.digest.clone(),
            version: serving.candidate.description.version.clone(),
            asked: serving.candidate.description.grants.clone(),
            waits: false,
        }))
    }

    fn nothing_to_decide(&self, name: &str) -> PluginChangeError {
        let is_file = self.files.iter().any(|(file, one)| file == name || one.kind.as_deref() == Some(name));
        if !is_file && !self.slots.contains_key(name) {
            return PluginChangeError::NotFound(name.to_owned());
        }
        let why = "has no version that asks for anything now: see `headgate plugin show`";
        PluginChangeError::Refused(format!("plugin `{name}` {why}"))
    }
}

/// What is taken back was seen: it is not asked again.
fn seen_before(known: Option<&GrantDecision>, asked: Vec<Grant>) -> Vec<Grant> {
    let mut seen = known.map(|known| known.asked.clone()).unwrap_or_default();
    seen.extend(asked.into_iter().filter(|grant| !seen.contains(grant)).collect::<Vec<_>>());
    seen
}
