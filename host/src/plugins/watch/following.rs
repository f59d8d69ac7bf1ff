//! Records that another host keeps: what it counted, stopped and took back holds here, too.

use super::Watch;
use crate::domain::plugin::{PluginRecord, TakenBack};
use crate::domain::record::By;

impl Watch {
    pub(super) async fn follow_records(&mut self) {
        let kept = match self.ledger.records().await {
            Ok(kept) => kept,
            Err(error) => {
                return tracing::warn!(error, "what is remembered of the plugins could not be read");
            }
        };
        let mut taken_back = Vec::new();
        for record in kept {
            taken_back.extend(self.follow_record(record));
        }
        for (kind, TakenBack { reason, by, .. }) in taken_back {
            let by = By { actor: by, request_id: None };
            if let Err(error) = self.roll_back(&kind, &reason, &by).await {
                tracing::warn!(kind, %error, "the active host went back to an earlier version, and this one cannot");
            }
        }
    }

    /// What the other host took back since, where it serves here.
    fn follow_record(&mut self, kept: PluginRecord) -> Option<(String, TakenBack)> {
        let kind = kept.kind.clone();
        let Some(slot) = self.slots.get_mut(&kind) else {
            self.records.insert(kind, kept);
            return None;
        };
        let serving = slot.digest().map(str::to_owned);
        let was_stopped = slot.record.disabled.is_some();
        let known = serving.as_deref().is_some_and(|digest| slot.record.was_taken_back(digest).is_some());
        slot.record.follow(&kept, serving.as_deref());
        if was_stopped != slot.record.disabled.is_some() {
            self.publish();
            self.shared.tell_changed(&kind);
        }
        let out = kept.was_taken_back(serving.as_deref()?).filter(|_| !known)?;
        Some((kind, out.clone()))
    }
}
