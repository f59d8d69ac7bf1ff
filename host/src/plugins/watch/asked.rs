//! What an operator asks for: disable, enable, roll back; and what a deleted file asks for.

use serde_json::json;

use super::life::Verdict;
use super::{Asked, Watch, Watched};
use crate::domain::plugin::Stopped;
use crate::domain::record::By;
use crate::plugins::driver::{PluginChange, PluginChangeError};
use crate::plugins::refusal::{Refusal, Stage};
use crate::plugins::serving::Serving;

impl Watch {
    pub(super) async fn answer(&mut self, asked: Asked) {
        let Asked { name, change, by, reply } = asked;
        let done = match change {
            PluginChange::Disable => self.disable(&name, &by).await,
            PluginChange::Enable { downgrade } => self.enable(&name, downgrade, &by).await,
            PluginChange::RollBack => self.roll_back(&name, "it was asked for", &by).await,
            PluginChange::Grant(change) => self.grant(&name, &change, &by).await,
        };
        // Who asked may have left.
        reply.send(done).unwrap_or_default();
    }

    async fn disable(&mut self, kind: &str, by: &By) -> Result<(), PluginChangeError> {
        let at_ms = self.loader.clock.now_ms();
        let slot = self.slots.get_mut(kind).ok_or_else(|| PluginChangeError::NotFound(kind.to_owned()))?;
        if slot.record.disabled.is_some() {
            return Ok(());
        }
        slot.record.disabled = Some(Stopped { by: by.actor.clone(), at_ms });
        self.publish();
        tracing::warn!(kind, actor = by.actor, "plugin disabled");
        self.save(kind, "plugin.disabled", json!({}), by).await;
        self.shared.tell_changed(kind);
        Ok(())
    }

    async fn enable(&mut self, name: &str, downgrade: bool, by: &By) -> Result<(), PluginChangeError> {
        if !self.slots.contains_key(name) && !self.files.contains_key(name) {
            return Err(PluginChangeError::NotFound(name.to_owned()));
        }
        let now_ms = self.now_ms();
        let mut digests = Vec::new();
        for (file, watched) in std::mem::take(&mut self.files) {
            let Watched { mut life, kind } = watched;
            if file == name || kind.as_deref() == Some(name) {
                if let Some(Verdict::Refused { digest: Some(digest), .. }) = life.verdict() {
                    digests.push(digest.clone());
                }
                life = life.again(now_ms);
            }
            self.files.insert(file, Watched { life, kind });
        }
        if let Some(slot) = self.slots.get_mut(name) {
            slot.record.disabled = None;
            slot.record.taken_back.retain(|known| !digests.contains(&known.digest));
            if downgrade {
                slot.downgrades.extend(digests);
            }
            if let Some(serving) = &slot.current {
                serving.made.health.release();
            }
            self.save(name, "plugin.enabled", json!({"downgrade": downgrade}), by).await;
        }
        self.publish();
        self.shared.tell_changed(name);
        Ok(())
    }

    /// The version before serves again; what is asked of the one that goes ends there.
    pub(super) async fn roll_back(
        &mut self,
        kind: &str,
        reason: &str,
        by: &By,
    ) -> Result<(), PluginChangeError> {
        let refused = |why: String| PluginChangeError::Refused(format!("plugin `{kind}` {why}"));
        let slot = self.slots.get(kind).ok_or_else(|| PluginChangeError::NotFound(kind.to_owned()))?;
        let Some(serving) = &slot.current else {
            return Err(refused("does not serve: put its file back".to_owned()));
        };
        let (digest, version, file) = (
            serving.candidate.digest.clone(),
            serving.candidate.description.version.clone(),
            serving.file.clone(),
        );
        let (given, places) = (serving.given.clone(), slot.places.clone());
        let earlier = slot.record.versions.get(1).cloned();
        let earlier = earlier.ok_or_else(|| refused("has no earlier version to go back to".to_owned()))?;
        let candidate =
            self.archived(kind, &earlier).await.map_err(|why| refused(format!("cannot go back: {why}")))?;
        let (at_ms, made) = (self.loader.clock.now_ms(), self.loader.make(&candidate, given.clone(), places));
        let Some(slot) = self.slots.get_mut(kind) else { return Ok(()) };
        slot.record.take_back(reason, &by.actor, at_ms);
        slot.replace(Some(Serving {
            candidate,
            made,
            given,
            file: file.clone(),
            signed: earlier.signature.clone(),
            since_ms: at_ms,
            trial: None,
        }));
        let refusal = Refusal::new(
            file.as_deref().unwrap_or(kind),
            Stage::Serve,
            format!("a version that is no worse than {}", earlier.version),
            format!("version {version}, taken back by {}: {reason}", by.actor),
            format!(
                "put a corrected file in its place; `headgate plugin enable {kind}` tries this one again"
            ),
        );
        tracing::error!(
            kind,
            from = version,
            to = earlier.version,
            reason,
            actor = by.actor,
            "plugin rolled back"
        );
        for (name, Watched { life, kind }) in std::mem::take(&mut self.files) {
            let life = life.take_back(&digest, refusal.clone());
            self.files.insert(name, Watched { life, kind });
        }
        self.publish();
        let data = json!({"from": version, "to": earlier.version, "digest": digest, "reason": reason});
        self.save(kind, "plugin.rolled-back", data, by).await;
        self.met = None;
        self.shared.tell_changed(kind);
        Ok(())
    }

    /// The file is gone for good. Its kind serves nobody new; what runs ends.
    pub(super) async fn remove(&mut self, name: &str) {
        self.files.remove(name);
        let served = self.slots.iter().find(|(_, slot)| slot.file() == Some(name));
        let Some(kind) = served.map(|(kind, _)| kind.clone()) else { return self.publish() };
        if let Some(slot) = self.slots.get_mut(&kind) {
            slot.replace(None);
            slot.gone = Some(name.to_owned());
        }
        self.retry_waiting(&kind);
        self.publish();
        tracing::warn!(kind, file = name, "the plugin's file is gone: its kind is not served any more");
        self.tell("plugin.removed", &kind, json!({"file": name}), &By::host()).await;
        self.met = None;
        self.shared.tell_changed(&kind);
    }

    /// Another file may wait for the kind: the one that had it is not there.
    pub(super) fn retry_waiting(&mut self, kind: &str) {
        let now_ms = self.now_ms();
        for (file, Watched { mut life, kind: own }) in std::mem::take(&mut self.files) {
            let waits = matches!(
                life.verdict(),
                Some(Verdict::Refused { refusal, .. }) if refusal.stage == Stage::Activate
            );
            if waits && own.as_deref() == Some(kind) {
                life = life.again(now_ms);
            }
            self.files.insert(file, Watched { life, kind: own });
        }
    }
}
