//! Levels of the log's streams, changed while the host runs.

use serde_json::json;

use super::caller::Caller;
use super::{App, AppError, Happened};
use crate::domain::record::Change;
use crate::domain::stream::{LogLevel, Stream, StreamLevel};

impl App {
    pub fn list_log_levels(&self, _: &Caller) -> Vec<StreamLevel> {
        self.log.levels()
    }

    /// Until the host ends, or the next change. `None`: as at the start.
    pub async fn change_log_level(
        &self,
        caller: &Caller,
        stream: Stream,
        level: Option<LogLevel>,
    ) -> Result<StreamLevel, AppError> {
        caller.may_write()?;
        let before = self.log.level(stream);
        let after = level.unwrap_or(before.at_start);
        let change = Change::new("log-level.change", stream.word())
            .before(json!({"level": before.level}))
            .after(json!({"level": after}));
        let data = json!({"level": after});
        let (kind, subject) = ("log-level.changed", stream.word());
        let mut tx = self.store.begin().await?;
        self.record(&mut tx, caller, Happened { cluster: None, kind, subject, data, change }).await?;
        tx.commit().await?;
        self.log.set(stream, level);
        Ok(self.log.level(stream))
    }
}
