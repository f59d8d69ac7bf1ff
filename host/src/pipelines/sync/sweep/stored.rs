//! The stored rows of a type as a stream in the order of listings.

use std::collections::VecDeque;

use crate::domain::id::ClusterId;
use crate::domain::place::Place;
use crate::domain::resource::{Resource, ResourceKey};
use crate::store::{ResourceFilter, Store, StoreError};

/// Rows in memory at a time.
const ROWS_PAGE: u32 = 1_000;

pub(super) struct StoredRows<'a> {
    store: &'a Store,
    cluster: &'a ClusterId,
    filter: ResourceFilter,
    buffer: VecDeque<Resource>,
    after: Option<(String, Place)>,
    ended: bool,
}

impl<'a> StoredRows<'a> {
    pub(super) fn of_type(store: &'a Store, cluster: &'a ClusterId, metadata_type: &str) -> Self {
        let filter =
            ResourceFilter { metadata_type: Some(metadata_type.to_owned()), ..ResourceFilter::default() };
        Self { store, cluster, filter, buffer: VecDeque::new(), after: None, ended: false }
    }

    /// The row of that key where there is one; the keys of the rows before it go to `passed`.
    pub(super) async fn take(
        &mut self,
        key: &ResourceKey,
        passed: &mut Vec<ResourceKey>,
    ) -> Result<Option<Resource>, StoreError> {
        while self.fill().await? {
            match self.buffer.front().map(|row| row.key.cmp(key)) {
                Some(std::cmp::Ordering::Less) => passed.extend(self.buffer.pop_front().map(|row| row.key)),
                Some(std::cmp::Ordering::Equal) => return Ok(self.buffer.pop_front()),
                Some(std::cmp::Ordering::Greater) | None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// All that is left.
    pub(super) async fn drain(&mut self, passed: &mut Vec<ResourceKey>) -> Result<(), StoreError> {
        while self.fill().await? {
            passed.extend(self.buffer.drain(..).map(|row| row.key));
        }
        Ok(())
    }

    /// Whether there is a row in the buffer. Rows that a sweep inserts lie before those that are read later: an id is
    /// only new once a row behind it was seen, or the end.
    async fn fill(&mut self) -> Result<bool, StoreError> {
        if self.buffer.is_empty() && !self.ended {
            let rows =
                self.store.list_resources(self.cluster, &self.filter, self.after.clone(), ROWS_PAGE).await?;
            self.ended = rows.len() < ROWS_PAGE as usize;
            self.after = rows.last().map(|row| (row.key.id.clone(), row.key.place.clone()));
            self.buffer = rows.into();
        }
        Ok(!self.buffer.is_empty())
    }
}
