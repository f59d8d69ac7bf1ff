//! One listing of a type, merged with the stored rows as two sorted streams: only what differs is written.
//!
//! Invariant: a listing that failed, lost a page or came out of order makes nothing absent.

use serde_json::json;

use super::stored::StoredRows;
use super::{Cycle, TypeReport};
use crate::domain::contract::MetadataType;
use crate::domain::error::{BackendError, ErrorKind};
use crate::domain::place::Place;
use crate::domain::resource::{
    ListFailure, Listed, Lookup, Page, Presence, Query, Resource, ResourceKey, Sweep,
};
use crate::pipelines::sync::observe::{Noticed, Sight};
use crate::pipelines::sync::{BATCH_MAX, Sync, SyncError, Told};
use crate::plugins::driver::CallError;

/// Of one listing, kept for people to read.
const FAILURES_KEPT: usize = 100;
/// Resources a page; the contract's most.
const PAGE_LIMIT: u32 = 1_000;

/// What became of a listing so far.
struct Progress<'a> {
    shape: &'a MetadataType,
    began_ms: i64,
    rows: StoredRows<'a>,
    /// The keys, not the rows, of what the listing left out.
    missing: Vec<ResourceKey>,
    last: Option<ResourceKey>,
    /// What the listing says that it stands for.
    version: Option<String>,
    /// Rows that were left as they are, because something newer stands in them.
    skipped: usize,
    report: TypeReport,
}

/// How a listing went.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Read {
    Whole,
    /// Nothing is other than the rows show.
    Unchanged,
    Cut,
}

impl Sync {
    pub(super) async fn sweep(
        &self,
        cycle: &Cycle<'_>,
        shape: &MetadataType,
    ) -> Result<TypeReport, SyncError> {
        let mut progress = Progress {
            shape,
            began_ms: self.now_ms(),
            rows: StoredRows::of_type(&self.store, &cycle.cluster.id, &shape.name),
            missing: Vec::new(),
            last: None,
            version: None,
            skipped: 0,
            report: TypeReport { metadata_type: shape.name.clone(), ..TypeReport::default() },
        };
        let read = self.read_pages(cycle, &mut progress).await?;
        if read == Read::Whole {
            progress.rows.drain(&mut progress.missing).await?;
            self.settle_missing(cycle, &mut progress).await?;
        }
        progress.report.complete = read != Read::Cut && !progress.report.failures.iter().any(is_of_the_whole);
        self.save_sweep(cycle, &progress).await?;
        Ok(progress.report)
    }

    /// While a page is written the next one is asked for.
    async fn read_pages(&self, cycle: &Cycle<'_>, progress: &mut Progress<'_>) -> Result<Read, SyncError> {
        let driver = &cycle.session.driver;
        let known = cycle.known(progress.shape);
        let first = Query { since: known.map(str::to_owned), ..query(cycle, progress.shape, None) };
        let mut next = Some(driver.list(first).await);
        if let Some(Ok(page)) = &next {
            progress.version.clone_from(&page.version);
            if known.is_some() && page.version.as_deref() == known {
                progress.report.seen = cycle.last_sweep(&progress.shape.name).map_or(0, |sweep| sweep.seen);
                return Ok(Read::Unchanged);
            }
        }
        while let Some(answer) = next.take() {
            let page = match answer {
                Ok(page) => page,
                Err(error) => {
                    progress.fail(failure_of(progress.shape, &error));
                    return Ok(Read::Cut);
                }
            };
            if let Some(failure) = progress.out_of_order(&page) {
                progress.fail(failure);
                return Ok(Read::Cut);
            }
            let follow = page.next.clone().map(|cursor| query(cycle, progress.shape, Some(cursor)));
            let fetch = async {
                match follow {
                    Some(query) if !self.is_stopping() => Some(driver.list(query).await),
                    Some(_) => Some(Err(CallError::Refused("the host is shutting down".to_owned()))),
                    None => None,
                }
            };
            let (fetched, saved) = tokio::join!(fetch, self.save_page(cycle, progress, page));
            saved?;
            next = fetched;
        }
        Ok(Read::Whole)
    }

