//! The first answer to a creating call, kept for those who ask again because they never saw it.

use super::caller::Caller;
use super::{App, AppError};
use crate::store::Idempotent;

/// What the first call was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Of method, path and body.
    pub request_hash: String,
    pub status: u16,
    pub body: String,
}

impl App {
    pub async fn find_answered(&self, caller: &Caller, key: &str) -> Result<Option<Answered>, AppError> {
        let found = self.store.find_idempotent(&caller.organization, key).await?;
        Ok(found.map(|one| Answered { request_hash: one.request_hash, status: one.status, body: one.body }))
    }

    pub async fn save_answered(
        &self,
        caller: &Caller,
        key: &str,
        answered: Answered,
    ) -> Result<(), AppError> {
        let mut tx = self.store.begin().await?;
        let Answered { request_hash, status, body } = answered;
        let one = Idempotent { request_hash, status, body, at_ms: self.now_ms() };
        tx.insert_idempotent(&caller.organization, key, &one).await?;
        Ok(tx.commit().await?)
    }
}
