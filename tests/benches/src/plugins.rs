//! Plugins of others: how soon a new version serves, what a call, a session and a hundred reloads take, and how much one
//! that spins slows the API.

mod call;
mod guests;
mod reload;
mod reloads;
pub(crate) mod sessions;
mod spin;
mod world;

use anyhow::Result;

use crate::table::Table;

pub(crate) fn rows(table: &mut Table) -> Result<()> {
    reload::rows(table)?;
    call::rows(table)?;
    sessions::rows(table)?;
    reloads::rows(table)?;
    spin::rows(table)
}
