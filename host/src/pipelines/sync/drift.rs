//! What is done about drift: by people (accept, ignore, release) and by policy (propose, revert).

mod by_people;
mod by_policy;

pub use by_people::DriftError;
