//! Ends what is kept for a while: changes of status, events, records, answers to repeated requests.

use std::time::Duration;

use super::Reconciler;
use crate::store::StoreError;

/// Sent again after this, a request with the same key is a new one.
const IDEMPOTENCY_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) async fn keep(reconciler: Reconciler) {
    let mut stopping = reconciler.inner.stopping.subscribe();
    while !reconciler.is_stopping() {
        if let Err(error) = prune(&reconciler).await {
            tracing::error!(%error, "what is too old could not be removed; it is tried again");
        }
        tokio::select! {
            () = tokio::time::sleep(reconciler.inner.settings.housekeeping_every) => {}
            _ = stopping.changed() => return,
        }
    }
}

async fn prune(reconciler: &Reconciler) -> Result<(), StoreError> {
    let settings = &reconciler.inner.settings;
    let now_ms = reconciler.inner.clock.now_ms();
    let before = |kept: Duration| now_ms.saturating_sub(i64::try_from(kept.as_millis()).unwrap_or(i64::MAX));
    let mut tx = reconciler.inner.store.begin().await?;
    let transitions = tx.prune_transitions(before(settings.transitions_kept)).await?;
    let events = tx.prune_events(before(settings.events_kept)).await?;
    let records = tx.prune_records(before(settings.records_kept)).await?;
    tx.prune_idempotent(before(IDEMPOTENCY_KEPT)).await?;
    tx.commit().await?;
    tracing::debug!(transitions, events, records, "what is too old was removed");
    Ok(())
}
