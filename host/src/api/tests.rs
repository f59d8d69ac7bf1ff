//! The API from outside its router, against the real store.

mod access;
mod clusters;
mod doors;
mod events;
mod plans;
mod plugins;
mod problems;
mod records;
mod relations;
mod resources;
mod role;
