//! Records: searched by whoever may read. Nobody writes one by itself: each is kept with its change.

use super::caller::Caller;
use super::{App, AppError};
use crate::domain::id::RecordId;
use crate::domain::record::{Record, RecordFilter};

impl App {
    /// Newest first; also of clusters that are gone.
    pub async fn list_records(
        &self,
        caller: &Caller,
        filter: &RecordFilter,
        after: Option<&RecordId>,
        limit: u32,
    ) -> Result<Vec<Record>, AppError> {
        Ok(self.store.list_records(&caller.organization, filter, after, limit).await?)
    }
}
