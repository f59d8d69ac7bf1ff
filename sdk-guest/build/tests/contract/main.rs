//! The contract in `wit/`: what its reference says, and what of it may change.
#![expect(clippy::indexing_slicing, reason = "an id of a contract is always in it")]
#![expect(clippy::unwrap_used, reason = "the functions below the tests are parts of them")]

mod reference;
mod released;
mod words;
