//! Who calls, and what they may do.

use super::error::AppError;
use crate::domain::id::OrganizationId;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Reads and writes.
    Owner,
    Reader,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub organization: OrganizationId,
    /// `token:NAME`, as events and plans record it.
    pub actor: String,
    pub role: Role,
}

impl Caller {
    /// Every use case that changes something begins with this.
    pub(crate) fn may_write(&self) -> Result<(), AppError> {
        match self.role {
            Role::Owner => Ok(()),
            Role::Reader => Err(AppError::ReadOnly),
        }
    }
}
