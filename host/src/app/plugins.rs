//! The plugins of this host: how they stand, what they failed at, and what an operator changes.

use super::caller::Caller;
use super::{App, AppError, Refusal};
use crate::domain::plugin::{Incident, PluginStatus};
use crate::plugins::driver::{PluginChange, PluginChangeError};

impl App {
    pub fn list_plugins(&self, _: &Caller) -> Vec<PluginStatus> {
        self.plugins.statuses()
    }

    /// By kind, or by file where it serves none.
    pub fn show_plugin(&self, _: &Caller, name: &str) -> Result<PluginStatus, AppError> {
        self.find_plugin(name).ok_or_else(|| AppError::not_found("plugin", name))
    }

    /// Newest first, those after the one with this id.
    pub async fn list_plugin_incidents(
        &self,
        _: &Caller,
        name: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Incident>, AppError> {
        let incidents = self.store.list_plugin_incidents(name, after, limit).await?;
        // A kind that is not loaded any more failed nevertheless.
        if incidents.is_empty() && self.find_plugin(name).is_none() {
            return Err(AppError::not_found("plugin", name));
        }
        Ok(incidents)
    }

    pub async fn change_plugin(
        &self,
        caller: &Caller,
        name: &str,
        change: PluginChange,
    ) -> Result<PluginStatus, AppError> {
        caller.may_write()?;
        self.plugins.change(name, change, &caller.by).await.map_err(|error| match &error {
            PluginChangeError::NotFound(name) => AppError::not_found("plugin", name.as_str()),
            PluginChangeError::Refused(why) => AppError::refused(Refusal::Plugin, why.as_str()),
            PluginChangeError::Invalid(why) => AppError::wrong("invalid-grant", "", why.as_str()),
            PluginChangeError::Changed(_) => AppError::refused(Refusal::Grants, error.to_string()),
            PluginChangeError::NotKept(_) => AppError::Busy(error.to_string()),
            PluginChangeError::Stopping => AppError::Stopping,
        })?;
        self.find_plugin(name).ok_or_else(|| AppError::not_found("plugin", name))
    }

    fn find_plugin(&self, name: &str) -> Option<PluginStatus> {
        let statuses = self.plugins.statuses();
        let of_kind = statuses.iter().find(|status| status.kind.as_deref() == Some(name));
        of_kind.or_else(|| statuses.iter().find(|status| status.file.as_deref() == Some(name))).cloned()
    }
}
