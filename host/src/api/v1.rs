//! Version 1 of the API: one folder a noun, one file an operation.

pub mod clusters;
pub mod drift;
pub mod events;
pub mod kinds;
pub mod plans;
pub mod resources;
pub mod tokens;
