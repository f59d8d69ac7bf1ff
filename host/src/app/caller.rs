//! Who calls, and what they may do.

use super::error::AppError;
use crate::domain::id::OrganizationId;
use crate::domain::record::By;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Reads and writes.
    Owner,
    Reader,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub organization: OrganizationId,
    /// As events, plans and records name it.
    pub by: By,
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