    async fn save_page(
        &self,
        cycle: &Cycle<'_>,
        progress: &mut Progress<'_>,
        page: Page,
    ) -> Result<(), SyncError> {
        let mut noticed = Noticed::at(self.now_ms());
        progress.report.seen += page.resources.len() as u64;
        for observed in &page.resources {
            let row = progress.rows.take(&observed.key, &mut progress.missing).await?;
            if is_newer(row.as_ref(), progress.began_ms) {
                progress.skipped += 1;
                continue;
            }
            let after = cycle.lens.settle(row.as_ref(), &Sight::Seen(observed))?;
            let Some(after) = after else { continue };
            match row {
                None => progress.report.new += 1,
                Some(_) => progress.report.changed += 1,
            }
            noticed.change(row.as_ref(), after, "seen by a sweep");
        }
        page.failures.into_iter().for_each(|failure| progress.fail(failure));
        progress.skipped += self.save_noticed(cycle.cluster, noticed).await?;
        Ok(())
    }

    /// A listing may silently leave out what the login may not see: what is ours or wished for is read by name before
    /// it is absent. What is neither is forgotten.
    async fn settle_missing(&self, cycle: &Cycle<'_>, progress: &mut Progress<'_>) -> Result<(), SyncError> {
        let missing = std::mem::take(&mut progress.missing);
        let covered: Vec<ResourceKey> = missing.into_iter().filter(|key| progress.covers(key)).collect();
        for keys in covered.chunks(BATCH_MAX) {
            let rows = self.store.find_resources(&cycle.cluster.id, keys).await?;
            let (newer, rows): (Vec<_>, Vec<_>) =
                rows.into_iter().partition(|row| is_newer(Some(row), progress.began_ms));
            progress.skipped += newer.len();
            let (kept, strangers): (Vec<_>, Vec<_>) =
                rows.into_iter().partition(|row| row.owned || row.desired.is_some());
            let mut noticed = Noticed::at(self.now_ms());
            progress.report.gone += strangers.len() as u64;
            strangers.into_iter().for_each(|row| noticed.forget(row));
            self.look_for(cycle, progress, kept, &mut noticed).await?;
            progress.skipped += self.save_noticed(cycle.cluster, noticed).await?;
        }
        Ok(())
    }

    async fn look_for(
        &self,
        cycle: &Cycle<'_>,
        progress: &mut Progress<'_>,
        rows: Vec<Resource>,
        noticed: &mut Noticed,
    ) -> Result<(), SyncError> {
        // What is known to be absent, and still is missing, needs no second question.
        let rows: Vec<Resource> = rows.into_iter().filter(|row| row.presence != Presence::Absent).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let keys: Vec<ResourceKey> = rows.iter().map(|row| row.key.clone()).collect();
        let lookups = match cycle.session.look(&keys, &cycle.lens.types).await {
            Ok(lookups) => lookups,
            Err(error) => {
                progress.fail(failure_of(progress.shape, &error));
                return Ok(());
            }
        };
        for (row, lookup) in rows.into_iter().zip(lookups) {
            let sight = match &lookup {
                Lookup::Found(observed) => Sight::Seen(observed),
                Lookup::Absent => Sight::Absent,
                Lookup::Failed(error) => {
                    progress.fail(ListFailure {
                        metadata_type: row.key.metadata_type.clone(),
                        id: Some(row.key.id.clone()),
                        place: row.key.place.clone(),
                        error: error.clone(),
                    });
                    continue;
                }
            };
            let Some(after) = cycle.lens.settle(Some(&row), &sight)? else { continue };
            match sight {
                Sight::Absent => progress.report.gone += 1,
                Sight::Seen(_) => progress.report.changed += 1,
            }
            noticed.change(Some(&row), after, "missing from a complete listing");
        }
        Ok(())
    }

    async fn save_sweep(&self, cycle: &Cycle<'_>, progress: &Progress<'_>) -> Result<(), SyncError> {
        let report = &progress.report;
        let complete_before = cycle.last_sweep(&progress.shape.name).and_then(|sweep| sweep.complete_at_ms);
        let changed = report.new + report.changed + report.gone;
        let sweep = Sweep {
            metadata_type: progress.shape.name.clone(),
            place: Place::Cluster,
            started_at_ms: progress.began_ms,
            ended_at_ms: self.now_ms(),
            complete_at_ms: if report.complete { Some(progress.began_ms) } else { complete_before },
            seen: report.seen,
            changed,
            failures: report.failures.clone(),
            listed: progress.listed(cycle),
        };
        let mut tx = self.store.begin().await?;
        tx.save_sweep(&cycle.cluster.id, &sweep).await?;
        if changed > 0 {
            let data = json!({"new": report.new, "changed": report.changed, "gone": report.gone});
            self.tell(&mut tx, cycle.cluster, Told::new("sweep.changed", &progress.shape.name, data)).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

impl Progress<'_> {
    fn fail(&mut self, failure: ListFailure) {
        if self.report.failures.len() < FAILURES_KEPT || failure.id.is_none() {
            self.report.failures.push(failure);
        } else if let Some(last) = self.report.failures.last_mut() {
            // Too many to name: none of the type counts as covered.
            last.id = None;
        }
    }

    /// Only where the rows show all of it.
    fn listed(&self, cycle: &Cycle<'_>) -> Option<Listed> {
        let is_all = self.report.complete && self.report.failures.is_empty() && self.skipped == 0;
        let version = self.version.clone().filter(|_| is_all)?;
        Some(Listed { version, basis: cycle.basis.clone() })
    }

    /// Whether the listing would have shown that resource.
    fn covers(&self, key: &ResourceKey) -> bool {
        !self.report.failures.iter().any(|failure| match &failure.id {
            Some(id) => *id == key.id && failure.place == key.place,
            None => failure.place == Place::Cluster || failure.place == key.place,
        })
    }

    fn out_of_order(&mut self, page: &Page) -> Option<ListFailure> {
        for observed in &page.resources {
            let out_of_order = self.last.as_ref().is_some_and(|last| *last >= observed.key);
            if out_of_order || observed.key.metadata_type != self.shape.name {
                let message = format!(
                    "the plugin listed `{}` at {} out of order, or twice; nothing counts as absent",
                    observed.key.id, observed.key.place
                );
                let error = BackendError::new(ErrorKind::Protocol, message);
                return Some(whole_failure(self.shape, error));
            }
            self.last = Some(observed.key.clone());
        }
        None
    }
}

/// An observation that began before the last write of the resource ended may show it as it was.
fn is_newer(row: Option<&Resource>, began_ms: i64) -> bool {
    row.and_then(|row| row.written_at_ms).is_some_and(|written| written >= began_ms)
}

fn is_of_the_whole(failure: &ListFailure) -> bool {
    failure.id.is_none()
}

fn query(cycle: &Cycle<'_>, shape: &MetadataType, cursor: Option<String>) -> Query {
    Query {
        metadata_type: shape.name.clone(),
        place: Place::Cluster,
        brief: cycle.is_brief(shape),
        fields: Vec::new(),
        since: None,
        cursor,
        limit: PAGE_LIMIT,
    }
}

fn failure_of(shape: &MetadataType, error: &CallError) -> ListFailure {
    let error = match error {
        CallError::Backend(error) => error.clone(),
        CallError::Busy { .. } => BackendError::new(ErrorKind::Exhausted, error.to_string()),
        CallError::Plugin { .. } | CallError::Refused(_) => {
            BackendError::new(ErrorKind::Internal, error.to_string())
        }
    };
    whole_failure(shape, error)
}

fn whole_failure(shape: &MetadataType, error: BackendError) -> ListFailure {
    ListFailure { metadata_type: shape.name.clone(), id: None, place: Place::Cluster, error }
}
